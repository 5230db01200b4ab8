package sipua

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

// pingedLine is a line that registered over TCP and pings that connection; extra are headers of the answer.
func pingedLine(t *testing.T, every time.Duration, extra string) (*net.TCPListener, *streamPeer) {
	t.Helper()
	t.Parallel()
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	s, err := New(Config{
		Listen: []Listen{{Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: addrPortOf(ln.Addr()).Port(), Transport: "tcp"},
			KeepAlive: every, Register: RegisterConfig{Timeout: time.Second}}},
		Lines:       []Line{{Trunk: "pbx", User: "1001", Password: digest.NewSecret("x"), Register: true}},
		StopTimeout: time.Second,
	}, Deps{Log: logger()})
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s)
	p := accept(t, ln)
	p.reply(p.read(), 200, "Expires: 600\r\n"+extra)
	return ln, p
}

// ping reads one keep-alive; an error tells that the connection has ended.
func (p *streamPeer) ping() error {
	p.t.Helper()
	b := make([]byte, 4)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return err
	}
	if string(b) != "\r\n\r\n" {
		p.t.Fatalf("got %q, want a ping", b)
	}
	return nil
}

func (p *streamPeer) pong() {
	p.t.Helper()
	if _, err := p.conn.Write([]byte("\r\n")); err != nil {
		p.t.Fatal(err)
	}
}

// endsAndRegisters wants the end of a connection after pings without an answer, and a REGISTER over the next one.
func (p *streamPeer) endsAndRegisters(ln *net.TCPListener) {
	p.t.Helper()
	begin := time.Now()
	n := 0
	for p.ping() == nil {
		n++
	}
	if n != 1 {
		p.t.Errorf("the connection ended after %d pings without an answer", n)
	}
	next := accept(p.t, ln)
	if req := next.read(); req.method() != "REGISTER" {
		p.t.Errorf("%s", req.start)
	} else {
		next.reply(req, 200, "Expires: 600\r\n")
	}
	if d := time.Since(begin); d < 900*time.Millisecond {
		p.t.Errorf("given up after %v", d)
	}
}

// A peer that answered pings and does so no more is gone: RFC 5626 §4.4.1.
func TestPongMissed(t *testing.T) {
	ln, p := pingedLine(t, 2500*time.Millisecond, "") // two CRLFs within a second would be a ping
	for range 2 {
		if err := p.ping(); err != nil {
			t.Fatal(err)
		}
		p.pong()
	}
	p.endsAndRegisters(ln)
}

// A peer that announced RFC 5626 answers from the first ping on.
func TestPongMissedOfOutbound(t *testing.T) {
	for _, extra := range []string{"Supported: path, outbound\r\n", "k: outbound\r\n", "Require: outbound\r\n"} {
		t.Run(extra[:1], func(t *testing.T) {
			ln, p := pingedLine(t, 50*time.Millisecond, extra)
			p.endsAndRegisters(ln)
		})
	}
}

// A peer that never answers a ping keeps its connection: 40 pings take longer than a pong may.
func TestPongNeverSent(t *testing.T) {
	_, p := pingedLine(t, 50*time.Millisecond, "Supported: path\r\n")
	for range 40 {
		if err := p.ping(); err != nil {
			t.Fatal(err)
		}
	}
}
