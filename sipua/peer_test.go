package sipua

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"context"
	"log/slog"
	"os"

	"go.uber.org/goleak"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
	"cordboard/sipua/resolve"
)

// A peer that is late by 64*T1 is gone to the stack, so that must be more than a busy machine keeps a test waiting.
const testT1, testT2, testT4 = 100 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond // 64*T1 is 6.4 s

// patience is for what must come.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	sip.SetTimers(testT1, testT2, testT4) // before any stack
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // they wait for timers, not for the processor
	goleak.VerifyTestMain(m)
}

// rawPeer is a SIP peer by hand: text in, text out, over one UDP socket.
type rawPeer struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
	in   chan rawMsg
	seq  int
}

// rawMsg is a received message, parsed just enough.
type rawMsg struct {
	text  string
	start string
	body  string
}

func (m rawMsg) header(name string) string {
	hs := m.headers(name)
	if len(hs) == 0 {
		return ""
	}
	return hs[0]
}

func (m rawMsg) headers(name string) []string {
	var out []string
	head, _, _ := strings.Cut(m.text, "\r\n\r\n")
	for _, l := range strings.Split(head, "\r\n")[1:] {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

func (m rawMsg) method() string { f, _, _ := strings.Cut(m.start, " "); return f }
func (m rawMsg) status() int {
	var n int
	if strings.HasPrefix(m.start, "SIP/2.0 ") {
		fmt.Sscanf(m.start[8:], "%d", &n)
	}
	return n
}
func (m rawMsg) cseq() int { var n int; fmt.Sscanf(m.header("CSeq"), "%d", &n); return n }
func (m rawMsg) tag(name string) string {
	_, t, _ := strings.Cut(m.header(name), ";tag=")
	t, _, _ = strings.Cut(t, ";")
	return t
}

func newRawPeer(t *testing.T) *rawPeer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return readRaw(t, conn, netip.AddrPort{})
}

func readRaw(t *testing.T, conn *net.UDPConn, to netip.AddrPort) *rawPeer {
	p := &rawPeer{t: t, conn: conn, to: to, in: make(chan rawMsg, 1000)}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		buf := make([]byte, 65535)
		seen := map[string]bool{} // requests sent again are for the tests of transactions, which sipgo does
		for {
			n, _, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			text := string(buf[:n])
			start, _, _ := strings.Cut(text, "\r\n")
			_, body, _ := strings.Cut(text, "\r\n\r\n")
			m := rawMsg{text, start, body}
			if id := m.header("Via") + m.header("CSeq"); m.status() == 0 && m.method() != "ACK" {
				if seen[id] {
					continue
				}
				seen[id] = true
			}
			p.in <- m
		}
	}()
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return p
}

func (p *rawPeer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *rawPeer) send(text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.to); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next message that is wanted; others are skipped.
func (p *rawPeer) next(what string, want func(rawMsg) bool) rawMsg {
	p.t.Helper()
	deadline := time.After(patience)
	var seen []string
	for {
		select {
		case m := <-p.in:
			if want(m) {
				return m
			}
			seen = append(seen, m.start)
		case <-deadline:
			p.t.Fatalf("no %s; seen %q", what, seen)
		}
	}
}

func (p *rawPeer) request(method string) rawMsg {
	p.t.Helper()
	return p.next(method, func(m rawMsg) bool { return m.method() == method })
}

func (p *rawPeer) response(status int, method string) rawMsg {
	p.t.Helper()
	return p.next(fmt.Sprint(status, " to ", method), func(m rawMsg) bool {
		return m.status() == status && strings.HasSuffix(m.header("CSeq"), method)
	})
}

// silent fails if anything wanted comes within a while.
func (p *rawPeer) silent(d time.Duration, bad func(rawMsg) bool) {
	p.t.Helper()
	end := time.After(d)
	for {
		select {
		case m := <-p.in:
			if bad(m) {
				p.t.Fatalf("unexpected %s", m.start)
			}
		case <-end:
			return
		}
	}
}

const sdpTemplate = "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=%s\r\n"

func sdp(port int, dir string) string { return fmt.Sprintf(sdpTemplate, port, port, dir) }

// reply answers a request; extra header lines end in CRLF.
func (p *rawPeer) reply(req rawMsg, status int, tag, extra, body string) {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d X\r\n", status)
	for _, v := range req.headers("Via") {
		fmt.Fprintf(&b, "Via: %s\r\n", v)
	}
	to := req.header("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n", req.header("From"), to, req.header("Call-ID"), req.header("CSeq"))
	if status > 100 && status < 300 {
		fmt.Fprintf(&b, "Contact: <sip:peer@%s>\r\n", p.addr())
	}
	b.WriteString(extra)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	p.send(b.String())
}

// leg is a dialog the raw peer began, or answered.
type leg struct {
	p                     *rawPeer
	callID, local, remote string // tags
	from, to, uri         string
	cseq                  int
	branch                string // of the last request
}

func (p *rawPeer) leg(user string) *leg {
	p.seq++
	return &leg{p: p, callID: fmt.Sprintf("raw-%d-%d", p.addr().Port(), p.seq), local: fmt.Sprintf("rt%d", p.seq),
		from: "<sip:4000@127.0.0.1>", to: "<sip:" + user + "@127.0.0.1>", uri: "sip:" + user + "@" + p.to.String()}
}

// asLeg makes the answering side of a dialog that we were invited to.
func (p *rawPeer) asLeg(invite rawMsg, tag string) *leg {
	uri := strings.Trim(invite.header("Contact"), "<>")
	from, _, _ := strings.Cut(invite.header("To"), ";tag=")
	to, _, _ := strings.Cut(invite.header("From"), ";tag=")
	return &leg{p: p, callID: invite.header("Call-ID"), local: tag, remote: invite.tag("From"), from: from, to: to, uri: uri, cseq: 100}
}

func (l *leg) send(method, extra, body string) {
	l.cseq++
	l.branch = fmt.Sprintf("z9hG4bK-%s-%s-%d", l.callID, l.local, l.cseq)
	l.raw(method, l.cseq, l.branch, extra, body)
}

func (l *leg) raw(method string, cseq int, branch, extra, body string) {
	l.p.t.Helper()
	to := l.to
	if l.remote != "" {
		to += ";tag=" + l.remote
	}
	if body != "" && !strings.Contains(extra, "Content-Type") {
		extra += "Content-Type: application/sdp\r\n"
	}
	l.p.send(fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:raw@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, l.uri, l.p.addr(), branch, l.from, l.local, to, l.callID, cseq, method, l.p.addr(), extra, len(body), body))
}

// response waits for the answer to the last request; those to earlier ones, which may come again, are skipped.
func (l *leg) response(status int, method string) rawMsg {
	l.p.t.Helper()
	return l.p.next(fmt.Sprint(status, " to ", method), func(m rawMsg) bool {
		return m.status() == status && m.header("CSeq") == fmt.Sprint(l.cseq, " ", method)
	})
}

// ack acknowledges a response to INVITE.
func (l *leg) ack(res rawMsg, body string) {
	l.remote = res.tag("To")
	branch := l.branch + "-ack"
	if res.status() >= 300 {
		branch = l.branch
	}
	l.raw("ACK", res.cseq(), branch, "", body)
}

// events collects a dialog's events.
type events struct {
	t  *testing.T
	ch chan DialogEvent
}

func newEvents(t *testing.T) *events { return &events{t, make(chan DialogEvent, 1000)} }

func (e *events) handle(ev DialogEvent) { e.ch <- ev }

// want waits for an event of a type; others are skipped unless they are final.
func want[T DialogEvent](e *events) T {
	e.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case ev := <-e.ch:
			if v, ok := ev.(T); ok {
				return v
			}
			switch ev.(type) {
			case Ended, Rejected:
				e.t.Fatalf("ended with %#v", ev)
			}
		case <-deadline:
			var z T
			e.t.Fatalf("no %T", z)
		}
	}
}

type call struct {
	d  *Dialog
	in Incoming
	ev *events
}

// rig is a running stack with one raw peer as its trunk "pbx".
type rig struct {
	t     *testing.T
	s     *Stack
	pbx   *rawPeer
	calls chan call
	dns   resolve.Resolver // nil: the system's
	alone bool             // no other test runs meanwhile
}

func logger() *slog.Logger {
	if os.Getenv("SIPUA_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{}
	r.start(t, change)
	return r
}

func (r *rig) start(t *testing.T, change func(*Config)) {
	t.Helper()
	if !r.alone {
		t.Parallel()
	}
	r.t, r.calls = t, make(chan call, 100)
	if r.pbx == nil {
		r.pbx = newRawPeer(t)
	}
	cfg := Config{
		Listen:   []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}, {Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks:   []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: r.pbx.addr().Port()}, Domain: "pbx.test", CapturePrefix: []string{"X-*"}}},
		Lines:    []Line{{Trunk: "pbx", User: "1001"}},
		NoAnswer: 20 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	r.s, err = New(cfg, Deps{Log: logger(), Resolver: r.dns, OnInvite: func(d *Dialog, in Incoming) {
		ev := newEvents(t)
		d.Handle(ev.handle)
		r.calls <- call{d, in, ev}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.s.Run(ctx) }()
	r.pbx.to = r.s.Addr("udp")
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not return")
		}
		if n := r.s.Dialogs(); n != 0 {
			t.Errorf("%d dialogs left", n)
		}
	})
}

func (r *rig) incoming() call {
	r.t.Helper()
	select {
	case c := <-r.calls:
		return c
	case <-time.After(patience):
		r.t.Fatal("no incoming call")
		return call{}
	}
}

func local(port uint16) offer.Local {
	return offer.Local{Addr: netip.MustParseAddr("127.0.0.1"), Port: port, EventPT: 101}
}

func (r *rig) invite(change func(*InviteParams)) (*Dialog, *events) {
	l := local(30000)
	p := InviteParams{To: URI{User: "2000"}, Trunk: "pbx", Line: "1001", Offer: &l}
	if change != nil {
		change(&p)
	}
	ev := newEvents(r.t)
	return r.s.Invite(p, ev.handle), ev
}

// answered sets up an outgoing call, answered by the raw peer.
func (r *rig) answered(change func(*InviteParams)) (*Dialog, *events, *leg, rawMsg) {
	r.t.Helper()
	d, ev := r.invite(change)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 200, "pt", "Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE\r\n", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	want[Answered](ev)
	return d, ev, r.pbx.asLeg(inv, "pt"), inv
}

// called sets up an incoming call, answered by us.
func (r *rig) called(extra string) (call, *leg) {
	r.t.Helper()
	l := r.pbx.leg("1001")
	l.send("INVITE", extra, sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	l.ack(r.pbx.response(200, "INVITE"), "")
	want[Answered](c.ev)
	return c, l
}
