package sipua

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"cordboard/sipua/digest"
)

// zone is a DNS server on a socket: the addresses of SRV names, in order of priority. Each name of one is at 127.0.0.1.
type zone map[string][]netip.AddrPort

// resolver serves the zone until the test ends and asks it alone.
func (z zone) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if answer := z.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteToUDPAddrPort(answer, from)
			}
		}
	})
	t.Cleanup(func() { _ = conn.Close(); wg.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
}

// answer is the answer to one question; names that are not there get NXDOMAIN.
func (z zone) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	add := func(body dnsmessage.ResourceBody) {
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}, Body: body})
	}
	switch host := strings.HasSuffix(name, ".host.test"); {
	case host && q.Type == dnsmessage.TypeA:
		add(&dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
	case host:
	case z[name] == nil || q.Type != dnsmessage.TypeSRV:
		out.RCode = dnsmessage.RCodeNameError
	}
	for i, at := range z[name] {
		target := dnsmessage.MustNewName(strconv.Itoa(i) + ".host.test.")
		add(&dnsmessage.SRVResource{Priority: uint16(10 * i), Port: at.Port(), Target: target})
	}
	b, err := out.Pack()
	if err != nil {
		return nil
	}
	return b
}

// two is a rig whose trunk is two servers by SRV: first, and the rig's own peer.
func two(t *testing.T, change func(*Config)) (r *rig, first *rawPeer) {
	t.Helper()
	r, first = &rig{pbx: newRawPeer(t)}, newRawPeer(t)
	r.dns = zone{"_sip._udp.pbx.test": {first.addr(), r.pbx.addr()}}.resolver(t)
	r.start(t, func(c *Config) {
		c.Trunks[0].Server = URI{Host: "pbx.test", Transport: "udp"}
		if change != nil {
			change(c)
		}
	})
	first.to = r.s.Addr("udp")
	return r, first
}

// A line registers at the second server of its trunk when the first is silent, and is called and calls there.
func TestRegisterFailover(t *testing.T) {
	r, first := two(t, func(c *Config) {
		c.Lines[0].Register, c.Lines[0].Password = true, digest.NewSecret("x")
		c.Trunks[0].Register.Timeout = 500 * time.Millisecond
		c.StopTimeout = 100 * time.Millisecond
	})
	first.request("REGISTER")
	r.pbx.reply(r.pbx.request("REGISTER"), 200, "r", "Expires: 600\r\n", "")
	d, ev, _, _ := r.answered(nil) // at the server that lives, at once
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
	c, l := r.called("")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
	first.silent(time.Millisecond, func(m rawMsg) bool { return m.method() != "REGISTER" })
}

// An INVITE goes to the next server when one is silent or says 503, and to no other once a server has taken the call.
func TestInviteFailover(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  []int // answers of the first server
		second int   // that of the second; 0: it is not asked
		status int   // told; 200: answered
	}{
		{"silent", nil, 200, 200},
		{"silent, then busy", nil, 486, 486},
		{"503", []int{503}, 200, 200},
		{"100, then 503", []int{100, 503}, 200, 200},
		{"both 503", []int{503}, 503, 503},
		{"180, then 503", []int{180, 503}, 0, 503},
		{"busy", []int{486}, 0, 486},
		{"500", []int{500}, 0, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, first := two(t, nil)
			d, ev := r.invite(nil)
			inv := first.request("INVITE")
			for _, status := range c.first {
				first.reply(inv, status, "ft", "Retry-After: 60\r\n", "")
			}
			if c.second != 0 {
				again := r.pbx.request("INVITE")
				if again.header("Call-ID") != inv.header("Call-ID") || again.tag("From") != inv.tag("From") || again.header("Via") == inv.header("Via") || again.tag("To") != "" {
					t.Errorf("another server gets %s\nafter %s", again.text, inv.text)
				}
				body := ""
				if c.second == 200 {
					body = sdp(40000, "sendrecv")
				}
				r.pbx.reply(again, c.second, "st", "", body)
				if c.second != 503 {
					r.pbx.request("ACK")
				}
			}
			if c.status != 200 {
				if e := want[Rejected](ev); e.Status != c.status {
					t.Errorf("told %+v", e)
				}
			} else {
				want[Answered](ev)
				d.Hangup("")
				r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
				want[Ended](ev)
			}
			if c.second == 0 {
				r.pbx.silent(time.Millisecond, func(m rawMsg) bool { return m.method() == "INVITE" })
				return
			}
			_, ev = r.invite(nil) // the first server is avoided for a while
			r.pbx.reply(r.pbx.request("INVITE"), 486, "st", "", "")
			want[Rejected](ev)
		})
	}
}
