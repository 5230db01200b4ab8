package configs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Listen is one address on which SIP is spoken.
type Listen struct {
	Network string // udp, tcp or tls
	Addr    netip.AddrPort
}

// ParseListen reads NETWORK://ADDRESS:PORT.
func ParseListen(s string) (Listen, error) {
	network, rest, ok := strings.Cut(s, "://")
	if !ok {
		return Listen{}, fmt.Errorf("%q has no network in front", s)
	}
	if network != "udp" && network != "tcp" && network != "tls" {
		return Listen{}, fmt.Errorf("network %q is not known: it is udp, tcp or tls", network)
	}
	addr, err := netip.ParseAddrPort(rest)
	if err != nil {
		return Listen{}, fmt.Errorf("%q is not an IP address and a port", rest)
	}
	return Listen{Network: network, Addr: addr}, nil
}

// String is the form written in a file.
func (l Listen) String() string { return l.Network + "://" + l.Addr.String() }

// MarshalText is String.
func (l Listen) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// HostPort is an IP address and a port on which something listens.
type HostPort struct{ netip.AddrPort }

// ParseHostPort reads ADDRESS:PORT.
func ParseHostPort(s string) (HostPort, error) {
	addr, err := netip.ParseAddrPort(s)
	if err != nil {
		return HostPort{}, fmt.Errorf("%q is not an IP address and a port", s)
	}
	return HostPort{addr}, nil
}

// IsZero reports whether nothing is set.
func (h HostPort) IsZero() bool { return !h.IsValid() }

// PortRange is a range of UDP ports, both ends in it.
type PortRange struct{ Min, Max uint16 }

// ParsePortRange reads FIRST-LAST.
func ParsePortRange(s string) (PortRange, error) {
	first, last, ok := strings.Cut(s, "-")
	if !ok {
		return PortRange{}, fmt.Errorf("%q is not a range", s)
	}
	low, errLow := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	high, errHigh := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	switch {
	case errLow != nil || errHigh != nil:
		return PortRange{}, fmt.Errorf("%q is not two port numbers of 1 to 65535", s)
	case low > high:
		return PortRange{}, fmt.Errorf("%q ends before it begins", s)
	case low < 1024:
		return PortRange{}, fmt.Errorf("%q begins among the system's own ports", s)
	case high-low < 3:
		return PortRange{}, fmt.Errorf("%q has no room for one call (two legs, two ports each)", s)
	}
	return PortRange{Min: uint16(low), Max: uint16(high)}, nil
}

// Pairs is how many legs the range has room for.
func (r PortRange) Pairs() int {
	first := (int(r.Min) + 1) &^ 1
	return max(0, (int(r.Max)-first+1)/2)
}

// Contains reports whether the port is in the range.
func (r PortRange) Contains(port uint16) bool { return r.Min <= port && port <= r.Max }

// String is the form written in a file.
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.Min, r.Max) }

// MarshalText is String.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// IsZero reports whether nothing is set.
func (r PortRange) IsZero() bool { return r == PortRange{} }

// Mode is the permission bits of a file.
type Mode uint32

// ParseMode reads octal digits.
func ParseMode(s string) (Mode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is not octal permission bits", s)
	}
	return Mode(n), nil
}

// String is the form written in a file.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText is String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
