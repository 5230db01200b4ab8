package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

func TestRelayFaults(t *testing.T) {
	target, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	relay, err := NewRelay(netip.AddrPortFrom(loopback, 0), target.LocalAddr().(*net.UDPAddr).AddrPort(),
		Faults{Seed: 7, Loss: 0.2, Duplicate: 0.1, Jitter: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- relay.Run(ctx) }()
	client, err := net.Dial("udp", relay.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const sent = 200
	for i := range sent {
		fmt.Fprintf(client, "%d", i)
	}
	seen, copies, late, last := map[string]int{}, 0, 0, -1
	buf := make([]byte, 64)
	for {
		_ = target.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := target.Read(buf)
		if err != nil {
			break
		}
		text := string(buf[:n])
		if seen[text]++; seen[text] > 1 {
			copies++
		}
		var i int
		if _, err := fmt.Sscan(text, &i); err != nil {
			t.Fatal(err)
		}
		if i < last {
			late++
		}
		last = i
	}
	if lost := sent - len(seen); lost < 15 || lost > 80 || int64(lost) != relay.Lost() {
		t.Errorf("lost %d, counted %d", lost, relay.Lost())
	}
	if copies == 0 || late == 0 {
		t.Errorf("copies %d, overtaken %d", copies, late)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
