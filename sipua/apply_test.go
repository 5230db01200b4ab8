package sipua

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
)

// applied is the rig's configuration with a change, taken by the running stack.
func (r *rig) applied(change func(*Config)) {
	r.t.Helper()
	cfg := Config{
		Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: r.pbx.addr().Port()}, Domain: "pbx.test", CapturePrefix: []string{"X-*"}}},
		Lines:  []Line{{Trunk: "pbx", User: "1001", Register: true}},
	}
	change(&cfg)
	if err := r.s.Apply(cfg); err != nil {
		r.t.Fatal(err)
	}
}

func registers(c *Config) { c.Lines[0].Register = true }

// The trunk goes while a call with it runs: the line unregisters as the one it was, the call goes on to its end and is heard,
// and a new one is not taken.
func TestApplyTrunkGoesInCall(t *testing.T) {
	r := newRig(t, registers)
	reg := r.pbx.request("REGISTER")
	r.pbx.reply(reg, 200, "r", "Expires: 600\r\n", "")
	c, l := r.called("")
	r.applied(func(c *Config) { c.Trunks, c.Lines = nil, nil })
	un := r.pbx.request("REGISTER")
	if un.header("Call-ID") != reg.header("Call-ID") || un.header("Contact") == "" ||
		strings.SplitN(un.header("Contact"), "@", 2)[0] != strings.SplitN(reg.header("Contact"), "@", 2)[0] || un.header("Expires") != "0" {
		t.Errorf("unregistered by\n%s\nafter\n%s", un.text, reg.text)
	}
	r.pbx.reply(un, 200, "r", "Expires: 0\r\n", "")
	late := r.pbx.leg("1001")
	late.send("INVITE", "", sdp(40002, "sendrecv"))
	r.pbx.response(404, "INVITE")
	l.send("INVITE", "", sdp(40000, "sendonly"))
	l.ack(r.pbx.response(200, "INVITE"), "")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	if e := want[Ended](c.ev); !e.ByPeer {
		t.Errorf("ended %+v", e)
	}
	if r.s.peers.named("pbx") == nil {
		t.Error("the trunk is forgotten at once")
	}
	r.s.peers.mu.Lock()
	r.s.peers.former = slices.Clone(r.s.peers.former)
	for i := range r.s.peers.former {
		r.s.peers.former[i].until = time.Now()
	}
	r.s.peers.mu.Unlock()
	r.until("no dialog names the trunk", func() bool { return len(r.s.trunksInUse()) == 0 })
	r.s.peers.forgetFormer(r.s.trunksInUse())
	if r.s.peers.named("pbx") != nil || len(r.s.peers.trunksOf(r.pbx.addr().Addr())) != 0 {
		t.Error("the trunk is still known")
	}
}

// What is said of a trunk changes in a call: lines send nothing, the call goes on, the next is under the new rules.
func TestApplySettings(t *testing.T) {
	r := newRig(t, registers)
	r.pbx.reply(r.pbx.request("REGISTER"), 200, "r", "Expires: 600\r\n", "")
	r.until("registered", func() bool { return r.s.Lines()[0].Registered })
	_, l := r.called("")
	for range 50 {
		r.applied(func(c *Config) {
			c.Trunks[0].CapturePrefix, c.Trunks[0].Peers = nil, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		r.applied(func(c *Config) { c.Trunks[0].CapturePrefix = []string{"Y-*"} })
	}
	r.pbx.silent(300*time.Millisecond, func(m rawMsg) bool { return m.method() == "REGISTER" })
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	c, l := r.called("Y-A: 1\r\nX-B: 2\r\n")
	if h := c.in.Headers; len(h) != 1 || h[0].Name != "Y-A" {
		t.Errorf("headers %v", h)
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	r.applied(func(c *Config) { c.MaxDialogs = 1; c.Lines[0].Password = digest.NewSecret("new") })
	r.pbx.reply(r.pbx.request("REGISTER"), 200, "r", "Expires: 600\r\n", "")
}

// An INVITE that is looked at while a change is made is taken, if it is before it and after it.
func TestApplyMeetsInvite(t *testing.T) {
	r := newRig(t, nil)
	msg, err := sip.ParseMessage([]byte("INVITE sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n" +
		"From: <sip:2@pbx.test>;tag=1\r\nTo: <sip:1001@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	req := msg.(*sip.Request)
	known := func() source {
		return source{addr: r.pbx.addr(), network: "udp", trunks: r.s.peers.trunksOf(r.pbx.addr().Addr())}
	}
	for _, change := range []func(*Config){
		func(*Config) {},
		func(c *Config) { c.Trunks[0].Peers = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} },
		func(c *Config) { c.Trunks[0].Peers = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/25")} },
	} {
		before := known()
		r.applied(func(c *Config) { c.Lines[0].Register = false; change(c) })
		if in, _, acc, res := r.s.classify(req, before); in == nil || acc == nil || res != nil {
			t.Fatalf("refused: %v", res)
		}
	}
	before := known()
	r.applied(func(c *Config) { c.Trunks, c.Lines = nil, nil })
	if _, _, _, res := r.s.classify(req, before); res == nil || res.StatusCode != 404 {
		t.Errorf("a trunk that is gone calls: %v", res)
	}
}

// A mistake anywhere changes nothing.
func TestApplyRefuses(t *testing.T) {
	r := newRig(t, nil)
	good := func() Config {
		return Config{
			Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1"}}}, Lines: []Line{{Trunk: "pbx", User: "1"}},
			Phones: []Phone{{User: "anna"}},
		}
	}
	for _, spoil := range []func(*Config){
		func(c *Config) { c.Trunks[0].Name = "" },
		func(c *Config) { c.Trunks[0].Server = URI{} },
		func(c *Config) { c.Lines[0].Trunk = "other" },
		func(c *Config) { c.Lines = append(c.Lines, c.Lines[0]) },
		func(c *Config) { c.Phones = append(c.Phones, c.Phones[0]) },
	} {
		c := good()
		spoil(&c)
		if err := r.s.Apply(c); !errors.Is(err, ErrConfig) {
			t.Errorf("got %v", err)
		}
	}
	if r.s.peers.account("pbx", "pbx/1001") == nil || r.s.peers.account("pbx", "pbx/1") != nil || len(r.s.PhonesRegistered()) != 0 {
		t.Error("something changed")
	}
	c, l := r.called("")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}
