package line

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

func TestRegisterRefreshUnregister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		var events []State
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: targets(1), OnState: func(s State) { events = append(events, s) }})
		time.Sleep(time.Second)
		s, ok := m.State("l0")
		if !ok || s.Phase != Registered || !s.Registered || s.Reason != "" || len(s.ServiceRoute) != 1 || s.Target.Zero() {
			t.Fatalf("%+v", s)
		}
		if life := s.Next.Sub(s.Since); life < 5*time.Minute || life > 9*time.Minute {
			t.Fatalf("refresh after %v of 10 min", life)
		}
		if pbx.count() != 2 {
			t.Fatalf("%d requests, want one and its answer to the challenge", pbx.count())
		}
		time.Sleep(time.Until(s.Next) + time.Second)
		if pbx.count() > 4 || pbx.count() < 3 {
			t.Fatalf("%d requests after one refresh", pbx.count())
		}
		if len(pbx.requests()[2].Authorization) != 1 {
			t.Fatal("the refresh did not carry the cached nonce")
		}
		stop()
		if pbx.bound() != 0 {
			t.Fatal("still bound after stop")
		}
		var seen []string
		for _, e := range events {
			seen = append(seen, e.Phase.String())
		}
		if got := strings.Join(seen, " "); got != "registering registered refreshing registered unregistering gone" {
			t.Fatalf("events %s", got)
		}
		if err := m.Update(config(1, nil)); !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
	})
}

// 5,000 lines: the registrar restarts and forgets them all; none sends above
// the rate, all are back within the paced time.
func TestHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lines, rate = 5000, 100
		pbx := newFakePBX(t)
		quick := func(c *Trunk) {
			c.Rate, c.Timeout, c.BackoffBase, c.BackoffMax = rate, 4*time.Second, 2*time.Second, 20*time.Second
			c.Expires = 3 * time.Minute
		}
		m, stop := start(t, config(lines, quick), Deps{Sender: pbx, Targets: targets(1), InFlight: 1000, StopTimeout: 10 * time.Minute})
		paced := time.Duration(lines*2/rate) * time.Second // a request and the answer to its challenge
		time.Sleep(paced + 2*time.Second)
		if n := registered(m); n != lines {
			t.Fatalf("%d of %d registered after %v: %v", n, lines, paced, phases(m))
		}
		pbx.set(func() { pbx.down = true })
		time.Sleep(3*time.Minute + 5*time.Second) // longer than any binding
		for _, s := range m.Snapshot() {
			if s.Registered {
				t.Fatalf("a binding outlived its registrar: %+v", s)
			}
		}
		pbx.set(func() { pbx.down = false; clear(pbx.bindings) })
		// The longest back-off (20 s), what was in flight (4 s), then the pace.
		time.Sleep(paced + 26*time.Second)
		if n := registered(m); n != lines || pbx.bound() != lines {
			t.Fatalf("%d of %d back, %d bound: %v", n, lines, pbx.bound(), phases(m))
		}
		pbx.checkRate(rate)
		stop()
		pbx.checkRate(rate)
		if pbx.bound() != 0 {
			t.Fatalf("%d bound after stop", pbx.bound())
		}
	})
}

// A registrar that answers, but too slowly for all lines: the deadline ends the stop.
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		_, stop := start(t, config(200, func(c *Trunk) { c.Rate = 20 }), Deps{Sender: pbx, Targets: targets(1), StopTimeout: 3 * time.Second})
		time.Sleep(30 * time.Second)
		begin := time.Now()
		stop()
		if d := time.Since(begin); d != 3*time.Second {
			t.Fatalf("stop took %v", d)
		}
		if n := pbx.bound(); n < 100 || n > 145 {
			t.Fatalf("%d bound after the deadline", n)
		}
	})
}

// A registrar that does not answer holds the stop for StopSilence only, and only its own lines.
func TestStopGivesUpSilentTrunk(t *testing.T) {
	for name, before := range map[string]time.Duration{"went silent at the stop": 0, "was silent before": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pbx, cfg := newFakePBX(t), config(20, nil)
				other := cfg.Trunks[0]
				other.Name, other.Rate = "alive", 10
				cfg.Trunks = append(cfg.Trunks, other)
				for i := range 40 {
					cfg.Lines = append(cfg.Lines, Line{ID: fmt.Sprintf("a%d", i), Trunk: "alive", User: fmt.Sprintf("1a%d", i), Password: digest.NewSecret("pw")})
				}
				m, stop := start(t, cfg, Deps{Sender: pbx, Targets: targets(1)})
				time.Sleep(10 * time.Second)
				pbx.set(func() { pbx.mute = "pbx" })
				time.Sleep(before)
				begin := time.Now()
				stop()
				if d := time.Since(begin); d < 3*time.Second || d > 9*time.Second { // 40 lines at 10/s, some challenged
					t.Errorf("stop took %v", d)
				}
				for _, s := range m.Snapshot() {
					t.Errorf("line %s is %v", s.Line, s.Phase)
				}
				for user := range pbx.bindings {
					if strings.HasPrefix(user, "1a") {
						t.Errorf("line %s is left at the registrar that answers", user)
					}
				}
			})
		})
	}
	t.Run("alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pbx := newFakePBX(t)
			_, stop := start(t, config(20, nil), Deps{Sender: pbx, Targets: targets(1)})
			time.Sleep(10 * time.Second)
			pbx.set(func() { pbx.down = true })
			begin := time.Now()
			stop()
			if d := time.Since(begin); d != 2*time.Second {
				t.Errorf("stop took %v", d)
			}
		})
	})
}

func TestFailover(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer *Response
		wait   time.Duration
	}{
		{"connection refused", &Response{}, time.Second},
		{"503", &Response{Status: 503, RetryAfter: time.Minute}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pbx, where := newFakePBX(t), targets(3)
				pbx.script = func(r Request) *Response {
					if r.Target != where.list[2] {
						return tt.answer
					}
					return nil
				}
				m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: where})
				defer stop()
				time.Sleep(tt.wait)
				if s, _ := m.State("l0"); s.Phase != Registered || s.Target != where.list[2] || s.Failures != 0 {
					t.Fatalf("%+v", s)
				}
				if pbx.count() != 4 {
					t.Fatalf("%d requests, want 3 targets and a challenge", pbx.count())
				}
			})
		})
	}
}

func TestAllTargetsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		pbx.script = func(Request) *Response {
			return &Response{Status: 503, Reason: "Busy\r\nX: y", RetryAfter: 200 * time.Second}
		}
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: targets(2)})
		defer stop()
		time.Sleep(time.Second)
		s, _ := m.State("l0")
		if s.Phase != BackingOff || s.Status != 503 || s.Reason != "503 BusyX: y" || s.Failures != 1 || pbx.count() != 2 {
			t.Fatalf("%+v after %d requests", s, pbx.count())
		}
		if d := s.Next.Sub(s.Since); d < 200*time.Second || d > 220*time.Second {
			t.Fatalf("Retry-After 200 s, next attempt after %v", d)
		}
		pbx.set(func() { pbx.script = nil })
		m.Retry("l0")
		time.Sleep(time.Second)
		if s, _ := m.State("l0"); s.Phase != Registered || s.Reason != "" || s.Status != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestResolveFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, where := newFakePBX(t), targets(0)
		where.err = resolve.ErrNoTarget
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: where})
		defer stop()
		time.Sleep(time.Second)
		if s, _ := m.State("l0"); s.Phase != BackingOff || s.Reason != resolve.ErrNoTarget.Error() || pbx.count() != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestIntervalTooBrief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		pbx.script = func(r Request) *Response {
			if r.Expires > 0 && r.Expires < time.Hour {
				return &Response{Status: 423, MinExpires: time.Hour}
			}
			return nil
		}
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		time.Sleep(time.Second)
		if s, _ := m.State("l0"); s.Phase != Registered || s.Until.Sub(s.Since) != time.Hour {
			t.Fatalf("%+v", s)
		}
		pbx.set(func() {
			pbx.script = func(r Request) *Response { return &Response{Status: 423, MinExpires: r.Expires + time.Second} }
		})
		n := pbx.count()
		m.Retry("l0")
		time.Sleep(time.Minute)
		if s, _ := m.State("l0"); s.Phase != Parked || pbx.count() != n+2 {
			t.Fatalf("a registrar that always asks for more: %+v, %d requests", s, pbx.count()-n)
		}
	})
}

func TestRefusalsAreRetriedSlowly(t *testing.T) {
	wrong := config(1, nil)
	wrong.Lines[0].Password = digest.NewSecret("wrong")
	foreign := config(1, func(t *Trunk) { t.Realm = "other" })
	for _, tt := range []struct {
		name, reason string
		config       Config
		script       func(Request) *Response
		requests     int
	}{
		{"forbidden", "403 Forbidden", config(1, nil), func(Request) *Response { return &Response{Status: 403, Reason: "Forbidden"} }, 1},
		{"wrong password", "401 Unauthorized: " + digest.ErrRejected.Error(), wrong, nil, 2},
		{"foreign realm", `401 Unauthorized: challenge for realm "pbx", credentials belong to "other"`, foreign, nil, 1},
		{"foreign peer", `401: challenge from peer "stranger", credentials belong to "pbx"`, config(1, nil), func(Request) *Response {
			return &Response{Status: 401, Peer: "stranger", WWWAuthenticate: []string{`Digest realm="pbx", nonce="x", qop="auth"`}}
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pbx := newFakePBX(t)
				pbx.script = tt.script
				m, stop := start(t, tt.config, Deps{Sender: pbx, Targets: targets(1)})
				defer stop()
				time.Sleep(8 * time.Minute)
				if s, _ := m.State("l0"); s.Phase != Parked || s.Reason != tt.reason || pbx.count() != tt.requests {
					t.Fatalf("%+v after %d requests", s, pbx.count())
				}
				time.Sleep(4 * time.Minute)
				if pbx.count() <= tt.requests {
					t.Fatal("never tried again")
				}
			})
		})
	}
}

func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		c := config(4, nil)
		m, stop := start(t, c, Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		time.Sleep(5 * time.Second)
		n := pbx.count()
		if err := m.Update(c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if pbx.count() != n {
			t.Fatalf("an unchanged configuration sent %d requests", pbx.count()-n)
		}
		bad := config(2, nil)
		bad.Lines[1].Trunk = "nowhere"
		if err := m.Update(bad); !errors.Is(err, ErrConfig) || len(m.Snapshot()) != 4 {
			t.Fatalf("%v, %d lines", err, len(m.Snapshot()))
		}
		// l0 gone, l1 renamed, l2 with another password, l3 as it was, one new.
		next := config(5, nil)
		next.Lines = next.Lines[1:]
		next.Lines[0].ID = "renamed"
		next.Lines[1].Password = digest.NewSecret("wrong")
		if err := m.Update(next); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		by := map[string]int{}
		for _, r := range pbx.requests()[n:] {
			by[r.User]++
		}
		if by["10000"] < 1 || by["10001"] != 0 || by["10002"] != 2 || by["10003"] != 0 || by["10004"] != 2 {
			t.Fatalf("requests by user after the update: %v", by)
		}
		if s, ok := m.State("renamed"); !ok || s.Phase != Registered {
			t.Fatalf("%+v", s)
		}
		if s, _ := m.State("l2"); s.Phase != Parked {
			t.Fatalf("%+v", s)
		}
		if _, ok := m.State("l0"); ok || pbx.bound() != 4 { // the old binding of l2 stays
			t.Fatalf("%d bound", pbx.bound())
		}
	})
}

// A line taken away and given back while it unregisters keeps its Call-ID and
// comes back.
func TestRevive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		time.Sleep(time.Second)
		for _, n := range []int{0, 1, 0, 1} {
			if err := m.Update(config(n, nil)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if s, ok := m.State("l0"); !ok || s.Phase != Registered || pbx.bound() != 1 {
			t.Fatalf("%+v, %d bound", s, pbx.bound())
		}
	})
}

// A trunk that moves: its lines leave the old place and register at the new.
func TestTrunkMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		m, stop := start(t, config(2, nil), Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		time.Sleep(time.Second)
		n := pbx.count()
		pbx.set(func() { pbx.twice = true })
		if err := m.Update(config(2, func(t *Trunk) { t.Domain = "new.example" })); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		var old, moved int
		for _, r := range pbx.requests()[n:] {
			switch {
			case r.URI == "sip:pbx.example" && r.Expires == 0:
				old++
			case r.URI == "sip:new.example" && r.Expires > 0:
				moved++
			default:
				t.Errorf("unexpected %s %v", r.URI, r.Expires)
			}
		}
		if old < 2 || moved < 4 || phases(m)[Registered] != 2 {
			t.Fatalf("%d to the old, %d to the new, %v", old, moved, phases(m))
		}
	})
}

func TestKeepAliveKind(t *testing.T) {
	udp, tcp := resolve.Target{Transport: "udp"}, resolve.Target{Transport: "tcp"}
	for _, c := range []struct{ set, udp, tcp KeepAliveKind }{
		{KeepAliveDefault, KeepAliveOff, KeepAliveCRLF}, {KeepAliveAuto, KeepAliveOptions, KeepAliveCRLF},
		{KeepAliveOff, KeepAliveOff, KeepAliveOff}, {KeepAliveOptions, KeepAliveOptions, KeepAliveOptions},
	} {
		k := KeepAlive{Kind: c.set}
		if k.kind(udp) != c.udp || k.kind(tcp) != c.tcp {
			t.Errorf("kind %d: udp %d, tcp %d, want %d and %d", c.set, k.kind(udp), k.kind(tcp), c.udp, c.tcp)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, where := newFakePBX(t), targets(2)
		c := config(10, func(t *Trunk) { t.KeepAlive.Kind = KeepAliveOptions })
		m, stop := start(t, c, Deps{Sender: pbx, Targets: where})
		defer stop()
		time.Sleep(2 * time.Minute)
		if n := pbx.pinged(); n < 4 || n > 6 { // one flow for ten lines, 24 to 30 s
			t.Fatalf("%d pings in 2 minutes", n)
		}
		n := pbx.count()
		pbx.set(func() { pbx.pingErr = errors.New("no answer") })
		time.Sleep(28 * time.Second)
		pbx.set(func() { pbx.pingErr = nil })
		time.Sleep(5 * time.Second)
		if pbx.count()-n < 10 {
			t.Fatalf("%d requests after the flow was lost", pbx.count()-n)
		}
		for _, s := range m.Snapshot() {
			if s.Phase != Registered || s.Target != where.list[1] {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func TestCredentialsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx := newFakePBX(t)
		m, stop := start(t, config(1, nil), Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		time.Sleep(time.Second)
		c, ok := m.Credentials("l0")
		if !ok || len(c.Begin("INVITE", "sip:1@pbx.example").Headers()) != 1 {
			t.Fatal("a call does not start with the line's nonce")
		}
	})
}

func TestValidate(t *testing.T) {
	c := config(2, nil)
	c.Trunks = append(c.Trunks, Trunk{Name: "pbx"}, Trunk{}, Trunk{Name: "empty"})
	c.Lines[1].User = c.Lines[0].User
	c.Lines = append(c.Lines, Line{ID: "l0", Trunk: "pbx", User: "9"}, Line{Trunk: "pbx"}, Line{ID: "x", Trunk: "?", User: "8"})
	_, err := New(c, Deps{Log: nil})
	if err == nil {
		t.Fatal("no dependencies")
	}
	err = c.Validate()
	for _, want := range []string{"trunk pbx twice", "trunk without a name", "trunk empty without a server", "lines l0 and l1 are the same account", "line l0 twice", `line "" without`, `unknown trunk "?"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q missing in %v", want, err)
		}
	}
}
