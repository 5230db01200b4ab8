package freeport

import (
	"net"
	"testing"
)

// TestDeal: ports are free, apart from each other, and from a window that is the system's own nowhere.
func TestDeal(t *testing.T) {
	seen := map[uint16]bool{}
	for range 50 {
		port, err := Deal()
		if err != nil {
			t.Fatal(err)
		}
		if port < first || port >= end || seen[port] {
			t.Errorf("port %d", port)
		}
		seen[port] = true
	}
	port, err := Deal()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice(), Port: int(port)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	next.Store(uint32(port) - first - 1) // its turn
	if again, err := Deal(); err != nil || again == port {
		t.Errorf("a taken port is dealt: %d, %v", again, err)
	}
}
