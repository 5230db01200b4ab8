package resolve

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	lookupTimeout = 10 * time.Second
	maxTargets    = 16 // addresses kept of one name
)

// normal checks a URI and brings it to one spelling.
func (u URI) normal() (URI, error) {
	u.Host = strings.ToLower(strings.TrimSuffix(strings.Trim(u.Host, "[]"), "."))
	u.Transport = strings.ToLower(u.Transport)
	switch u.Transport {
	case "", "udp", "tcp", "tls":
	default:
		return u, fmt.Errorf("%w: transport %q", ErrBadURI, u.Transport)
	}
	if u.Secure && u.Transport == "udp" {
		return u, fmt.Errorf("%w: sips over udp", ErrBadURI)
	}
	if u.Secure {
		u.Transport = "tls" // RFC 5630: sips over tcp means TLS
	}
	if _, err := netip.ParseAddr(u.Host); err != nil && !validName(u.Host) {
		return u, fmt.Errorf("%w: host name", ErrBadURI)
	}
	return u, nil
}

// validName reports whether s can be asked in DNS.
func validName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := 0; i < len(label); i++ {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// literal answers for a host that is an address already (RFC 3263 §4.1, §4.2);
// ok is false for names.
func (u URI) literal(enabled []string) (records []record, ok bool, err error) {
	ip, err := netip.ParseAddr(u.Host)
	if err != nil {
		return nil, false, nil
	}
	transport := u.Transport
	if transport == "" {
		transport = enabled[0]
	}
	if !slices.Contains(enabled, transport) {
		return nil, true, fmt.Errorf("%w: transport %s is not enabled", ErrNoTarget, transport)
	}
	t := Target{Transport: transport, Addr: netip.AddrPortFrom(ip.Unmap(), portOr(u.Port, transport)), Name: u.Host}
	return []record{{target: t}}, true, nil
}

func portOr(port uint16, transport string) uint16 {
	switch {
	case port != 0:
		return port
	case transport == "tls":
		return 5061
	}
	return 5060
}

// lookup asks DNS as RFC 3263 §4 says.
func (c *Cache) lookup(ctx context.Context, u URI) ([]record, error) {
	if u.Transport != "" && !slices.Contains(c.cfg.Transports, u.Transport) {
		return nil, fmt.Errorf("%w: transport %s is not enabled", ErrNoTarget, u.Transport)
	}
	if u.Port != 0 { // §4.2: an explicit port means A and AAAA only
		transport := u.Transport
		if transport == "" {
			transport = c.cfg.Transports[0]
		}
		return c.addresses(ctx, u.Host, u.Host, u.Port, transport, 0)
	}
	for _, s := range c.services(ctx, u) {
		records, err := c.srv(ctx, s, u.Host)
		if len(records) > 0 || err != nil {
			return records, err
		}
	}
	transport := u.Transport // §4.2: no SRV at all, A and AAAA with the default port
	if transport == "" {
		transport = c.cfg.Transports[0]
	}
	return c.addresses(ctx, u.Host, u.Host, portOr(0, transport), transport, 0)
}

// service is one SRV name to ask; name is complete, as "_sip._udp.example.org".
type service struct{ name, transport string }

// services gives the SRV names to ask, best first.
func (c *Cache) services(ctx context.Context, u URI) []service {
	if u.Transport != "" {
		return []service{srvService(u.Transport, u.Host)}
	}
	if n, ok := c.cfg.DNS.(NAPTRResolver); ok {
		if out := c.naptr(ctx, n, u.Host); len(out) > 0 {
			return out
		}
	}
	out := make([]service, 0, len(c.cfg.Transports))
	for _, t := range c.cfg.Transports {
		out = append(out, srvService(t, u.Host))
	}
	return out
}

func srvService(transport, host string) service {
	switch transport {
	case "tls":
		return service{"_sips._tcp." + host, transport}
	case "tcp":
		return service{"_sip._tcp." + host, transport}
	}
	return service{"_sip._udp." + host, transport}
}

// naptr gives the services of the NAPTR records whose transport is enabled.
func (c *Cache) naptr(ctx context.Context, r NAPTRResolver, host string) []service {
	records, err := r.LookupNAPTR(ctx, host)
	if err != nil {
		return nil
	}
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	var out []service
	for _, n := range records {
		var transport string
		switch strings.ToUpper(n.Service) {
		case "SIP+D2U":
			transport = "udp"
		case "SIP+D2T":
			transport = "tcp"
		case "SIPS+D2T":
			transport = "tls"
		}
		name := strings.ToLower(strings.TrimSuffix(n.Repl, "."))
		if strings.EqualFold(n.Flags, "s") && validName(name) && slices.Contains(c.cfg.Transports, transport) {
			out = append(out, service{name, transport})
		}
	}
	return out
}

// srv asks one SRV name and the addresses behind it. No records is not an
// error; records without any address are.
func (c *Cache) srv(ctx context.Context, s service, host string) ([]record, error) {
	_, answers, err := c.cfg.DNS.LookupSRV(ctx, "", "", s.name)
	if len(answers) == 0 {
		if err != nil && !notFound(err) {
			return nil, fmt.Errorf("look up srv %s: %w", s.name, err)
		}
		return nil, nil
	}
	answers = slices.Clone(answers)
	slices.SortStableFunc(answers, func(a, b *net.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	var out []record
	var last error
	refused := false
	for _, a := range answers {
		name := strings.TrimSuffix(a.Target, ".")
		if name == "" { // RFC 2782: "." means the service is decidedly not there
			refused = true
			continue
		}
		more, err := c.addresses(ctx, name, host, a.Port, s.transport, a.Weight)
		if err != nil {
			last = err
			continue
		}
		for i := range more {
			more[i].priority = a.Priority
		}
		if out = append(out, more...); len(out) >= maxTargets {
			return out[:maxTargets], nil
		}
	}
	if len(out) == 0 {
		if last == nil && refused {
			last = fmt.Errorf("%w: %s is not offered", ErrNoTarget, s.name)
		}
		return nil, last
	}
	return out, nil
}

// addresses asks A and AAAA of one name. The records share one group: the
// order of a name's addresses is kept.
func (c *Cache) addresses(ctx context.Context, name, host string, port uint16, transport string, weight uint16) ([]record, error) {
	network := "ip"
	switch {
	case c.cfg.IPv4 && !c.cfg.IPv6:
		network = "ip4"
	case c.cfg.IPv6 && !c.cfg.IPv4:
		network = "ip6"
	}
	ips, err := c.cfg.DNS.LookupNetIP(ctx, network, name)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	var out []record
	for _, ip := range ips[:min(len(ips), maxTargets)] {
		t := Target{Transport: transport, Addr: netip.AddrPortFrom(ip.Unmap(), port), Name: host}
		out = append(out, record{target: t, weight: weight, group: name})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoTarget, name)
	}
	return out, nil
}
