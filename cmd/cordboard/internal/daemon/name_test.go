package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/callcontrol"
)

// ringer is a phone below every SIP stack that rings and is never picked up; it keeps the INVITEs as they came.
type ringer struct {
	conn *net.UDPConn

	mu      sync.Mutex
	invites []string
}

func (p *ringer) run() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		text := string(buf[:n])
		answer := func(text string) { _, _ = p.conn.WriteToUDPAddrPort([]byte(text), from) }
		switch method, _, _ := strings.Cut(text, " "); method {
		case "INVITE":
			p.mu.Lock()
			p.invites = append(p.invites, text)
			p.mu.Unlock()
			answer(reply(text, 180))
		case "CANCEL":
			answer(reply(text, 200))
			if invite := p.find(field(text, "Call-ID")); invite != "" {
				answer(reply(invite, 487))
			}
		case "ACK", "SIP/2.0":
		default:
			answer(reply(text, 200))
		}
	}
}

// find is the newest INVITE with these words.
func (p *ringer) find(words string) (text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.invites {
		if strings.Contains(i, words) {
			text = i
		}
	}
	return text
}

// TestNameOnTheWire: the name that an adapter finds is the display name of the INVITE to the agent's phone, and no more than that,
// whatever the adapter answered.
func TestNameOnTheWire(t *testing.T) {
	program := exampleAdapter(t)
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	phone := &ringer{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); phone.run() }()
	t.Cleanup(func() { _ = conn.Close(); <-done }) // after the daemon
	w := newWorld(t, setup{
		noPhone: true, device: fmt.Sprintf("contact: \"sip:ann@%s\"", conn.LocalAddr()),
		extra: fmt.Sprintf(`adapters:
  - {name: crm, command: %s, config: {file: events.jsonl, contacts: {"380441234567": "Оля \"Ö\"\r\nX-Evil: 1\0\u202E <sip:eve@evil.test>"}}}`, program),
	})
	w.within(time.Minute, "the adapter runs", func() bool { return w.daemon.adapters.Status()[0].PID != 0 })
	c := w.call()
	w.until("the phone rings", func() bool { return phone.find("Call-ID") != "" })
	w.within(time.Minute, "the customer is known", func() bool { return w.snapshot().Calls[0].Contact.Name != "" })
	if got := field(phone.find("Call-ID"), "From"); !strings.HasPrefix(got, `"Olena" <sip:380441234567@`) {
		t.Errorf("before anybody knew: %s", got)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	const want = `"Оля 'Ö' X-Evil: 1 <sip:eve@evil.test>" <sip:380441234567@`
	w.until("the phone is called with the name", func() bool { return phone.find(want) != "" })
	invite := phone.find(want)
	if got := field(invite, "From"); !strings.HasPrefix(got, want) || field(invite, "X-Evil") != "" {
		t.Errorf("INVITE:\n%s", invite)
	}
	c.Hangup()
	w.ended(c)
}
