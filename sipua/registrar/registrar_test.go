package registrar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
)

func flowOf(addr string) Flow { return Flow{Network: "udp", Remote: netip.MustParseAddrPort(addr)} }

func newTest(t testing.TB, change func(*Config), onState func(State)) *Registrar {
	t.Helper()
	cfg := Config{Realm: "cordboard", Users: []User{
		{Name: "anna", Password: digest.NewSecret("pw")},
		{Name: "bert", Password: digest.NewSecret("pw2"), Fixed: "sip:bert@192.0.2.77"},
		{Name: "open"},
	}}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg, Deps{Log: slog.New(slog.DiscardHandler), OnState: onState})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// phone is a SIP phone that registers by messages.
type phone struct {
	t        testing.TB
	r        *Registrar
	user, to string
	password string
	flow     Flow
	cseq     int
	callID   string
}

func newPhone(t testing.TB, r *Registrar, user, password, addr string) *phone {
	return &phone{t: t, r: r, user: user, to: user, password: password, flow: flowOf(addr), callID: "call-" + addr}
}

func (p *phone) message(headers string) *sip.Request {
	p.t.Helper()
	p.cseq++
	raw := fmt.Sprintf("REGISTER sip:cordboard.local SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.1.1:5060;branch=z9hG4bK%d;rport\r\n"+
		"From: <sip:%s@cordboard.local>;tag=1\r\nTo: <sip:%s@cordboard.local>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		p.cseq, p.user, p.to, p.callID, p.cseq, headers)
	m, err := sip.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	req := m.(*sip.Request)
	req.SetSource(p.flow.Remote.String())
	req.SetTransport("UDP")
	return req
}

// register sends a request, answers the challenge and gives the final answer.
func (p *phone) register(headers string) *sip.Response {
	p.t.Helper()
	res := p.r.Handle(p.message(headers), p.flow)
	if res == nil || res.StatusCode != 401 {
		p.t.Fatalf("no challenge: %v", res)
	}
	var values []string
	for _, h := range res.GetHeaders("WWW-Authenticate") {
		values = append(values, h.Value())
	}
	c := digest.NewClient(digest.Credentials{Username: p.user, Password: digest.NewSecret(p.password)})
	auth, err := c.Begin("REGISTER", "sip:cordboard.local").Challenge("", 401, values, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.r.Handle(p.message(headers+auth[0].Name+": "+auth[0].Value+"\r\n"), p.flow)
}

func (p *phone) expect(headers string, status int) *sip.Response {
	p.t.Helper()
	res := p.register(headers)
	if res == nil || res.StatusCode != status {
		p.t.Fatalf("%q: %v, want %d", headers, res, status)
	}
	return res
}

func contacts(list []Binding) string {
	var out []string
	for _, b := range list {
		out = append(out, b.Contact)
	}
	return strings.Join(out, " ")
}

func TestRegister(t *testing.T) {
	r := newTest(t, nil, nil)
	p := newPhone(t, r, "anna", "pw", "198.51.100.7:40000")
	res := p.expect("Contact: \"A\" <sip:anna@10.1.1.1:5060;transport=udp?Subject=x>;q=0.7;expires=120;+sip.instance=\"<urn:uuid:1>\"\r\nUser-Agent: Phone 1\r\nPath: <sip:edge;lr>, <sip:edge2:5070;lr>\r\n", 200)
	if got := res.GetHeader("Contact").Value(); got != `<sip:anna@10.1.1.1:5060;transport=udp>;expires=120;q=0.700;+sip.instance="<urn:uuid:1>"` {
		t.Fatal(got)
	}
	if res.GetHeader("Path") == nil || !strings.Contains(res.Via().Value(), "received=198.51.100.7") || !strings.Contains(res.Via().Value(), "rport=40000") {
		t.Fatal(res.String())
	}
	list := r.Lookup("anna")
	if len(list) != 1 {
		t.Fatal(list)
	}
	b := list[0]
	if b.Contact != "sip:anna@10.1.1.1:5060;transport=udp" || b.Flow != p.flow || b.Q != 700 || b.UserAgent != "Phone 1" || strings.Join(b.Path, " ") != "<sip:edge;lr> <sip:edge2:5070;lr>" || b.Instance != "<urn:uuid:1>" {
		t.Fatalf("%+v", b)
	}
	if u, ok := r.UserOf(p.flow); !ok || u != "anna" {
		t.Fatal(u, ok)
	}
	p.expect("Contact: <sip:anna@10.1.1.1:5060>;expires=30\r\n", 423)
	if h := p.register("Contact: <sip:anna@10.1.1.1>;expires=30\r\n").GetHeader("Min-Expires"); h == nil || h.Value() != "60" {
		t.Fatal(h)
	}
	p.expect("Contact: *\r\nExpires: 0\r\n", 200)
	if _, ok := r.UserOf(p.flow); ok || len(r.Lookup("anna")) != 0 {
		t.Fatal("still registered")
	}
}

func TestRefused(t *testing.T) {
	const contact = "Contact: <sip:x@10.1.1.1>\r\n"
	for _, tt := range []struct {
		name, user, password, to, headers string
		status                            int
	}{
		{"wrong password", "anna", "x", "", contact, 403},
		{"unknown user", "nobody", "pw", "", contact, 403},
		{"user without a password", "open", "", "", contact, 403},
		{"another's contacts", "anna", "pw", "bert", contact, 403},
		{"unknown extension", "anna", "pw", "", contact + "Require: path, gruu\r\n", 420},
		{"star and contact", "anna", "pw", "", "Contact: *\r\nExpires: 10\r\n", 400},
		{"not a sip contact", "anna", "pw", "", "Contact: <mailto:x@y.z>\r\n", 400},
		{"bad expires", "anna", "pw", "", "Expires: soon\r\n" + contact, 400},
		{"bad path", "anna", "pw", "", contact + "Path: <>\r\n", 400},
		{"bad q", "anna", "pw", "", "Contact: <sip:x@y>;q=7\r\n", 400},
		{"too many contacts", "anna", "pw", "", manyContacts(9), 400},
		{"too long", "anna", "pw", "", "Contact: <sip:" + strings.Repeat("x", 600) + "@y>\r\n", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newTest(t, nil, nil)
			p := newPhone(t, r, tt.user, tt.password, "198.51.100.7:40000")
			if tt.to != "" {
				p.to = tt.to
			}
			p.expect(tt.headers, tt.status)
			if n := len(r.Lookup("anna")); n != 0 {
				t.Fatalf("%d contacts", n)
			}
		})
	}
}

func manyContacts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Contact: <sip:x@10.2.2.%d>\r\n", i)
	}
	return b.String()
}

// A wrong password and an unknown user get byte for byte the same answer.
func TestNoOracle(t *testing.T) {
	r := newTest(t, nil, nil)
	var answers []string
	for _, user := range []string{"anna", "nobody"} {
		p := newPhone(t, r, user, "wrong", "198.51.100.7:40000")
		res := p.expect("Contact: <sip:x@10.1.1.1>\r\n", 403)
		res.RemoveHeader("From")
		res.RemoveHeader("To")
		answers = append(answers, res.String())
	}
	if answers[0] != answers[1] {
		t.Fatalf("%s\n%s", answers[0], answers[1])
	}
}

func TestSilenceAfterDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTest(t, func(c *Config) { c.MaxDenials = 3 }, nil)
		p := newPhone(t, r, "anna", "wrong", "198.51.100.7:40000")
		for range 3 {
			p.expect("", 403)
		}
		if res := r.Handle(p.message(""), p.flow); res != nil {
			t.Fatalf("answered: %v", res)
		}
		newPhone(t, r, "anna", "pw", "198.51.100.8:40000").expect("", 200)
		time.Sleep(time.Minute)
		p.password = "pw"
		p.expect("", 200)
	})
}

// Who guesses passwords at a phone's own address silences himself, not the phone.
func TestDenialsDoNotLockOut(t *testing.T) {
	r := newTest(t, func(c *Config) { c.MaxDenials = 3 }, nil)
	const contact = "Contact: <sip:anna@10.1.1.1>\r\n"
	p := newPhone(t, r, "anna", "pw", "198.51.100.7:40000")
	p.expect(contact, 200)
	evil := newPhone(t, r, "anna", "guess", "198.51.100.7:40666")
	for range 3 {
		evil.expect(contact, 403)
	}
	if res := r.Handle(evil.message(contact), evil.flow); res != nil {
		t.Fatalf("after three denials: %v", res)
	}
	p.expect(contact, 200)
}

// All addresses of an IPv6 network count as one.
func TestDenialsOfANetwork(t *testing.T) {
	r := newTest(t, func(c *Config) { c.MaxDenials = 3 }, nil)
	for i := range 3 {
		newPhone(t, r, "anna", "guess", fmt.Sprintf("[2001:db8::%d]:5060", i+1)).expect("", 403)
	}
	evil := newPhone(t, r, "anna", "guess", "[2001:db8::ffff:1]:5060")
	if res := r.Handle(evil.message(""), evil.flow); res != nil {
		t.Fatalf("after three denials: %v", res)
	}
	newPhone(t, r, "anna", "pw", "[2001:db8:0:1::1]:5060").expect("", 200)
}

func TestDenialsAreBounded(t *testing.T) {
	d := newDenials(1)
	now := epoch
	for i := range 2 * maxSources {
		d.add(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(d.sources) != maxSources {
		t.Fatalf("%d sources", len(d.sources))
	}
	now = now.Add(time.Minute)
	d.add(netip.MustParseAddr("192.0.2.1"), now)
	if len(d.sources) != 1 || !d.silent(netip.MustParseAddr("192.0.2.1"), now) {
		t.Fatalf("%d sources after a minute", len(d.sources))
	}
}

func TestOrderAndCap(t *testing.T) {
	r := newTest(t, nil, nil)
	for i := 1; i <= 6; i++ {
		newPhone(t, r, "anna", "pw", fmt.Sprintf("198.51.100.%d:5060", i)).expect(fmt.Sprintf("Contact: <sip:p%d@10.1.1.1>;q=0.%d\r\n", i, 5+i%2), 200)
	}
	if got := contacts(r.Lookup("anna")); got != "sip:p5@10.1.1.1 sip:p3@10.1.1.1 sip:p6@10.1.1.1 sip:p4@10.1.1.1" {
		t.Fatal(got)
	}
	if _, ok := r.UserOf(flowOf("198.51.100.1:5060")); ok {
		t.Fatal("a contact that was pushed out still counts as registered")
	}
}

func TestExpiryAndEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		r := newTest(t, nil, func(s State) {
			seen = append(seen, fmt.Sprintf("%s %s %t %d", s.User, s.Reason, s.Reachable, len(s.Bindings)))
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		p := newPhone(t, r, "anna", "pw", "198.51.100.7:40000")
		p.expect("Contact: <sip:a@10.1.1.1>;expires=60\r\n", 200)
		time.Sleep(50 * time.Second)
		p.expect("Contact: <sip:a@10.1.1.1>;expires=60\r\n", 200)
		time.Sleep(59 * time.Second)
		if len(r.Lookup("anna")) != 1 {
			t.Fatal("expired too early")
		}
		time.Sleep(2 * time.Second)
		if s := r.Snapshot(); len(s) != 3 || s[0].Reachable || !s[1].Reachable || s[2].Reachable {
			t.Fatalf("%+v", s)
		}
		tcp := newPhone(t, r, "bert", "pw2", "198.51.100.9:1234")
		tcp.flow.Network = "tcp"
		tcp.expect("Contact: <sip:b@10.1.1.1>\r\n", 200)
		synctest.Wait()
		if got := contacts(r.Lookup("bert")); got != "sip:b@10.1.1.1 sip:bert@192.0.2.77" {
			t.Fatal(got)
		}
		tcp.flow.Local = netip.MustParseAddrPort("192.0.2.50:5060")
		r.FlowClosed(tcp.flow)
		synctest.Wait()
		if err := r.Update([]User{{Name: "anna", Password: digest.NewSecret("pw")}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := "bert configured true 1; anna registered true 1; anna refreshed true 1; anna expired false 0; " +
			"bert registered true 2; bert flow closed true 1; "
		if got := strings.Join(seen, "; "); !strings.HasPrefix(got, want) || !strings.Contains(got, "bert removed false 0") {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	r := newTest(t, nil, nil)
	err := r.Update([]User{{Name: "new"}, {Name: "new"}, {}, {Name: "x", Fixed: "tel:1"}})
	if !errors.Is(err, ErrConfig) || len(r.Snapshot()) != 3 {
		t.Fatal(err)
	}
	for _, want := range []string{"user new twice", "without a user name", `"tel:1" is not a sip uri`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q missing in %v", want, err)
		}
	}
	if _, err := New(Config{}, Deps{Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrConfig) {
		t.Fatal(err)
	}
}

func TestQ(t *testing.T) {
	for s, want := range map[string]int{"1": 1000, "0": 0, "0.5": 500, "0.123": 123, "1.000": 1000, ".5": 500, "1.": 1000, "0.": 0, " 0.1 ": 100,
		"1.001": -1, "2": -1, "": -1, ".": -1, "0.1234": -1, "-0": -1, "+1": -1, "x": -1, "0.-1": -1} {
		got, err := parseQ(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("q %q: %d, want %d", s, got, want)
		}
	}
}

// FuzzContact: whatever a phone with the right password registers, the book
// stays bounded and the answer stays well formed.
func FuzzContact(f *testing.F) {
	for _, s := range []string{"<sip:a@b>;expires=1", "*", "\"x, <y>\" <sips:a@[::1]:5061;transport=tls>;q=.5;expires=99999999999", "sip:a@b;expires=60, <sip:c@d>", "<sip:%00@x>", "<sip:a@b>;+sip.instance=\"<urn:uuid:\\\">\""} {
		f.Add(s)
	}
	r := newTest(f, nil, nil)
	f.Fuzz(func(t *testing.T, value string) {
		m, err := sip.NewParser().ParseSIP([]byte("REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:anna@x>;tag=1\r\nTo: <sip:anna@x>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: " + value + "\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			return
		}
		req, ok := m.(*sip.Request)
		if !ok {
			return
		}
		reg, err := read(req, "anna", flowOf("192.0.2.1:5060"))
		if err != nil {
			return
		}
		list, status := apply(nil, reg, testLimits, epoch)
		if len(list) > testLimits.contacts {
			t.Fatalf("%d contacts", len(list))
		}
		for _, b := range list {
			var u sip.Uri
			if err := sip.ParseUri(b.Contact, &u); err != nil || strings.ContainsAny(b.Contact, "\r\n<> \"") {
				t.Fatalf("contact %q: %v", b.Contact, err)
			}
		}
		if res := r.answer(req, list, status); strings.Contains(res.String(), "\n\n") {
			t.Fatalf("%q", res.String())
		}
	})
}
