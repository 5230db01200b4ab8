package rtp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	expeditedForwarding = 0xB8 // DSCP EF (RFC 3246) as a TOS byte
	maxReadErrors       = 16   // in a row, then the reader gives up
)

// portable is the backend that runs everywhere: a goroutine per socket reads into pooled buffers.
//
// Reads take one datagram at a time: with a port for each leg a batch would hold one packet, and the batch reads of x/net
// allocate an address for each datagram. Writes use x/net batches of one, since they can be told never to block.
type portable struct{ log *slog.Logger }

type portableSocket struct {
	conn *net.UDPConn
	addr netip.AddrPort
	done chan struct{} // closed when the reader has ended

	// Owned by the sender.
	batch interface {
		WriteBatch(ms []ipv4.Message, flags int) (int, error)
	}
	msg [1]ipv4.Message
	buf [1][]byte
	to  netip.AddrPort
}

func (b *portable) open(addr netip.AddrPort, in inlet) (socket, error) {
	network := "udp6" // IPv6 only, also on [::]
	if addr.Addr().Is4() {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("bind %v: %w", addr, err)
	}
	bound, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.Join(fmt.Errorf("bind %v: no UDP address", addr), conn.Close())
	}
	s := &portableSocket{conn: conn, addr: unmap(bound.AddrPort()), done: make(chan struct{})}
	s.prepare(addr.Addr().Is4())
	go s.read(in, b.log)
	return s, nil
}

// prepare sets up sending and marks our packets as voice; a network that forbids it changes nothing else.
func (s *portableSocket) prepare(v4 bool) {
	if v4 {
		c := ipv4.NewPacketConn(s.conn)
		_ = c.SetTOS(expeditedForwarding)
		s.batch = c
	} else {
		c := ipv6.NewPacketConn(s.conn)
		_ = c.SetTrafficClass(expeditedForwarding)
		s.batch = c
	}
	s.msg[0].Buffers = s.buf[:]
}

func (s *portableSocket) local() netip.AddrPort { return s.addr }

func (s *portableSocket) send(b []byte, to netip.AddrPort) error {
	if to != s.to {
		s.to, s.msg[0].Addr = to, net.UDPAddrFromAddrPort(to)
	}
	s.buf[0] = b
	_, err := s.batch.WriteBatch(s.msg[:], syscall.MSG_DONTWAIT)
	s.buf[0] = nil
	return err
}

func (s *portableSocket) close() {
	_ = s.conn.Close()
	<-s.done
}

func (s *portableSocket) read(in inlet, log *slog.Logger) {
	defer close(s.done)
	p, failed := new(packet), 0
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(p.buf[:])
		if err != nil {
			if failed++; errors.Is(err, net.ErrClosed) || failed > maxReadErrors {
				if !errors.Is(err, net.ErrClosed) {
					log.Error("media socket failed", "local", s.addr, "error", err)
				}
				return
			}
			continue
		}
		failed = 0
		p.n, p.from = n, unmap(from)
		p = in.deliver(p)
	}
}
