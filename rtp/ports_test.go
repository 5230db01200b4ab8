package rtp

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	ip := netip.MustParseAddr("127.0.0.1")
	for _, c := range []struct {
		name string
		cfg  Config
		ok   bool
	}{
		{"least", Config{Bind: ip}, true},
		{"range", Config{Bind: ip, PortMin: 20000, PortMax: 20001}, true},
		{"odd start", Config{Bind: ip, PortMin: 20001, PortMax: 20003}, true},
		{"top", Config{Bind: ip, PortMin: 65534, PortMax: 65535}, true},
		{"no bind", Config{}, false},
		{"no pair", Config{Bind: ip, PortMin: 20001, PortMax: 20002}, false},
		{"one port", Config{Bind: ip, PortMin: 20000, PortMax: 20000}, false},
		{"backwards", Config{Bind: ip, PortMin: 30000, PortMax: 20000}, false},
		{"zero start", Config{Bind: ip, PortMax: 20000}, false},
		{"last port alone", Config{Bind: ip, PortMin: 65535, PortMax: 65535}, false},
		{"shards", Config{Bind: ip, Shards: -1}, false},
		{"backend", Config{Bind: ip, Backend: "magic"}, false},
	} {
		if _, err := New(c.cfg, nil); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPortsRest(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPorts(Config{PortMin: 20001, PortMax: 20008, Quarantine: 10 * time.Second}, func() time.Time { return now })
	seen := map[uint16]bool{}
	for range 3 {
		port, ok := p.take()
		if !ok || port&1 != 0 || port < 20002 || port > 20006 || seen[port] {
			t.Fatalf("dealt %d %v", port, ok)
		}
		seen[port] = true
	}
	if _, ok := p.take(); ok {
		t.Fatal("dealt a fourth of three")
	}
	if u := p.usage(); u != (Usage{Total: 3, Used: 3}) || u.Ratio() != 1 {
		t.Errorf("usage %+v", u)
	}
	p.release(20004)
	now = now.Add(10*time.Second - 1)
	if _, ok := p.take(); ok {
		t.Fatal("dealt a resting port")
	}
	if u := p.usage(); u != (Usage{Total: 3, Used: 2, Resting: 1}) {
		t.Errorf("usage %+v", u)
	}
	now = now.Add(1)
	if port, ok := p.take(); !ok || port != 20004 {
		t.Fatalf("dealt %d %v after the rest", port, ok)
	}
	p.giveBack(20004)
	if port, ok := p.take(); !ok || port != 20004 {
		t.Fatalf("dealt %d %v after it was given back", port, ok)
	}
}

// TestOpenExhausts opens all pairs of a range of real sockets, meets a foreign owner of a port, and gets them back after the rest.
func TestOpenExhausts(t *testing.T) {
	e, err := New(Config{Bind: netip.MustParseAddr("192.0.2.1"), PortMin: 21000, PortMax: 21009, Quarantine: time.Minute}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &busyBackend{busy: 21003}
	e.backend = b
	now := time.Unix(0, 0)
	e.ports.now = func() time.Time { return now }
	var open []*Stream
	for {
		s, err := e.Open(OpenParams{})
		if err != nil {
			var full *PortsError
			if !errors.Is(err, ErrNoPorts) || !errors.As(err, &full) || !errors.Is(err, errBusy) || full.Usage.Used != 4 {
				t.Errorf("error when full: %v", err)
			}
			break
		}
		if p := s.Local().Port(); p&1 != 0 || p == 21002 || s.control.local().Port() != p+1 {
			t.Errorf("opened on %d, RTCP %d", p, s.control.local().Port())
		}
		open = append(open, s)
	}
	if len(open) != 4 || e.Stats().Streams != 4 {
		t.Fatalf("%d of 5 pairs opened with one taken", len(open))
	}
	for _, s := range open {
		s.Close()
		s.Close()
	}
	if u := e.Usage(); u.Used != 0 || u.Resting != 4 {
		t.Errorf("usage after closing: %+v", u)
	}
	if _, err := e.Open(OpenParams{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("resting ports were dealt: %v", err)
	}
	now = now.Add(time.Minute)
	s, err := e.Open(OpenParams{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

var errBusy = errors.New("address in use")

// busyBackend has one port that someone else owns.
type busyBackend struct {
	fakeBackend
	busy uint16
}

func (b *busyBackend) open(addr netip.AddrPort, in inlet) (socket, error) {
	if addr.Port() == b.busy {
		return nil, errBusy
	}
	return b.fakeBackend.open(addr, in)
}

func TestOpenRefuses(t *testing.T) {
	e, err := New(Config{Bind: netip.MustParseAddr("127.0.0.1")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.backend = &fakeBackend{}
	board := newTestBoard()
	first, err := e.Open(OpenParams{Group: "a", Board: board, Slot: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		p    OpenParams
	}{
		{"slot taken", OpenParams{Group: "a", Board: board, Slot: 1}},
		{"board of another group", OpenParams{Group: "b", Board: board, Slot: 2}},
		{"slot below", OpenParams{Slot: -1}},
		{"slot above", OpenParams{Slot: MaxSlots}},
		{"board that cannot be compared", OpenParams{Board: oddBoard{}}},
	} {
		if _, err := e.Open(c.p); !errors.Is(err, ErrBadSlot) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	first.Close()
	again, err := e.Open(OpenParams{Group: "b", Board: board, Slot: 1})
	if err != nil {
		t.Errorf("a vacated board and slot: %v", err)
	}
	again.Close()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Open(OpenParams{}); !errors.Is(err, ErrStopped) {
		t.Errorf("open after the end: %v", err)
	}
	if err := e.Run(ctx); !errors.Is(err, ErrStopped) {
		t.Errorf("second run: %v", err)
	}
	called := false
	e.Do("x", func() { t.Error("ran after the end") }, func() { called = true })
	if !called {
		t.Error("done was not called after the end")
	}
}

// oddBoard is of a type that cannot be compared.
type oddBoard struct {
	*testBoard
	_ []int
}
