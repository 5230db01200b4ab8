package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Faults are what a Relay does to datagrams, in both directions. The same Seed gives the same faults.
type Faults struct {
	Seed      uint64
	Loss      float64       // share lost, 0…1
	Duplicate float64       // share sent twice
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // added to Delay, uniform from 0: datagrams overtake each other
	Down      bool          // everything is lost
}

// Relay stands between two UDP parties as a bad network: whatever comes to Addr goes on to the target from an address of its
// own per client, and answers come back.
type Relay struct {
	front  *net.UDPConn
	target netip.AddrPort
	faults atomic.Pointer[Faults]

	mu      sync.Mutex
	rnd     *rand.Rand
	clients map[netip.AddrPort]*net.UDPConn
	wg      sync.WaitGroup
	lost    atomic.Int64
}

// maxClients bounds the addresses a relay serves.
const maxClients = 4096

// NewRelay listens at addr (port 0: any).
func NewRelay(addr, target netip.AddrPort, f Faults) (*Relay, error) {
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	r := &Relay{front: front, target: target, rnd: rand.New(rand.NewPCG(f.Seed, 1)), clients: map[netip.AddrPort]*net.UDPConn{}}
	r.faults.Store(&f)
	return r, nil
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// Set changes the faults from now on.
func (r *Relay) Set(f Faults) { r.faults.Store(&f) }

// Lost is how many datagrams were dropped.
func (r *Relay) Lost() int64 { return r.lost.Load() }

// Run forwards until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { r.front.Close() })
	defer stop()
	buf := make([]byte, 65536)
	for {
		n, from, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			break
		}
		back := r.client(ctx, from)
		if back == nil {
			continue
		}
		r.pass(ctx, buf[:n], func(b []byte) { _, _ = back.WriteToUDPAddrPort(b, r.target) })
	}
	r.mu.Lock()
	for _, c := range r.clients {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return nil
}

// client is the socket that stands for a client at the target.
func (r *Relay) client(ctx context.Context, from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.clients[from]; c != nil {
		return c
	}
	if len(r.clients) >= maxClients {
		return nil
	}
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.Addr().Addr(), 0))
	c, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil
	}
	r.clients[from] = c
	r.wg.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			r.pass(ctx, buf[:n], func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, from) })
		}
	})
	return c
}

// pass sends a datagram on, as the faults have it.
func (r *Relay) pass(ctx context.Context, b []byte, send func([]byte)) {
	f := r.faults.Load()
	r.mu.Lock()
	lost, twice, extra := r.rnd.Float64() < f.Loss, r.rnd.Float64() < f.Duplicate, time.Duration(r.rnd.Float64()*float64(f.Jitter))
	r.mu.Unlock()
	if f.Down || lost {
		r.lost.Add(1)
		return
	}
	if f.Delay+extra == 0 {
		send(b)
		if twice {
			send(b)
		}
		return
	}
	kept := append([]byte(nil), b...)
	r.wg.Go(func() {
		select {
		case <-time.After(f.Delay + extra):
			send(kept)
			if twice {
				send(kept)
			}
		case <-ctx.Done():
		}
	})
}
