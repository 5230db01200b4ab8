package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"cordboard/configs"
)

// address looks at what peers are told to answer to: is it given where it is needed, is it this host's,
// and does the way to each trunk begin there.
func (v *visit) address(ctx context.Context) {
	own, err := ownAddresses()
	if err != nil {
		v.warn("address", err.Error(), "nothing was compared: look yourself whether sip.advertise and rtp.advertise are this host's (ip addr)")
		return
	}
	told := v.told()
	for _, t := range told {
		v.oneAddress(t.key, t.addr, own)
	}
	for _, t := range v.cfg.Trunks {
		v.route(ctx, t, told[0].addr, own)
	}
}

type told struct {
	key  string
	addr netip.Addr
}

// told are the addresses in Via and Contact, and in SDP.
func (v *visit) told() []told {
	sip := told{"sip.advertise", v.cfg.SIP.Advertise}
	if !sip.addr.IsValid() && len(v.cfg.SIP.Listen) > 0 {
		sip = told{"sip.listen", v.cfg.SIP.Listen[0].Addr.Addr()}
	}
	rtp := told{"rtp.advertise", v.cfg.RTP.Advertise}
	if !rtp.addr.IsValid() {
		if rtp = sip; !v.cfg.SIP.Advertise.IsValid() && !v.cfg.RTP.Bind.IsUnspecified() {
			rtp = told{"rtp.bind", v.cfg.RTP.Bind}
		}
	}
	if rtp == sip {
		return []told{sip}
	}
	return []told{sip, rtp}
}

func (v *visit) oneAddress(key string, a netip.Addr, own []netip.Addr) {
	switch {
	case !a.IsValid() || a.IsUnspecified():
		v.fail("address", fmt.Sprintf("peers would be told %s (%s)", a, key), "set sip.advertise to this host's address as its peers see it")
	case a.IsMulticast():
		v.fail("address", fmt.Sprintf("%s is %s, a multicast address", key, a), "set it to this host's address as its peers see it")
	case slices.Contains(own, a.Unmap()):
		v.ok("address", fmt.Sprintf("%s %s is this host's", key, a))
	case a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast():
		v.fail("address", fmt.Sprintf("%s %s is on no interface of this host, nor a public address", key, a), fmt.Sprintf("set it to one of %v", own))
	default:
		v.warn("address", fmt.Sprintf("%s %s is on no interface of this host", key, a), "right only behind a NAT that forwards the SIP and media ports to here")
	}
}

// route compares the advertised address with the one from which packets to a trunk would start.
func (v *visit) route(ctx context.Context, t configs.Trunk, advertised netip.Addr, own []netip.Addr) {
	server, err := netip.ParseAddr(t.Server.Host)
	if err != nil {
		return // a name: the register check resolves it
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", netip.AddrPortFrom(server, 5060).String()) // sends nothing
	if err != nil {
		v.fail("address", fmt.Sprintf("trunk %s: no way to %s: %v", t.Name, server, cause(err)), "check trunks.server and this host's routes")
		return
	}
	defer c.Close()
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return
	}
	from := local.Addr().Unmap()
	switch {
	case advertised.IsLoopback() && !server.IsLoopback():
		v.fail("address", fmt.Sprintf("trunk %s at %s would be told the loopback address %s", t.Name, server, advertised), "set sip.advertise to "+from.String())
	case from != advertised.Unmap() && slices.Contains(own, advertised.Unmap()):
		v.warn("address", fmt.Sprintf("packets to trunk %s start at %s, but it is told %s", t.Name, from, advertised), "set sip.advertise to "+from.String()+" unless both reach this host")
	}
}

func ownAddresses() ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	var own []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				own = append(own, ip.Unmap())
			}
		}
	}
	return own, nil
}
