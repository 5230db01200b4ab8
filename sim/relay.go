package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"cordboard/sipua"
)

// Relay stands between two UDP parties as a bad network: whatever comes to Addr goes on to the target from an address of its
// own per client, and answers come back.
type Relay struct {
	front  *net.UDPConn
	target netip.AddrPort
	road   *road

	mu      sync.Mutex
	clients map[netip.AddrPort]*net.UDPConn
	refusal refusal
	wg      sync.WaitGroup
}

// maxClients bounds the addresses a relay serves.
const maxClients = 4096

// NewRelay listens at addr (port 0: any).
func NewRelay(addr, target netip.AddrPort, f Faults) (*Relay, error) {
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return &Relay{front: front, target: target, road: newRoad(f), clients: map[netip.AddrPort]*net.UDPConn{}}, nil
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// Set changes the faults from now on.
func (r *Relay) Set(f Faults) { r.road.set(f) }

// Lost is how many datagrams were dropped.
func (r *Relay) Lost() int64 { return r.road.lost.Load() }

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
		if answer := r.refuse(buf[:n]); answer != nil {
			_, _ = r.front.WriteToUDPAddrPort(answer, from)
			continue
		}
		r.road.pass(ctx, buf[:n], func(b []byte) { _, _ = back.WriteToUDPAddrPort(b, r.target) })
	}
	r.mu.Lock()
	for _, c := range r.clients {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	r.road.wg.Wait()
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
			r.road.pass(ctx, buf[:n], func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, from) })
		}
	})
	return c
}

// Refuse answers the next n requests of a method by itself instead of passing them on; none of them reaches the target.
func (r *Relay) Refuse(n int, method string, status int, headers ...sipua.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusal = refusal{left: n, method: method, status: status, headers: headers}
}

// refusal is what Refuse asked for.
type refusal struct {
	left    int
	method  string
	status  int
	headers []sipua.Header
}

// refuse gives the answer to a request that is to be refused; nil: pass it on.
func (r *Relay) refuse(b []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refusal.left == 0 || !strings.HasPrefix(string(b), r.refusal.method+" ") {
		return nil
	}
	m, ok := parseRaw(b)
	if !ok {
		return nil
	}
	r.refusal.left--
	return m.answer(r.refusal.status, r.refusal.headers...)
}
