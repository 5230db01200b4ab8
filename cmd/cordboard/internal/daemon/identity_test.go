package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"cordboard/callcontrol"
)

// wirePBX is a trunk below every SIP stack: it answers each request at once and keeps the requests as they came.
type wirePBX struct {
	w    *world
	conn *net.UDPConn
	rtp  netip.AddrPort // where its parties would hear

	mu   sync.Mutex
	seen []string
}

func newWirePBX(t *testing.T) *wirePBX {
	t.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	return &wirePBX{conn: listen(), rtp: listen().LocalAddr().(*net.UDPAddr).AddrPort()}
}

func (p *wirePBX) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// run answers until the socket is closed.
func (p *wirePBX) run() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		text := string(buf[:n])
		if strings.HasPrefix(text, "SIP/2.0 ") {
			if strings.HasPrefix(text, "SIP/2.0 200") && strings.HasSuffix(field(text, "CSeq"), " INVITE") {
				ack := fmt.Sprintf("ACK sip:x@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKack%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
					from, p.addr(), field(text, "Call-ID"), field(text, "From"), field(text, "To"), field(text, "Call-ID"))
				_, _ = p.conn.WriteToUDPAddrPort([]byte(ack), from)
			}
			continue
		}
		p.mu.Lock()
		p.seen = append(p.seen, text)
		p.mu.Unlock()
		method, _, _ := strings.Cut(text, " ")
		answer := reply(text, 200)
		switch method {
		case "ACK":
			continue
		case "INVITE":
			head, _, _ := strings.Cut(answer, "Content-Length")
			body := sdpAt(p.rtp)
			answer = fmt.Sprintf("%sContact: <sip:wire@%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
				head, p.addr(), len(body), body)
		}
		_, _ = p.conn.WriteToUDPAddrPort([]byte(answer), from)
	}
}

// call lets a customer call the line; its number is in the From.
func (p *wirePBX) call(id string) {
	p.w.t.Helper()
	body := sdpAt(p.rtp)
	text := fmt.Sprintf("INVITE sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: \"Olena\" <sip:380501112233@pbx.test>;tag=c\r\nTo: <sip:1001@pbx.test>\r\n"+
		"Call-ID: %[4]s\r\nCSeq: 1 INVITE\r\nContact: <sip:wire@%[3]s>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE\r\nContent-Type: application/sdp\r\nContent-Length: %[5]d\r\n\r\n%[6]s",
		user(0), p.w.sip(), p.addr(), id, len(body), body)
	_, err := p.conn.WriteToUDPAddrPort([]byte(text), p.w.sip())
	p.w.must(err)
	p.w.phase(callcontrol.PhaseOffered, 1)
	p.w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	p.w.phase(callcontrol.PhaseTalking, 1)
}

// find waits for a request with these words in it.
func (p *wirePBX) find(words ...string) (text string) {
	p.w.t.Helper()
	p.w.until(fmt.Sprintf("a request with %q came", words), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		i := slices.IndexFunc(p.seen, func(s string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
		})
		if i >= 0 {
			text = p.seen[i]
		}
		return i >= 0
	})
	return text
}

// names are the lines of a message that name somebody besides From and To.
func names(text string) []string {
	var out []string
	for l := range strings.SplitSeq(text, "\r\n") {
		if name, _, _ := strings.Cut(l, ":"); slices.Contains([]string{"P-Asserted-Identity", "Remote-Party-ID", "Privacy"}, name) {
			out = append(out, l)
		}
	}
	return out
}

// TestTrunkIdentity: trunks[].identity is what a trunk is told by, and all it is told by: when a line dials, when a customer is
// transferred, and when both sides of a transfer are told who they talk to now.
func TestTrunkIdentity(t *testing.T) {
	for _, header := range []string{"pai", "rpid", "none"} {
		t.Run(header, func(t *testing.T) {
			pbx := newWirePBX(t)
			config := fmt.Sprintf(`sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: 22800-22999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
limits: {dial: {allow: ["*"], per_second: 50}}
trunks: [{name: pbx, server: "sip:%s", domain: pbx.test, identity: %s, register: {enabled: false}}]
agents: [{name: agent0, line: {trunk: pbx, user: "%[4]s", number: "+380442000000", display: Shop}, device: {user: phone%[4]s, password: {file: phone}}}]
`, freePort(t), pbx.addr(), header, user(0))
			w := bare(t, config, map[string]string{"phone": "phone" + user(0)})
			pbx.w = w
			done := make(chan struct{})
			go func() { defer close(done); pbx.run() }()
			w.stops = append([]func(){func() { _ = pbx.conn.Close(); <-done }}, w.stops...) // after the daemon
			w.addPhone(0, true)
			w.until("the desk can work", func() bool { return w.snapshot().Agents[0].Device.Reachable })

			said := func(who, party string) []string {
				switch header {
				case "pai":
					return []string{"P-Asserted-Identity: " + who}
				case "rpid":
					return []string{"Remote-Party-ID: " + who + ";party=" + party + ";screen=no"}
				}
				return nil
			}
			tells := func(what, text string, want []string) {
				t.Helper()
				if got := names(text); !slices.Equal(got, want) {
					t.Errorf("%s tells %q, want %q", what, got, want)
				}
			}
			// told: both sides of a transfer hear who the other is, or nothing.
			told := func(customer, target, number string) {
				t.Helper()
				if header != "none" {
					tells("the target's UPDATE", pbx.find("UPDATE ", "Call-ID: "+target), said(olena, "calling"))
					tells("the customer's UPDATE", pbx.find("UPDATE ", "Call-ID: "+customer), said("<sip:"+number+"@pbx.test>", "called"))
				}
				w.do(callcontrol.Command{Kind: callcontrol.KindHangup, Call: w.snapshot().Calls[0].ID})
				pbx.find("BYE ", "Call-ID: "+customer)
				pbx.find("BYE ", "Call-ID: "+target)
				w.free()
			}

			w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"})
			tells("dial", pbx.find("INVITE sip:2001@"), said(shop, "calling"))
			w.phase(callcontrol.PhaseTalking, 1)
			w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
			w.free()

			pbx.call("blind")
			w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: "2002"})
			invite := pbx.find("INVITE sip:2002@")
			tells("blind transfer", invite, said(olena, "calling"))
			w.phase(callcontrol.PhaseBridged, 1)
			told("blind", field(invite, "Call-ID"), "2002")

			pbx.call("consult")
			w.do(callcontrol.Command{Kind: callcontrol.KindConsult, Number: "2003"})
			invite = pbx.find("INVITE sip:2003@")
			tells("consult", invite, said(shop, "calling"))
			w.phase(callcontrol.PhaseTalking, 1)
			w.do(callcontrol.Command{Kind: callcontrol.KindComplete})
			w.phase(callcontrol.PhaseBridged, 1)
			told("consult", field(invite, "Call-ID"), "2003")
			if header == "none" {
				pbx.mu.Lock()
				defer pbx.mu.Unlock()
				if i := slices.IndexFunc(pbx.seen, func(s string) bool { return strings.HasPrefix(s, "UPDATE ") }); i >= 0 {
					t.Errorf("told:\n%s", pbx.seen[i])
				}
			}
		})
	}
}

const olena, shop = `"Olena" <sip:380501112233@pbx.test>`, `"Shop" <sip:+380442000000@pbx.test>`
