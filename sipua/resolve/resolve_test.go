package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeDNS answers from tables and counts the questions.
type fakeDNS struct {
	mu    sync.Mutex
	srv   map[string][]*net.SRV
	hosts map[string]string // space separated addresses
	down  bool
	asked int
}

func (f *fakeDNS) question() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.down {
		return &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	}
	return nil
}

func (f *fakeDNS) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if err := f.question(); err != nil {
		return "", nil, err
	}
	if s, ok := f.srv[name]; ok && service == "" && proto == "" {
		return name, s, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (f *fakeDNS) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if err := f.question(); err != nil {
		return nil, err
	}
	var out []netip.Addr
	for s := range strings.FieldsSeq(f.hosts[host]) {
		if a := netip.MustParseAddr(s); network == "ip" || (network == "ip4") == a.Is4() {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return out, nil
}

// naptrDNS also knows NAPTR.
type naptrDNS struct {
	*fakeDNS
	naptr []NAPTR
}

func (n naptrDNS) LookupNAPTR(context.Context, string) ([]NAPTR, error) { return n.naptr, nil }

func world() *fakeDNS {
	return &fakeDNS{
		srv: map[string][]*net.SRV{
			"_sip._udp.both.example": {{Target: "b.example.", Port: 5070, Priority: 20}, {Target: "a.example.", Port: 5060, Priority: 10}},
			"_sip._tcp.both.example": {{Target: "a.example.", Port: 5062, Priority: 1}},
			"_sips._tcp.tls.example": {{Target: "a.example.", Port: 5063}},
			"_sip._udp.none.example": {{Target: "."}},
			"_sip._udp.half.example": {{Target: "gone.example.", Port: 1, Priority: 1}, {Target: "b.example.", Port: 2, Priority: 2}},
		},
		hosts: map[string]string{"a.example": "192.0.2.1 192.0.2.2", "b.example": "192.0.2.3", "plain.example": "192.0.2.9", "dual.example": "2001:db8::1 192.0.2.7"},
	}
}

func text(list []Target) string {
	var out []string
	for _, t := range list {
		out = append(out, t.String())
	}
	return strings.Join(out, " ")
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name string
		uri  URI
		cfg  Config
		want string
		err  error
	}{
		{"literal", URI{Host: "192.0.2.5"}, Config{}, "udp:192.0.2.5:5060", nil},
		{"literal with port and transport", URI{Host: "192.0.2.5", Port: 5080, Transport: "TCP"}, Config{}, "tcp:192.0.2.5:5080", nil},
		{"literal sips", URI{Host: "192.0.2.5", Secure: true}, Config{}, "tls:192.0.2.5:5061", nil},
		{"literal ipv6", URI{Host: "[2001:db8::5]"}, Config{}, "udp:[2001:db8::5]:5060", nil},
		{"srv by priority", URI{Host: "both.example"}, Config{}, "udp:192.0.2.1:5060 udp:192.0.2.2:5060 udp:192.0.2.3:5070", nil},
		{"srv of the transport given", URI{Host: "Both.Example.", Transport: "tcp"}, Config{}, "tcp:192.0.2.1:5062 tcp:192.0.2.2:5062", nil},
		{"srv of the preferred transport", URI{Host: "both.example"}, Config{Transports: []string{"tcp", "udp"}}, "tcp:192.0.2.1:5062 tcp:192.0.2.2:5062", nil},
		{"srv of a later transport", URI{Host: "tls.example"}, Config{}, "tls:192.0.2.1:5063 tls:192.0.2.2:5063", nil},
		{"sips srv", URI{Host: "tls.example", Secure: true}, Config{}, "tls:192.0.2.1:5063 tls:192.0.2.2:5063", nil},
		{"port means no srv", URI{Host: "a.example", Port: 5090}, Config{}, "udp:192.0.2.1:5090 udp:192.0.2.2:5090", nil},
		{"no srv", URI{Host: "plain.example"}, Config{}, "udp:192.0.2.9:5060", nil},
		{"no srv over tls", URI{Host: "plain.example", Transport: "tls"}, Config{}, "tls:192.0.2.9:5061", nil},
		{"service not offered", URI{Host: "none.example"}, Config{}, "", ErrNoTarget},
		{"one srv target gone", URI{Host: "half.example"}, Config{}, "udp:192.0.2.3:2", nil},
		{"ipv4 only", URI{Host: "dual.example"}, Config{IPv4: true}, "udp:192.0.2.7:5060", nil},
		{"both families", URI{Host: "dual.example"}, Config{}, "udp:[2001:db8::1]:5060 udp:192.0.2.7:5060", nil},
		{"transport not enabled", URI{Host: "plain.example", Transport: "tls"}, Config{Transports: []string{"udp"}}, "", ErrNoTarget},
		{"literal, transport not enabled", URI{Host: "192.0.2.5", Transport: "tls"}, Config{Transports: []string{"udp"}}, "", ErrNoTarget},
		{"unknown transport", URI{Host: "plain.example", Transport: "sctp"}, Config{}, "", ErrBadURI},
		{"sips over udp", URI{Host: "plain.example", Secure: true, Transport: "udp"}, Config{}, "", ErrBadURI},
		{"bad name", URI{Host: "a b"}, Config{}, "", ErrBadURI},
		{"empty name", URI{}, Config{}, "", ErrBadURI},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.DNS = world()
			got, err := New(tt.cfg).Resolve(t.Context(), tt.uri)
			if !errors.Is(err, tt.err) || text(got) != tt.want {
				t.Fatalf("%s, %v; want %s, %v", text(got), err, tt.want, tt.err)
			}
			for _, x := range got {
				if x.Name != strings.ToLower(strings.Trim(tt.uri.Host, "[].")) {
					t.Fatalf("certificate name %q for host %q", x.Name, tt.uri.Host)
				}
			}
		})
	}
}

func TestNAPTR(t *testing.T) {
	dns := naptrDNS{world(), []NAPTR{
		{Order: 2, Flags: "s", Service: "SIP+D2U", Repl: "_sip._udp.both.example."},
		{Order: 1, Preference: 5, Flags: "S", Service: "sips+d2t", Repl: "_sips._tcp.tls.example."},
		{Order: 1, Preference: 1, Flags: "s", Service: "SIP+D2S", Repl: "_sip._sctp.both.example."},
	}}
	got, err := New(Config{DNS: dns}).Resolve(t.Context(), URI{Host: "both.example"})
	if err != nil || text(got) != "tls:192.0.2.1:5063 tls:192.0.2.2:5063" {
		t.Fatal(text(got), err)
	}
	got, err = New(Config{DNS: dns, Transports: []string{"udp"}}).Resolve(t.Context(), URI{Host: "both.example"})
	if err != nil || !strings.HasPrefix(text(got), "udp:192.0.2.1:5060") {
		t.Fatal(text(got), err)
	}
}

func TestWeights(t *testing.T) {
	dns := &fakeDNS{srv: map[string][]*net.SRV{}, hosts: map[string]string{}}
	for i, weight := range []uint16{0, 10, 30} {
		host := fmt.Sprintf("h%d.example", i)
		dns.hosts[host] = fmt.Sprintf("192.0.2.%d", i)
		dns.srv["_sip._udp.w.example"] = append(dns.srv["_sip._udp.w.example"], &net.SRV{Target: host, Port: 5060, Weight: weight})
	}
	random := rand.New(rand.NewPCG(1, 2))
	c := New(Config{DNS: dns, Float: random.Float64})
	var first [3]int
	for range 4000 {
		got, err := c.Resolve(t.Context(), URI{Host: "w.example"})
		if err != nil || len(got) != 3 {
			t.Fatal(text(got), err)
		}
		first[got[0].Addr.Addr().As4()[3]]++
	}
	if first[0] > 40 || first[1] < 850 || first[1] > 1150 || first[2] < 2850 {
		t.Fatalf("first choices %v, want about 0, 1000, 3000", first)
	}
}

func TestCacheAndStale(t *testing.T) {
	now := time.Unix(0, 0)
	dns := world()
	c := New(Config{DNS: dns, Now: func() time.Time { return now }})
	u := URI{Host: "a.example", Port: 5060}
	resolve := func(want string, asked int) {
		t.Helper()
		got, err := c.Resolve(t.Context(), u)
		if text(got) != want || dns.asked != asked || (err == nil) != (want != "") {
			t.Fatalf("%q, %v, %d questions; want %q, %d", text(got), err, dns.asked, want, asked)
		}
	}
	const both = "udp:192.0.2.1:5060 udp:192.0.2.2:5060"
	resolve(both, 1)
	now = now.Add(59 * time.Second)
	resolve(both, 1)
	dns.down = true
	now = now.Add(2 * time.Second)
	resolve(both, 2) // the old answer serves
	resolve(both, 2) // and DNS is not asked at once again
	now = now.Add(6 * time.Second)
	resolve(both, 3)
	now = now.Add(2 * time.Hour)
	resolve("", 4)
	resolve("", 4) // failures are kept for a while
	dns.down = false
	now = now.Add(6 * time.Second)
	dns.hosts["a.example"] = "192.0.2.8"
	resolve("udp:192.0.2.8:5060", 5)
}

func TestDeadTargetsComeLast(t *testing.T) {
	now := time.Unix(0, 0)
	c := New(Config{DNS: world(), Now: func() time.Time { return now }})
	u := URI{Host: "a.example", Port: 5060}
	list, err := c.Resolve(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	order := func(want ...Target) {
		t.Helper()
		if got, err := c.Resolve(t.Context(), u); err != nil || !slices.Equal(got, want) {
			t.Fatal(text(got), err)
		}
	}
	c.MarkDead(list[0], 0)
	order(list[1], list[0])
	c.MarkDead(list[1], time.Hour)
	order(list[0], list[1]) // all dead: all are tried, in order
	now = now.Add(30 * time.Second)
	order(list[0], list[1])
	if c.Dead(list[0]) || !c.Dead(list[1]) {
		t.Fatal("marks end at their time")
	}
	c.MarkAlive(list[1])
	c.MarkDead(list[0], 0)
	order(list[1], list[0])
}

func TestTablesAreBounded(t *testing.T) {
	dns := world()
	c := New(Config{DNS: dns})
	for i := range 2 * maxEntries {
		dns.hosts[fmt.Sprintf("h%d.example", i)] = "192.0.2.1"
		if _, err := c.Resolve(t.Context(), URI{Host: fmt.Sprintf("h%d.example", i), Port: 1}); err != nil {
			t.Fatal(err)
		}
		c.MarkDead(Target{Name: fmt.Sprint(i)}, 0)
	}
	if len(c.entries) > maxEntries || len(c.dead) > maxEntries {
		t.Fatalf("%d entries, %d dead targets", len(c.entries), len(c.dead))
	}
}

// A caller that gives up does not fail the lookup for the others.
func TestCallerGivesUp(t *testing.T) {
	c := New(Config{DNS: world()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = c.Resolve(ctx, URI{Host: "plain.example"})
	if got, err := c.Resolve(t.Context(), URI{Host: "plain.example"}); err != nil || len(got) != 1 {
		t.Fatal(text(got), err)
	}
}

func FuzzURI(f *testing.F) {
	f.Add("a.example", "tls", uint16(5060), true)
	f.Add("[::1%25lo]", "", uint16(0), false)
	dns := world()
	f.Fuzz(func(t *testing.T, host, transport string, port uint16, secure bool) {
		list, err := New(Config{DNS: dns}).Resolve(t.Context(), URI{Host: host, Transport: transport, Port: port, Secure: secure})
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%v with error %v", list, err)
		}
	})
}
