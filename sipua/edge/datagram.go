package edge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
)

// PacketConn wraps a UDP socket. ReadFrom returns only datagrams that hold one whole message worth parsing,
// cut to its declared length; others are dropped inside and counted, never reported as an error. A faulty request
// of a trusted peer gets its error status from here.
func (f *Filter) PacketConn(c net.PacketConn) net.PacketConn {
	p := &packetConn{PacketConn: c, filter: f}
	p.udp, _ = c.(addrPortReader)
	return p
}

// addrPortReader is the part of *net.UDPConn that reads without allocating an address.
type addrPortReader interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
}

type packetConn struct {
	net.PacketConn
	udp    addrPortReader // nil if the socket has no such method
	filter *Filter
}

// maxSocketErrors is how many errors in a row a socket may report (ICMP echoes of what we sent, a datagram too
// long for the system) before it counts as broken.
const maxSocketErrors = 64

func (p *packetConn) ReadFrom(b []byte) (n int, addr net.Addr, err error) {
	for failed := 0; ; {
		n, src, err := p.read(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
				return 0, nil, err
			}
			if failed++; failed > maxSocketErrors {
				return 0, nil, err
			}
			p.filter.drop(ReasonSocket)
			continue
		}
		failed = 0
		lead, v, trusted := p.filter.datagram(b[:n], src.Addr())
		switch v.Action {
		case Accept:
			p.filter.count.accepted.Add(1)
			return copy(b, b[lead:lead+v.Size]), net.UDPAddrFromAddrPort(src), nil
		case Answer:
			if trusted {
				p.answer(b[lead:n], v, src)
			}
		}
		p.filter.drop(v.Reason)
	}
}

func (p *packetConn) read(b []byte) (int, netip.AddrPort, error) {
	if p.udp != nil {
		n, src, err := p.udp.ReadFromUDPAddrPort(b)
		return n, netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), err
	}
	n, addr, err := p.PacketConn.ReadFrom(b)
	return n, addrPort(addr), err
}

// answer sends the error status. A failed write is no more than a lost datagram.
func (p *packetConn) answer(raw []byte, v Verdict, src netip.AddrPort) {
	reply := respond(raw, v, src)
	if reply == nil {
		return
	}
	if _, err := p.WriteTo(reply, net.UDPAddrFromAddrPort(src)); err == nil {
		p.filter.count.answered.Add(1)
	}
}

// datagram judges one datagram, the cheapest questions first. lead is the number of bytes before the message.
func (f *Filter) datagram(data []byte, src netip.Addr) (lead int, v Verdict, trusted bool) {
	drop := func(r Reason) (int, Verdict, bool) { return 0, Verdict{Action: Drop, Reason: r}, false }
	message := bytes.TrimLeft(data, "\r\n\x00")
	switch {
	case len(data) == 0:
		return drop(ReasonEmpty)
	case len(message) == 0:
		return drop(ReasonKeepAlive)
	case isSTUN(data):
		return drop(ReasonSTUN)
	}
	if trusted = f.cfg.Trusted(src); !trusted && f.admits() == StrangersSilence {
		return drop(ReasonStranger)
	}
	if sniff(message) == noStart {
		return drop(ReasonNotSIP)
	}
	if !f.allowed(trusted, message) {
		return drop(ReasonStranger)
	}
	if ok, _ := f.take(src, trusted); !ok {
		return drop(ReasonRate)
	}
	lead = len(data) - len(message)
	if len(message) > f.cfg.MaxMessage {
		return lead, Verdict{Action: Answer, Reason: ReasonTooLarge, Status: 513}, trusted
	}
	return lead, Validate(message, false), trusted
}

// isSTUN tells a STUN message by its two zero bits and its cookie (RFC 8489 §5).
func isSTUN(b []byte) bool {
	return len(b) >= 20 && b[0] < 4 && binary.BigEndian.Uint32(b[4:8]) == 0x2112A442
}

// addrPort converts the address of any net.Conn; the zero AddrPort stands for one without IP.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	case nil:
		return ap
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
