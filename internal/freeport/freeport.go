// Package freeport deals ports to what must name one before it can be bound: a daemon's configuration. They lie in a window from
// which the system gives none by itself, so that nobody else is likely to take a port before its owner binds it.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
)

// The window, below the ports that Linux hands out (32768 and up); media ports of the demo and of tests lie between the two.
const first, end = 10000, 18000

var (
	loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	// other processes begin elsewhere
	next = func() *atomic.Uint32 {
		var n atomic.Uint32
		n.Store(rand.Uint32N(end - first))
		return &n
	}()
)

// Deal returns a port that is free for UDP and TCP on loopback. It deals none twice in this process until all have had their turn.
func Deal() (uint16, error) {
	for range end - first {
		port := uint16(first + next.Add(1)%(end-first))
		at := netip.AddrPortFrom(loopback, port)
		u, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		t, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
		u.Close()
		if err != nil {
			continue
		}
		t.Close()
		return port, nil
	}
	return 0, errors.New("no port from 10000 to 17999 is free on 127.0.0.1")
}
