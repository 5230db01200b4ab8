package sipua

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

// hosts finds each name at an address of its own, without SRV.
type hosts map[string]string

func (hosts) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (h hosts) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if a, ok := h[name]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// peerAt is a raw peer at another address of this host.
func peerAt(t *testing.T, addr string, to netip.AddrPort) *rawPeer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	if err != nil {
		t.Fatal(err)
	}
	return readRaw(t, conn, to)
}

// A trunk with an outbound proxy, both given by name: everything goes to the proxy, for the server's domain, and calls are
// taken from both.
func TestProxy(t *testing.T) {
	r := &rig{}
	r.dns = hosts{"pbx.test": "127.0.0.2", "sbc.test": "127.0.0.1", "other.test": "127.0.0.3"}
	r.start(t, func(c *Config) {
		c.Trunks[0].Server, c.Trunks[0].Proxy, c.Trunks[0].Domain = URI{Host: "pbx.test"}, URI{Host: "sbc.test", Port: r.pbx.addr().Port()}, ""
		c.Lines = []Line{{Trunk: "pbx", User: "1001", Password: digest.NewSecret("x"), Register: true}}
		c.StopTimeout = 100 * time.Millisecond
	})
	reg := r.pbx.request("REGISTER")
	if !strings.HasPrefix(reg.start, "REGISTER sip:pbx.test ") || !strings.Contains(reg.header("To"), "<sip:1001@pbx.test>") {
		t.Errorf("registers %s", reg.text)
	}
	r.pbx.reply(reg, 200, "r", "Expires: 600\r\n", "")
	_, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	if !strings.HasPrefix(inv.start, "INVITE sip:2000@pbx.test ") {
		t.Errorf("calls %s", inv.start)
	}
	r.pbx.reply(inv, 486, "pt", "", "")
	want[Rejected](ev)
	for _, addr := range []string{"127.0.0.1", "127.0.0.2"} {
		p := peerAt(t, addr, r.s.Addr("udp"))
		l := p.leg("1001")
		l.cseq, l.branch = 1, "z9hG4bKproxy"
		call := func() bool { // as lost, until the name is resolved
			l.raw("INVITE", 1, l.branch, "", sdp(40000, "sendrecv"))
			select {
			case c := <-r.calls:
				c.d.Reject(486, "")
				return true
			case <-time.After(200 * time.Millisecond):
				return false
			}
		}
		for end := time.Now().Add(15 * time.Second); !call(); {
			if time.Now().After(end) {
				t.Fatalf("a call from %s meets silence", addr)
			}
		}
		l.ack(l.response(486, "INVITE"), "")
	}
	stranger := peerAt(t, "127.0.0.3", r.s.Addr("udp"))
	stranger.leg("1001").send("INVITE", "", sdp(40000, "sendrecv"))
	stranger.silent(100*time.Millisecond, func(rawMsg) bool { return true })
}

// The certificate of a proxy is for its own name, and checked with the trunk's authorities.
func TestProxyTLSName(t *testing.T) {
	t.Parallel()
	ca := &tls.Config{MinVersion: tls.VersionTLS13}
	s, err := New(Config{
		Listen: []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks: []Trunk{{Name: "a", Server: URI{Host: "pbx.test"}, Proxy: URI{Host: "sbc.test", Transport: "tls"}, TLS: ca}},
	}, Deps{Log: logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSockets()
	for name, want := range map[string]bool{"sbc.test": true, "pbx.test": true, "evil.test": false} {
		if got := s.clientTLS(name) == ca; got != want {
			t.Errorf("authorities of the trunk for %s: %v", name, got)
		}
	}
	moved := &tls.Config{MinVersion: tls.VersionTLS13}
	for _, trunks := range [][]Trunk{ // moved, then gone: its calls end and its lines unregister where they were
		{{Name: "a", Server: URI{Host: "pbx.test"}, Proxy: URI{Host: "other.test", Transport: "tls"}, TLS: moved}}, nil,
	} {
		if err := s.Apply(Config{Trunks: trunks}); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]*tls.Config{"sbc.test": ca, "pbx.test": moved, "other.test": moved} {
			if got := s.clientTLS(name); got != want {
				t.Errorf("other authorities for %s with %d trunks left", name, len(trunks))
			}
		}
	}
}
