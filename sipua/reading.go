package sipua

import (
	"net"
	"sync"
)

// reading tells when sipgo begins to read a socket. Only then does the transport layer know the socket: a request sent
// earlier would open a second one on the same address, which fails (sipgo v1.7.2).
type reading struct {
	net.PacketConn
	once  sync.Once
	begun chan struct{}
}

func newReading(c net.PacketConn) *reading { return &reading{PacketConn: c, begun: make(chan struct{})} }

// ReadFrom implements net.PacketConn.
func (r *reading) ReadFrom(b []byte) (int, net.Addr, error) {
	r.once.Do(func() { close(r.begun) })
	return r.PacketConn.ReadFrom(b)
}
