package sipua

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// memNet is a UDP network in memory that delays, loses, repeats and so reorders datagrams.
type memNet struct {
	seed  uint64
	loss  float64
	delay time.Duration // each datagram takes 1 ms to this long
	drop  func(from, to netip.AddrPort, data []byte) bool

	mu    sync.Mutex
	conns map[netip.AddrPort]*memConn
	calls map[string]int // Call-IDs in order
	sent  map[string]int // how often each message has been sent

	written atomic.Uint64 // datagrams, also to nobody
}

func newMemNet(seed uint64, loss float64, delay time.Duration) *memNet {
	return &memNet{seed: seed, loss: loss, delay: delay, conns: map[netip.AddrPort]*memConn{}, calls: map[string]int{}, sent: map[string]int{}}
}

// fateLocked decides about a datagram by the seed and by which message of which call it is, whatever goroutine came to
// write first: so the seed gives the same network again.
func (n *memNet) fateLocked(from netip.AddrPort, data []byte) *rand.Rand {
	m := rawMsg{text: string(data)}
	start, _, _ := strings.Cut(m.text, "\r\n")
	id := m.header("Call-ID")
	if _, known := n.calls[id]; !known {
		n.calls[id] = len(n.calls)
	}
	what := fmt.Sprint(from, " ", n.calls[id], " ", start[:min(len(start), 11)], " ", m.header("CSeq")) // "SIP/2.0 180", or a method
	n.sent[what]++
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, what, " ", n.sent[what])
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

type memConn struct {
	n      *memNet
	addr   netip.AddrPort
	in     chan datagram
	closed chan struct{}
	once   sync.Once
}

func (n *memNet) listen(_ string, a netip.AddrPort) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &memConn{n: n, addr: a, in: make(chan datagram, 10_000), closed: make(chan struct{})}
	n.conns[a] = c
	return c, nil
}

func (c *memConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.in:
		return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *memConn) WriteTo(b []byte, to net.Addr) (int, error) {
	n := c.n
	n.written.Add(1)
	ap := to.(*net.UDPAddr).AddrPort()
	n.mu.Lock()
	defer n.mu.Unlock()
	peer := n.conns[netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())]
	if peer == nil || n.drop != nil && n.drop(c.addr, ap, b) {
		return len(b), nil
	}
	data := append([]byte(nil), b...)
	rng := n.fateLocked(c.addr, data)
	for range 1 + rng.IntN(20)/19 { // one in twenty comes twice
		if rng.Float64() < n.loss {
			continue
		}
		time.AfterFunc(time.Millisecond+time.Duration(rng.Int64N(int64(n.delay))), func() {
			select {
			case peer.in <- datagram{c.addr, data}:
			default:
			}
		})
	}
	return len(b), nil
}

func (c *memConn) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }
func (c *memConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.addr) }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }
