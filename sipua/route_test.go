package sipua

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/line"
	"cordboard/sipua/resolve"
)

// The route that the registrar gave a line is the Route of its INVITEs (RFC 3608 §6.1), which go where it registered.
func TestServiceRoute(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Lines = []Line{{Trunk: "pbx", User: "1001", Password: digest.NewSecret("x"), Register: true}, {Trunk: "pbx", User: "1002"}}
		c.StopTimeout = 100 * time.Millisecond
	})
	reg := r.pbx.request("REGISTER")
	r.pbx.reply(reg, 200, "r", "Expires: 600\r\nService-Route: <sip:edge.pbx.test;lr>, <sip:orig@s2.pbx.test:5070;lr>\r\nService-Route: <sip:s3.pbx.test;lr>\r\n", "")
	for deadline := time.Now().Add(10 * time.Second); !r.s.Lines()[0].Registered; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not registered")
		}
	}
	st, _ := r.s.lines.State("pbx/1001")
	other := resolve.Target{Transport: "udp", Addr: netip.MustParseAddrPort("127.0.0.9:5060")}
	c := &core{s: r.s, account: r.s.peers.account("pbx", "pbx/1001")}
	if _, got := c.registeredRoute([]resolve.Target{other, st.Target}); !slices.Equal(got, []resolve.Target{st.Target, other}) {
		t.Errorf("addresses to call %v, registered at %v", got, st.Target)
	}
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	routes := []string{"<sip:edge.pbx.test;lr>", "<sip:orig@s2.pbx.test:5070;lr>", "<sip:s3.pbx.test;lr>"}
	if got := inv.headers("Route"); !slices.Equal(got, routes) {
		t.Errorf("routes %q", got)
	}
	if !strings.HasPrefix(inv.start, "INVITE sip:2000@pbx.test ") {
		t.Errorf("request line %q", inv.start)
	}
	r.pbx.reply(inv, 180, "pt", "Record-Route: <sip:rr@"+r.pbx.addr().String()+";lr>\r\n", "")
	want[Ringing](ev)
	r.pbx.reply(inv, 200, "pt", "Record-Route: <sip:rr@"+r.pbx.addr().String()+";lr>\r\n", sdp(40000, "sendrecv"))
	if ack := r.pbx.request("ACK"); !slices.Equal(ack.headers("Route"), []string{"<sip:rr@" + r.pbx.addr().String() + ";lr>"}) {
		t.Errorf("routes of the ACK %q", ack.headers("Route")) // the dialog's own: RFC 3261 §12.1.2
	}
	want[Answered](ev)
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)

	d, ev = r.invite(func(p *InviteParams) { p.Line = "1002" })
	inv = r.pbx.request("INVITE")
	if got := inv.headers("Route"); len(got) != 0 {
		t.Errorf("routes of a line without: %q", got)
	}
	d.Hangup("")
	r.pbx.reply(inv, 486, "pt", "", "")
	want[Rejected](ev)
}

// noResolver finds nothing.
type noResolver struct{}

func (noResolver) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.New("no answer")
}

func (noResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no answer")
}

// The answer to a REGISTER comes through although the address of its server was only just found.
func TestRegisterLearnsItsTarget(t *testing.T) {
	t.Parallel()
	pbx := newRawPeer(t)
	s, err := New(Config{
		Listen: []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "pbx.test"}}},
		Lines:  []Line{{Trunk: "pbx", User: "1001"}},
	}, Deps{Log: logger(), Resolver: noResolver{}})
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s)
	pbx.to = s.Addr("udp")
	type result struct {
		res line.Response
		err error
	}
	done := make(chan result, 1)
	go func() {
		res, err := lineSender{s}.Register(t.Context(), line.Request{
			Trunk: "pbx", Line: "pbx/1001", Target: resolve.Target{Transport: "udp", Addr: pbx.addr(), Name: "pbx.test"},
			URI: "sip:pbx.test", User: "1001", Domain: "pbx.test", CallID: "c", FromTag: "f", CSeq: 1, Expires: time.Minute,
		})
		done <- result{res, err}
	}()
	pbx.reply(pbx.request("REGISTER"), 401, "r", "WWW-Authenticate: Digest realm=\"pbx.test\", nonce=\"n\", qop=\"auth\"\r\n", "")
	if r := <-done; r.err != nil || r.res.Status != 401 || r.res.Peer != "pbx" {
		t.Errorf("%+v", r)
	}
}
