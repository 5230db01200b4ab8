package sipua

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

// streamPeer is one stream to or from a stack, by hand.
type streamPeer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func newStreamPeer(t *testing.T, c net.Conn) *streamPeer {
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &streamPeer{t, c, bufio.NewReader(c)}
}

// read takes one message without a body.
func (p *streamPeer) read() rawMsg {
	p.t.Helper()
	var b strings.Builder
	for {
		l, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("stream: %v after %q", err, b.String())
		}
		if l == "\r\n" && b.Len() == 0 { // keep-alive
			continue
		}
		b.WriteString(l)
		if l == "\r\n" {
			start, _, _ := strings.Cut(b.String(), "\r\n")
			return rawMsg{text: b.String(), start: start}
		}
	}
}

func (p *streamPeer) reply(req rawMsg, status int, extra string) {
	p.t.Helper()
	_, err := fmt.Fprintf(p.conn, "SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
		status, req.header("Via"), req.header("From"), req.header("To"), req.header("Call-ID"), req.header("CSeq"), extra)
	if err != nil {
		p.t.Fatal(err)
	}
}

func accept(t *testing.T, ln *net.TCPListener) *streamPeer {
	t.Helper()
	_ = ln.SetDeadline(time.Now().Add(20 * time.Second))
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return newStreamPeer(t, c)
}

// serveUntilEnd runs a stack until the test ends.
func serveUntilEnd(t *testing.T, s *Stack) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// A line whose connection ends registers again at once over a new one, also when its REGISTER was under way.
func TestLineFlowLost(t *testing.T) {
	t.Parallel()
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	states := make(chan LineState, 100)
	s, err := New(Config{
		Listen:      []Listen{{Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks:      []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: addrPortOf(ln.Addr()).Port(), Transport: "tcp"}, Register: RegisterConfig{Retry: 200 * time.Millisecond}}},
		Lines:       []Line{{Trunk: "pbx", User: "1001", Password: digest.NewSecret("x"), Register: true}},
		StopTimeout: time.Second,
	}, Deps{Log: logger(), OnLine: func(st LineState) { states <- st }})
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s)
	p := accept(t, ln)
	p.reply(p.read(), 200, "Expires: 600\r\n")
	for st := range states {
		if st.Registered {
			break
		}
	}
	begin := time.Now()
	_ = p.conn.Close()
	p = accept(t, ln)
	first := p.read()
	if first.method() != "REGISTER" || time.Since(begin) > 2*time.Second {
		t.Errorf("%s after %v", first.start, time.Since(begin))
	}
	begin = time.Now()
	_ = p.conn.Close() // while the REGISTER waits for its answer
	p = accept(t, ln)
	again := p.read()
	if again.method() != "REGISTER" || again.cseq() != first.cseq()+1 || time.Since(begin) > 2*time.Second {
		t.Errorf("%s after %v", again.start, time.Since(begin))
	}
	p.reply(again, 200, "Expires: 600\r\n")
}

// A phone whose connection ends cannot be called any more, at once.
func TestPhoneFlowClosed(t *testing.T) {
	t.Parallel()
	states := make(chan PhoneState, 100)
	s, err := New(Config{
		Listen: []Listen{{Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Phones: []Phone{{User: "anna", Password: digest.NewSecret("pw")}},
	}, Deps{Log: logger(), OnPhone: func(st PhoneState) { states <- st }})
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s)
	conn, err := net.Dial("tcp4", s.Addr("tcp").String())
	if err != nil {
		t.Fatal(err)
	}
	p := newStreamPeer(t, conn)
	register := func(seq int, extra string) rawMsg {
		_, err := fmt.Fprintf(conn, "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKp%d\r\nMax-Forwards: 70\r\nFrom: <sip:anna@x>;tag=1\r\nTo: <sip:anna@x>\r\n"+
			"Call-ID: phone\r\nCSeq: %d REGISTER\r\nContact: <sip:anna@127.0.0.1:5099;transport=tcp>\r\nExpires: 300\r\n%sContent-Length: 0\r\n\r\n", seq, seq, extra)
		if err != nil {
			t.Fatal(err)
		}
		return p.read()
	}
	c := digest.NewClient(digest.Credentials{Peer: "me", Username: "anna", Password: digest.NewSecret("pw")})
	x := c.Begin("REGISTER", "sip:x")
	challenge := register(1, "")
	headers, err := x.Challenge("me", 401, challenge.headers("WWW-Authenticate"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res := register(2, headers[0].Name+": "+headers[0].Value+"\r\n"); res.status() != 200 {
		t.Fatalf("%s", res.text)
	}
	if st := <-states; !st.Registered || st.Source != addrPortOf(conn.LocalAddr()) {
		t.Fatalf("%+v", st)
	}
	_ = conn.Close()
	select {
	case st := <-states:
		if st.Registered {
			t.Errorf("%+v", st)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("phone is still registered")
	}
	ev, l := newEvents(t), local(30000)
	s.Invite(InviteParams{Phone: "anna", Offer: &l}, ev.handle)
	if r := want[Rejected](ev); !strings.Contains(r.Reason, ErrNoPhone.Error()) {
		t.Errorf("%+v", r)
	}
}
