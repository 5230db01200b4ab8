package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// readBuffer is asked of the system for each UDP socket. Linux's default holds about a hundred messages, less than what
// comes in the while that a busy machine may keep us waiting; an unreliable 180 lost there is never sent again.
const readBuffer = 4 << 20

// open opens one socket behind the edge filter. udp4 and udp6 are named: sipgo matches sockets by the text of their
// address, which a dual-stack socket changes.
func (s *Stack) open(l Listen) (*socket, error) {
	family := "4"
	if l.Addr.Addr().Is6() && !l.Addr.Addr().Is4In6() {
		family = "6"
	}
	k := &socket{network: l.Network}
	switch l.Network {
	case "udp":
		open := s.deps.listenPacket
		if open == nil {
			open = func(network string, a netip.AddrPort) (net.PacketConn, error) {
				return net.ListenUDP(network, net.UDPAddrFromAddrPort(a))
			}
		}
		c, err := open("udp"+family, l.Addr)
		if err != nil {
			return nil, fmt.Errorf("listen udp %v: %w", l.Addr, err)
		}
		if b, ok := c.(interface{ SetReadBuffer(bytes int) error }); ok {
			_ = b.SetReadBuffer(readBuffer) // the system may allow less
		}
		k.packet, k.closer = s.filter.PacketConn(c), c
		k.addr = addrPortOf(c.LocalAddr())
	case "tcp", "tls":
		c, err := net.ListenTCP("tcp"+family, net.TCPAddrFromAddrPort(l.Addr))
		if err != nil {
			return nil, fmt.Errorf("listen %s %v: %w", l.Network, l.Addr, err)
		}
		k.addr, k.closer = addrPortOf(c.Addr()), c
		var ln net.Listener = c
		if l.Network == "tls" {
			if l.TLS == nil {
				_ = c.Close()
				return nil, fmt.Errorf("%w: tls on %v without a certificate", ErrConfig, l.Addr)
			}
			ln = tls.NewListener(c, l.TLS)
		}
		k.stream = flowListener{s.filter.Listener(ln), s.flows, l.Network}
	default:
		return nil, fmt.Errorf("%w: network %q (udp, tcp or tls)", ErrConfig, clip(l.Network))
	}
	return k, nil
}

// serve reads one socket until it is closed. A socket that ends by itself ends the stack.
func (s *Stack) serve(ctx context.Context, k *socket) error {
	var err error
	switch k.network {
	case "udp":
		err = s.receive(k)
	case "tcp":
		err = s.tpl.ServeTCP(k.stream)
	case "tls":
		err = s.tpl.ServeTLS(k.stream)
	}
	if ctx.Err() != nil || s.stopping.Load() {
		return nil
	}
	if err == nil {
		err = errors.New("socket ended")
	}
	return fmt.Errorf("serve %s %v: %w", k.network, k.addr, err)
}

func addrPortOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	case *net.TCPAddr:
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}

// clientTLS is the configuration for connections to a server of that name: its trunk's, or that of the last trunk that had it.
func (s *Stack) clientTLS(name string) *tls.Config {
	named := func(u URI) bool { return strings.EqualFold(u.Host, name) }
	for _, t := range s.peers.allOfLate() {
		if t.TLS != nil && slices.ContainsFunc(t.servers(), named) {
			return t.TLS
		}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12}
}

// via names us to a peer: address and port for Via and Contact, and for UDP the socket to send from.
func (s *Stack) via(network string, to netip.Addr) (host string, port int, laddr sip.Addr) {
	var sock *socket
	for _, k := range s.sockets {
		if k.network == network && k.addr.Addr().Is4() == to.Unmap().Is4() {
			sock = k
			break
		}
	}
	if sock == nil {
		return s.host(netip.Addr{}, to), 0, sip.Addr{} // connected from any port
	}
	if network == "udp" { // a fixed local address on a stream would pick the wrong connection (sipgo v1.7.2)
		laddr = sock.laddr()
	}
	return s.host(sock.addr.Addr(), to), int(sock.addr.Port()), laddr
}

// host is the address that a peer is told.
func (s *Stack) host(listen, to netip.Addr) string {
	if s.cfg.Advertise.IsValid() && !to.IsLoopback() {
		return s.cfg.Advertise.String()
	}
	if listen.IsValid() && !listen.IsUnspecified() {
		return listen.String()
	}
	if s.cfg.Advertise.IsValid() {
		return s.cfg.Advertise.String()
	}
	return routeTo(to)
}

// routeTo asks the kernel which of our addresses leads to a peer; no packet is sent.
func routeTo(to netip.Addr) string {
	c, err := net.Dial("udp", net.JoinHostPort(to.Unmap().String(), "9"))
	if err != nil {
		return "127.0.0.1"
	}
	defer func() { _ = c.Close() }()
	return strings.Trim(addrPortOf(c.LocalAddr()).Addr().String(), "[]")
}
