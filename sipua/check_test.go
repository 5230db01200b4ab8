package sipua

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// brake makes what calls it stand while it is on.
type brake struct {
	mu      sync.Mutex
	release chan struct{} // nil: off
}

func (b *brake) on() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release = make(chan struct{})
}

func (b *brake) off() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.release)
	b.release = nil
}

func (b *brake) pass() {
	b.mu.Lock()
	c := b.release
	b.mu.Unlock()
	if c != nil {
		<-c
	}
}

// slowSocket is a socket whose reader stands after a datagram while the brake is on.
type slowSocket struct {
	net.PacketConn
	brake *brake
}

func (s slowSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, a, err := s.PacketConn.ReadFrom(b)
	s.brake.pass()
	return n, a, err
}

// Check answers while every loop turns, and says which one stands.
func TestCheck(t *testing.T) {
	t.Parallel()
	var lines, phones, reader brake
	s, err := New(Config{
		Listen: []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}, {Network: "udp", Addr: netip.MustParseAddrPort("0.0.0.0:0")}},
		Trunks: []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: 9}}},
		Lines:  []Line{{Trunk: "pbx", User: "1001", Register: true}},
		Phones: []Phone{{User: "anna"}},
	}, Deps{
		Log: logger(), OnLine: func(LineState) { lines.pass() }, OnPhone: func(PhoneState) { phones.pass() },
		listenPacket: func(_ string, a netip.AddrPort) (net.PacketConn, error) {
			c, err := net.ListenPacket("udp4", a.String())
			return slowSocket{c, &reader}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	check := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return s.Check(ctx)
	}
	turns := func(when string) {
		if err := check(patience); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	turns("at the start")
	change := 0
	for _, c := range []struct {
		name  string
		brake *brake
		poke  func() error
	}{
		{"lines", &lines, func() error {
			return s.Apply(Config{Trunks: s.cfg.Trunks, Phones: s.cfg.Phones})
		}},
		{"registrar", &phones, func() error {
			return s.Apply(Config{Phones: []Phone{{User: "anna", FixedContact: URI{Scheme: "sip", Host: "127.0.0.1", Port: uint16(20000 + change)}}}})
		}},
		{"socket", &reader, func() error { return nil }},
	} {
		change++
		c.brake.on()
		if err := c.poke(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; { // a loop may come round once more before it stands
			if err := check(300 * time.Millisecond); err != nil && strings.HasPrefix(err.Error(), c.name) {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s stands, and nobody noticed", c.name)
				break
			}
		}
		c.brake.off()
		turns("after " + c.name)
	}
	if s.Counters().Strangers != 0 || len(s.guests.m) != 0 {
		t.Errorf("%d strangers, guests %v", s.Counters().Strangers, s.guests.m)
	}
}
