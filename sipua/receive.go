package sipua

import (
	"errors"
	"net"

	"github.com/emiago/sipgo/sip"
)

// errNoSocket is a UDP request to an address family that nothing listens on.
var errNoSocket = errors.New("no udp socket of that address family")

// maxRead is the largest datagram there is: what is above the edge's limit must be seen whole to be answered 513.
const maxRead = 1 << 16

// receive reads a UDP socket until it is closed. sipgo's own loop keeps an entry in its pool and one beside it for each
// source it has ever seen (v1.7.2); here a message carries its socket instead, in Laddr, and sources leave nothing behind.
func (s *Stack) receive(k *socket) error {
	parser := newParser()
	buf := make([]byte, maxRead)
	for {
		n, from, err := k.packet.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		s.datagram(k, parser, buf[:n], from.String())
	}
}

// datagram takes one message that passed the edge. data is not kept.
func (s *Stack) datagram(k *socket, parser *sip.Parser, data []byte, from string) {
	msg, err := parser.ParseSIP(data)
	if err != nil {
		s.counters.malformed.Add(1)
		return
	}
	msg.SetTransport("UDP")
	msg.SetSource(from)
	if req, ok := msg.(*sip.Request); ok {
		req.Laddr = k.laddr()
	}
	s.onMessage(msg)
}

// laddr is the address that sipgo's pool knows a UDP socket by.
func (k *socket) laddr() sip.Addr {
	return sip.Addr{IP: k.addr.Addr().AsSlice(), Port: int(k.addr.Port())}
}
