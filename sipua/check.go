package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/resolve"
)

// Check asks each loop for a sign of life: that of the lines, that of the registrar, and by an OPTIONS of ours to each UDP socket
// of ours the way from the socket through edge, parser, dispatch and transactions and back. nil when all have answered before ctx
// ended. An address that the host does not have any more is no loop that stands, and is left out.
func (s *Stack) Check(ctx context.Context) error {
	if err := s.lines.Check(ctx); err != nil {
		return fmt.Errorf("lines: %w", err)
	}
	if err := s.registrar.Check(ctx); err != nil {
		return fmt.Errorf("registrar: %w", err)
	}
	for _, k := range s.sockets {
		if k.network != "udp" {
			continue
		}
		if at, ok := reachable(k.addr); ok {
			if err := s.checkSocket(ctx, at); err != nil {
				return fmt.Errorf("socket %s: %w", k.addr, err)
			}
		}
	}
	return nil
}

func (s *Stack) checkSocket(ctx context.Context, at netip.AddrPort) error {
	s.guests.add(at.Addr())
	defer s.guests.drop(at.Addr())
	host := at.Addr().String()
	if at.Addr().Is6() {
		host = "[" + host + "]"
	}
	req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: host, Port: int(at.Port())})
	s.fillRequest(req, host)
	id := req.CallID().Value()
	s.checks.Store(id, nil)
	defer s.checks.Delete(id)
	_, err := s.Do(ctx, req, resolve.Target{Transport: "udp", Addr: at})
	var lost *net.OpError
	if errors.As(err, &lost) {
		return nil // it could not be sent: that is the network's state, not ours
	}
	return err
}

// isCheck reports whether a request is one of Check's.
func (s *Stack) isCheck(req *sip.Request) bool {
	_, ok := s.checks.Load(req.CallID().Value())
	return ok && req.Method == sip.OPTIONS
}

// reachable is where a socket of ours can be reached from this host.
func reachable(a netip.AddrPort) (netip.AddrPort, bool) {
	switch addr := a.Addr(); {
	case addr.IsLoopback():
		return a, true
	case addr.IsUnspecified() && addr.Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()), true
	case addr.IsUnspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port()), true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return a, false
	}
	for _, o := range own {
		if n, ok := o.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a.Addr() {
				return a, true
			}
		}
	}
	return a, false
}
