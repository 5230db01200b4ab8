// Package resolve finds where to send a SIP request (RFC 3263): literal
// addresses, SRV with priority and weight, A and AAAA, a cache, and a list of
// targets for failover in which dead ones come last.
//
// NAPTR is done when the injected resolver can look it up (the NAPTRResolver
// interface); Go's own resolver cannot, and then the transport is the one
// given in the URI, else the SRV records of each enabled transport are asked
// in the order udp, tcp, tls, as RFC 3263 §4.1 allows without NAPTR.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"
)

// ErrNoTarget is returned when a name has no usable address.
var ErrNoTarget = errors.New("no target address found")

// ErrBadURI is returned for a URI that cannot be resolved as it stands.
var ErrBadURI = errors.New("uri cannot be resolved")

// URI is what RFC 3263 needs of a SIP URI.
type URI struct {
	Secure    bool   // sips
	Host      string // domain name or literal address, IPv6 with or without brackets
	Port      uint16 // 0 when the URI has none
	Transport string // "udp", "tcp", "tls" or "" when the URI has none
}

// String gives the URI without a user part.
func (u URI) String() string {
	var b strings.Builder
	b.WriteString("sip")
	if u.Secure {
		b.WriteByte('s')
	}
	b.WriteByte(':')
	if strings.Contains(u.Host, ":") && !strings.HasPrefix(u.Host, "[") {
		b.WriteString("[" + u.Host + "]")
	} else {
		b.WriteString(u.Host)
	}
	if u.Port != 0 {
		fmt.Fprintf(&b, ":%d", u.Port)
	}
	if u.Transport != "" {
		b.WriteString(";transport=" + u.Transport)
	}
	return b.String()
}

// Target is one place to send to.
type Target struct {
	Transport string // "udp", "tcp" or "tls"
	Addr      netip.AddrPort
	Name      string // the URI's host: what a TLS certificate must be for (RFC 5922 §4)
}

// Zero reports whether the target is not set.
func (t Target) Zero() bool { return t == Target{} }

// String is for logs: transport and address.
func (t Target) String() string { return t.Transport + ":" + t.Addr.String() }

// Resolver looks up DNS records; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// NAPTR is one NAPTR record (RFC 3403 §4.1).
type NAPTR struct {
	Order, Preference    uint16
	Flags, Service, Repl string
}

// NAPTRResolver is implemented by resolvers that know NAPTR.
type NAPTRResolver interface {
	LookupNAPTR(ctx context.Context, name string) ([]NAPTR, error)
}

// Config configures a Cache. The zero value is usable.
type Config struct {
	DNS        Resolver         // default net.DefaultResolver
	Transports []string         // enabled transports in order of preference, default udp, tcp, tls
	IPv4, IPv6 bool             // families to use; neither set means both
	TTL        time.Duration    // answers are kept this long, default 60 s (Go's resolver hides the record's TTL)
	Negative   time.Duration    // failures are kept this long, default 5 s
	Stale      time.Duration    // an old answer serves this much longer while DNS fails, default 1 h
	DeadFor    time.Duration    // default time a target counts as dead, 30 s
	Now        func() time.Time // default time.Now
	Float      func() float64   // random in [0,1) for weights, default math/rand/v2
}

func (c Config) withDefaults() Config {
	if c.DNS == nil {
		c.DNS = net.DefaultResolver
	}
	if len(c.Transports) == 0 {
		c.Transports = []string{"udp", "tcp", "tls"}
	}
	if !c.IPv4 && !c.IPv6 {
		c.IPv4, c.IPv6 = true, true
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.TTL, time.Minute)
	set(&c.Negative, 5*time.Second)
	set(&c.Stale, time.Hour)
	set(&c.DeadFor, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Float == nil {
		c.Float = rand.Float64
	}
	return c
}
