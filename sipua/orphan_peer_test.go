package sipua

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

// newest gives the newest farewell that a call told.
type newest chan Farewell

func newNewest() newest { return make(newest, 100) }

func (n newest) tell(f Farewell) { n <- f }

// want waits for one that is like that.
func (n newest) want(t *testing.T, like func(Farewell) bool) Farewell {
	t.Helper()
	for deadline := time.After(15 * time.Second); ; {
		select {
		case f := <-n:
			if like(f) {
				return f
			}
		case <-deadline:
			t.Fatal("no such farewell")
		}
	}
}

// nextLife is a stack as one that is started after a crash, with the peer of the first one.
func (r *rig) nextLife(change func(*Config)) *Stack {
	r.t.Helper()
	cfg := r.s.cfg
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, Deps{Log: logger()})
	if err != nil {
		r.t.Fatal(err)
	}
	serveUntilEnd(r.t, s)
	r.pbx.to = s.Addr("udp")
	return s
}

// ending runs EndOrphan; the function it returns waits for its success.
func ending(t *testing.T, s *Stack, f Farewell) func() {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.EndOrphan(t.Context(), f) }()
	return func() {
		t.Helper()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the orphan is still being ended")
		}
	}
}

// The BYE of the next life takes the route set to the peer's newest Contact, is far ahead of what was sent before, and answers
// a challenge.
func TestEndOrphanChallenged(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Lines[0].Password, c.StopTimeout = digest.NewSecret("secret"), 100*time.Millisecond
	})
	told := newNewest()
	d, ev := r.invite(func(p *InviteParams) { p.OnFarewell = told.tell })
	inv := r.pbx.request("INVITE")
	route := fmt.Sprintf("<sip:%s;lr>", r.pbx.addr())
	r.pbx.reply(inv, 200, "pt", "Record-Route: "+route+"\r\nAllow: INVITE, UPDATE\r\n", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	want[Answered](ev)
	l := r.pbx.asLeg(inv, "pt")
	l.send("INVITE", "", sdp(40002, "sendonly")) // its Contact refreshes the target
	l.ack(l.response(200, "INVITE"), "")
	f := told.want(t, func(f Farewell) bool { return f.Kind == FarewellBye && strings.Contains(f.Target, "raw@") })
	if text, _ := json.Marshal(f); strings.Contains(string(text), "secret") {
		t.Errorf("a secret in %s", text)
	}
	end := ending(t, r.nextLife(nil), f)
	bye := r.pbx.request("BYE")
	if bye.start != "BYE sip:raw@"+r.pbx.addr().String()+" SIP/2.0" || bye.header("Route") != route || bye.cseq() < 60_000 ||
		bye.tag("From") != inv.tag("From") || bye.tag("To") != "pt" || bye.header("Call-ID") != inv.header("Call-ID") || d.ID().RemoteTag != "pt" {
		t.Errorf("%s", bye.text)
	}
	r.pbx.reply(bye, 407, "", "Proxy-Authenticate: Digest realm=\"pbx.test\", nonce=\"n1\", qop=\"auth\"\r\n", "")
	again := r.pbx.request("BYE")
	if a := again.header("Proxy-Authorization"); !strings.Contains(a, `username="1001"`) || !strings.Contains(a, `nonce="n1"`) || again.cseq() != bye.cseq()+1 {
		t.Errorf("%s", again.text)
	}
	r.pbx.reply(again, 200, "", "", "")
	end()
}

// A peer that answers while we cancel has its 200 acknowledged and hears BYE, whether it rang before or is known by its number only.
func TestEndOrphanStrayAnswer(t *testing.T) {
	t.Run("rang", func(t *testing.T) { strayAnswer(t, true) })
	t.Run("silent", func(t *testing.T) { strayAnswer(t, false) })
}

func strayAnswer(t *testing.T, rang bool) {
	r := newRig(t, func(c *Config) { c.StopTimeout = 100 * time.Millisecond })
	told := newNewest()
	_, ev := r.invite(func(p *InviteParams) { p.OnFarewell = told.tell })
	inv := r.pbx.request("INVITE")
	tag := ""
	if rang {
		tag = "pt"
		r.pbx.reply(inv, 180, tag, "", "")
		want[Ringing](ev)
	}
	f := told.want(t, func(f Farewell) bool { return f.Kind == FarewellCancel && f.RemoteTag == tag })
	end := ending(t, r.nextLife(nil), f)
	cancel := r.pbx.request("CANCEL")
	if cancel.header("Via") != inv.header("Via") || cancel.cseq() != inv.cseq() || cancel.tag("To") != "" || cancel.tag("From") != inv.tag("From") {
		t.Errorf("cancel does not match the INVITE: %s", cancel.text)
	}
	r.pbx.reply(inv, 200, "other", "", sdp(40000, "sendrecv"))
	to := inv.header("To") + ";tag=other"
	if ack := r.pbx.request("ACK"); ack.header("To") != to || ack.header("From") != inv.header("From") || ack.cseq() != inv.cseq() {
		t.Errorf("%s", ack.text)
	}
	r.pbx.reply(cancel, 200, "other", "", "")
	bye := r.pbx.request("BYE")
	if bye.header("To") != to || bye.header("From") != inv.header("From") {
		t.Errorf("%s", bye.text)
	}
	r.pbx.reply(inv, 200, "other", "", sdp(40000, "sendrecv")) // the ACK was lost
	r.pbx.request("ACK")
	r.pbx.reply(bye, 200, "", "", "")
	end()
}

// tcpPhone is anna's phone on a stream.
type tcpPhone struct {
	*streamPeer
	seq   int
	asked []rawMsg // requests that came before the answer to a REGISTER
}

func newTCPPhone(t *testing.T, s *Stack) *tcpPhone {
	t.Helper()
	conn, err := net.Dial("tcp4", s.Addr("tcp").String())
	if err != nil {
		t.Fatal(err)
	}
	p := &tcpPhone{streamPeer: newStreamPeer(t, conn)}
	c := digest.NewClient(digest.Credentials{Peer: "me", Username: "anna", Password: digest.NewSecret("pw")})
	challenge := p.register("")
	headers, err := c.Begin("REGISTER", "sip:x").Challenge("me", 401, challenge.headers("WWW-Authenticate"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res := p.register(headers[0].Name + ": " + headers[0].Value + "\r\n"); res.status() != 200 {
		t.Fatalf("%s", res.text)
	}
	return p
}

func (p *tcpPhone) register(extra string) rawMsg {
	p.t.Helper()
	p.seq++
	p.write("REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKp%d\r\nMax-Forwards: 70\r\nFrom: <sip:anna@x>;tag=1\r\nTo: <sip:anna@x>\r\n"+
		"Call-ID: phone\r\nCSeq: %d REGISTER\r\nContact: <sip:anna@127.0.0.1:9;transport=tcp>\r\nExpires: 300\r\n%sContent-Length: 0\r\n\r\n", p.seq, p.seq, extra)
	for {
		m := p.read()
		if m.status() != 0 {
			return m
		}
		p.asked = append(p.asked, m)
	}
}

// request is the next one of the stack.
func (p *tcpPhone) request() rawMsg {
	p.t.Helper()
	if len(p.asked) > 0 {
		m := p.asked[0]
		p.asked = p.asked[1:]
		return m
	}
	return p.read()
}

func (p *tcpPhone) write(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.conn, format, args...); err != nil {
		p.t.Fatal(err)
	}
}

// A phone whose connection died with the process, and which takes none, hears BYE as soon as it has registered anew.
func TestEndOrphanPhoneStream(t *testing.T) {
	t.Parallel()
	first, second := phoneStack(t), phoneStack(t)
	phone := newTCPPhone(t, first)
	told, ev, l := newNewest(), newEvents(t), local(30000)
	first.Invite(InviteParams{Phone: "anna", Offer: &l, OnFarewell: told.tell}, ev.handle)
	head, _, _ := strings.Cut(phone.read().text, "\r\n\r\n")
	inv := rawMsg{text: head + "\r\n\r\n", start: head}
	body := sdp(40000, "sendrecv")
	skip := make([]byte, atoi(inv.header("Content-Length")))
	if _, err := phone.r.Read(skip); err != nil {
		t.Fatal(err)
	}
	phone.write("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=pt\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:anna@127.0.0.1:9;transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		inv.header("Via"), inv.header("From"), inv.header("To"), inv.header("Call-ID"), inv.header("CSeq"), len(body), body)
	want[Answered](ev)
	f := told.want(t, func(f Farewell) bool { return f.Kind == FarewellBye })
	if f.Flow.Network != "tcp" || f.Flow.Addr != addrPortOf(phone.conn.LocalAddr()) || f.Phone != "anna" {
		t.Errorf("%+v", f)
	}
	end := ending(t, second, f)
	again := newTCPPhone(t, second)
	bye := again.request()
	if !strings.HasPrefix(bye.start, "BYE sip:anna@127.0.0.1:9;transport=tcp ") || bye.header("Call-ID") != inv.header("Call-ID") || bye.tag("To") != "pt" {
		t.Errorf("%s after %s", bye.text, inv.text)
	}
	again.reply(bye, 200, "")
	end()
}

func atoi(s string) (n int) {
	_, _ = fmt.Sscanf(s, "%d", &n)
	return n
}

func phoneStack(t *testing.T) *Stack {
	t.Helper()
	s, err := New(Config{
		Listen: []Listen{{Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}, StopTimeout: 100 * time.Millisecond,
		Phones: []Phone{{User: "anna", Password: digest.NewSecret("pw")}},
	}, Deps{Log: logger()})
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s)
	return s
}

// Whatever stands in the table, nothing worse comes of it than an error.
func FuzzFarewell(f *testing.F) {
	s, err := New(Config{
		Listen: []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1"}}},
	}, Deps{Log: logger()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.closeSockets)
	f.Add(`{"kind":"bye","call_id":"c","local_tag":"l","remote_tag":"r","local":"sip:a@b","remote":"sip:c@d","target":"sip:c@[::1]","routes":["<sip:x;lr>"],"trunk":"pbx"}`)
	f.Add(`{"kind":"cancel","call_id":"c","local_tag":"l","local":"sip:a@b","remote":"sip:c@d","target":"sip:c@d","peer":{"network":"udp","addr":"1.2.3.4:5"},"invite":"INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=l\r\nTo: <sip:c@d>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var w Farewell
		if json.Unmarshal([]byte(text), &w) != nil {
			return
		}
		c := s.newCore(func(DialogEvent) {})
		c.orphan = &orphan{farewell: w, ended: make(chan struct{})}
		if c.inherit(w) == nil {
			c.log = s.log
			_ = c.newBye().String()
			if c.invite.p != nil {
				_ = ackNon2xx(c.invite.p.req, s.reply(c.invite.p.req, 487, "")).String()
			}
		}
		if w.Invite != "" {
			_, _ = w.invitation()
		}
		c.unadopt()
	})
}
