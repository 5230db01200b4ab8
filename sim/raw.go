package sim

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// RawConfig of a caller that speaks SIP by itself, without the stack that the other parties have: what it sends and what it
// leaves out is scripted.
type RawConfig struct {
	Addr    netip.Addr
	Server  netip.AddrPort // called over UDP
	Line    string
	From    string         // From header without its tag; empty: <sip:raw@Addr>
	Headers []sipua.Header // added to the INVITE as they are
	Source  func([]int16)  // what it says; nil: nothing
	NoAck   bool           // never acknowledges a 200
	// HangupAtAnswer cancels in the moment that the 200 arrives, then ends what was answered (RFC 3261 §15).
	HangupAtAnswer bool
}

// RawSeen is what a raw caller has received.
type RawSeen struct {
	Status int // final status of the INVITE, 0: none yet
	Rings  int // provisional answers above 100
	OKs    int // 200s to the INVITE: more than one are repetitions
	Byes   int // BYEs, repetitions among them
	Cancel int // status of the answer to our CANCEL
	Bye    int // status of the answer to our BYE
}

// Raw is one call of a raw caller.
type Raw struct {
	Sound *Sound

	cfg    RawConfig
	conn   *net.UDPConn
	sess   *offer.Session
	callID string
	tag    string
	branch string
	wg     sync.WaitGroup

	mu      sync.Mutex
	seen    RawSeen
	to      string // To with the callee's tag
	contact string // Request-URI of requests within the dialog
	dead    bool
	changed chan struct{}
}

// CallRaw sends an INVITE; Close ends the caller, whatever is of its call.
func CallRaw(cfg RawConfig) (*Raw, error) {
	s, err := NewSound(cfg.Addr, cfg.Source)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(cfg.Addr, 0)), net.UDPAddrFromAddrPort(cfg.Server))
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("raw caller: %w", err)
	}
	if cfg.From == "" {
		cfg.From = fmt.Sprintf("<sip:raw@%s>", cfg.Addr)
	}
	c := &Raw{
		Sound: s, cfg: cfg, conn: conn, sess: offer.NewSession("raw"), callID: rand.Text(), tag: rand.Text(),
		branch: "z9hG4bK" + rand.Text(), changed: make(chan struct{}),
	}
	c.to = fmt.Sprintf("<sip:%s@%s>", cfg.Line, cfg.Server)
	c.contact = fmt.Sprintf("sip:%s@%s", cfg.Line, cfg.Server)
	c.wg.Go(c.receive)
	c.wg.Go(c.invite)
	return c, nil
}

// Close lets the caller vanish and returns when nothing of it is left.
func (c *Raw) Close() {
	c.conn.Close()
	c.Sound.Close()
	c.wg.Wait()
}

// Die stops packets and answers, as when the caller's power fails.
func (c *Raw) Die() {
	c.mu.Lock()
	c.dead = true
	c.mu.Unlock()
	c.Sound.Mute(true)
}

// Hangup sends BYE.
func (c *Raw) Hangup() { _ = c.request("BYE", 2, "z9hG4bK"+rand.Text(), nil) }

// Wait returns when ok says so of what was received.
func (c *Raw) Wait(ctx context.Context, ok func(RawSeen) bool) error {
	for {
		c.mu.Lock()
		seen, changed := c.seen, c.changed
		c.mu.Unlock()
		if ok(seen) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("raw caller received %+v: %w", seen, ctx.Err())
		}
	}
}

// invite sends the INVITE until something answers it: RFC 3261 §17.1.1.2.
func (c *Raw) invite() {
	body := c.sess.Offer(c.Sound.Local(offer.SendRecv))
	for wait := 500 * time.Millisecond; wait < 32*time.Second; wait *= 2 {
		c.mu.Lock()
		done, changed := c.seen != RawSeen{}, c.changed
		c.mu.Unlock()
		if done {
			return
		}
		if c.request("INVITE", 1, c.branch, body) != nil {
			return
		}
		select {
		case <-changed:
			return
		case <-time.After(wait):
		case <-c.Sound.ctx.Done():
			return
		}
	}
}

// request sends a request of this call.
func (c *Raw) request(method string, seq int, branch string, body []byte) error {
	c.mu.Lock()
	to, uri := c.to, c.contact
	c.mu.Unlock()
	at := c.conn.LocalAddr()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, uri, at, branch, c.cfg.From, c.tag, to, c.callID, seq, method)
	if method == "INVITE" {
		fmt.Fprintf(&b, "Contact: <sip:raw@%s>\r\nAllow: INVITE, ACK, CANCEL, BYE\r\nContent-Type: application/sdp\r\n", at)
		for _, h := range c.cfg.Headers {
			fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	_, err := c.conn.Write(b.Bytes())
	return err
}

func (c *Raw) receive() {
	buf := make([]byte, 65536)
	for {
		n, err := c.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error: nobody listens there now
		}
		c.mu.Lock()
		dead := c.dead
		c.mu.Unlock()
		if m, ok := parseRaw(buf[:n]); ok && !dead {
			c.take(m)
		}
	}
}

// rawMessage is as much of a message as a raw caller reads.
type rawMessage struct {
	first  string
	header map[string][]string // by lower-case name
	body   []byte
}

func parseRaw(b []byte) (rawMessage, bool) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return rawMessage{}, false
	}
	lines := strings.Split(string(head), "\r\n")
	m := rawMessage{first: lines[0], header: map[string][]string{}, body: body}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		key := strings.ToLower(strings.TrimSpace(name))
		m.header[key] = append(m.header[key], strings.TrimSpace(value))
	}
	return m, true
}

func (m rawMessage) get(name string) string {
	if v := m.header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// answer is a response to a request, without a tag of its own.
func (m rawMessage) answer(status int, headers ...sipua.Header) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, http.StatusText(status))
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range m.header[strings.ToLower(name)] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}

func (c *Raw) take(m rawMessage) {
	text, isAnswer := strings.CutPrefix(m.first, "SIP/2.0 ")
	if !isAnswer {
		c.asked(m)
		return
	}
	status, err := strconv.Atoi(text[:min(3, len(text))])
	if err != nil {
		return
	}
	_, method, _ := strings.Cut(m.get("cseq"), " ")
	switch {
	case method == "BYE":
		c.note(func() { c.seen.Bye = status })
	case method == "CANCEL":
		c.note(func() { c.seen.Cancel = status })
	case method != "INVITE":
	case status < 200:
		c.note(func() {
			if status > 100 {
				c.seen.Rings++
			}
		})
	default:
		c.final(status, m)
	}
}

// final takes a final answer to the INVITE.
func (c *Raw) final(status int, m rawMessage) {
	first := false
	c.note(func() {
		first = c.seen.Status == 0
		c.seen.Status, c.to = status, m.get("to")
		if status < 300 {
			c.seen.OKs++
		}
		if _, rest, ok := strings.Cut(m.get("contact"), "<"); ok && status < 300 {
			c.contact, _, _ = strings.Cut(rest, ">")
		}
	})
	if status >= 300 {
		_ = c.request("ACK", 1, c.branch, nil)
		return
	}
	if first {
		if c.cfg.HangupAtAnswer {
			c.cancel()
		}
		if n, err := c.sess.Accept(m.body); err == nil {
			c.Sound.Agree(n)
		}
	}
	if c.cfg.NoAck {
		return
	}
	_ = c.request("ACK", 1, "z9hG4bK"+rand.Text(), nil)
	if first && c.cfg.HangupAtAnswer {
		c.Hangup()
	}
}

// cancel sends a CANCEL of the INVITE as it was sent: its To has no tag (RFC 3261 §9.1).
func (c *Raw) cancel() {
	at := c.conn.LocalAddr()
	text := fmt.Sprintf("CANCEL sip:%[1]s@%[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;branch=%[4]s;rport\r\nMax-Forwards: 70\r\nFrom: %[5]s;tag=%[6]s\r\nTo: <sip:%[1]s@%[2]s>\r\nCall-ID: %[7]s\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
		c.cfg.Line, c.cfg.Server, at, c.branch, c.cfg.From, c.tag, c.callID)
	_, _ = c.conn.Write([]byte(text))
}

// asked answers a request of the other side.
func (c *Raw) asked(m rawMessage) {
	method, _, _ := strings.Cut(m.first, " ")
	if method == "ACK" {
		return
	}
	_, _ = c.conn.Write(m.answer(200))
	if method == "BYE" {
		c.note(func() { c.seen.Byes++ })
	}
}

func (c *Raw) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}
