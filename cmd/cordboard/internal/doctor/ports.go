package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"cordboard/configs"
)

// mostPairs is how many media port pairs are tried, spread over the range.
const mostPairs = 256

// ports tries the SIP listeners.
func (v *visit) ports(ctx context.Context) {
	if len(v.cfg.SIP.Listen) == 0 {
		v.fail("ports", "nothing listens for SIP", "add sip.listen, for example [udp://0.0.0.0:5060]")
	}
	for _, l := range v.cfg.SIP.Listen {
		err := tryListen(ctx, l)
		switch {
		case err == nil:
			v.ok("ports", l.String()+" is free")
		case v.running && errors.Is(err, syscall.EADDRINUSE):
			v.ok("ports", l.String()+" is in use by the running daemon")
		default:
			v.fail("ports", fmt.Sprintf("%s: %v", l, cause(err)), bindAdvice(err, "sip.listen", l.Addr.Port()))
		}
	}
}

func tryListen(ctx context.Context, l configs.Listen) error {
	var lc net.ListenConfig
	if l.Network == "udp" {
		return tryPacket(ctx, l.Addr)
	}
	s, err := lc.Listen(ctx, "tcp", l.Addr.String())
	if err != nil {
		return err
	}
	return s.Close()
}

func tryPacket(ctx context.Context, addr netip.AddrPort) error {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return err
	}
	return c.Close()
}

func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func bindAdvice(err error, key string, port uint16) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("stop what uses port %d (ss -lunpt 'sport = :%d'), or change %s", port, port, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "the address is not on this host (ip addr): change " + key
	case errors.Is(err, syscall.EACCES):
		return "the port needs CAP_NET_BIND_SERVICE, or use one above 1023"
	}
	return "change " + key
}

// media tries a sample of the media ports and compares their number with the limits.
func (v *visit) media(ctx context.Context) {
	r, bind := v.cfg.RTP.Ports, v.cfg.RTP.Bind
	first := (int(r.Min) + 1) &^ 1
	step := max(1, r.Pairs()/mostPairs)
	tried, busy, firstBusy := 0, 0, uint16(0)
	for i := 0; i < r.Pairs(); i += step {
		for _, port := range []int{first + 2*i, first + 2*i + 1} {
			err := tryPacket(ctx, netip.AddrPortFrom(bind, uint16(port)))
			tried++
			switch {
			case err == nil:
			case errors.Is(err, syscall.EADDRINUSE):
				if busy++; firstBusy == 0 {
					firstBusy = uint16(port)
				}
			default:
				v.fail("media", fmt.Sprintf("%s, port %d: %v", bind, port, cause(err)), bindAdvice(err, "rtp.bind or rtp.ports", uint16(port)))
				return
			}
		}
	}
	v.mediaResult(tried, busy, firstBusy)
	v.mediaRoom()
}

func (v *visit) mediaResult(tried, busy int, firstBusy uint16) {
	r := v.cfg.RTP.Ports
	switch {
	case busy == 0 || v.running:
		v.ok("media", fmt.Sprintf("ports %s on %s can be used (%d tried)", r, v.cfg.RTP.Bind, tried))
	case busy == tried:
		v.fail("media", fmt.Sprintf("all of %d ports tried in %s are in use", tried, r), bindAdvice(syscall.EADDRINUSE, "rtp.ports", firstBusy))
	default:
		v.warn("media", fmt.Sprintf("%d of %d ports tried in %s are in use, first %d", busy, tried, r, firstBusy), bindAdvice(syscall.EADDRINUSE, "rtp.ports", firstBusy))
	}
}

// mediaRoom compares the range with the limits and with the ports the system hands out itself.
func (v *visit) mediaRoom() {
	r := v.cfg.RTP.Ports
	if legs := v.cfg.Limits.MaxLegs; r.Pairs() < legs {
		v.warn("media", fmt.Sprintf("ports %s have room for %d legs, limits.max_legs is %d", r, r.Pairs(), legs),
			fmt.Sprintf("widen rtp.ports to %d ports, or lower limits.max_legs", 2*legs))
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return // no such file on this system: nothing to compare
	}
	f := strings.Fields(string(text))
	if len(f) != 2 {
		return
	}
	low, errLow := strconv.Atoi(f[0])
	high, errHigh := strconv.Atoi(f[1])
	if errLow == nil && errHigh == nil && int(r.Min) <= high && low <= int(r.Max) {
		v.warn("media", fmt.Sprintf("ports %s overlap the ones the system hands out itself (%d-%d)", r, low, high),
			"change rtp.ports, or set net.ipv4.ip_local_reserved_ports="+r.String())
	}
}
