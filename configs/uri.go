package configs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// URI is a SIP address of a server or a phone.
type URI struct {
	Scheme    string // sip or sips
	User      string // may be empty
	Host      string // name or IP address, IPv6 without brackets
	Port      uint16 // 0: by SRV records or the scheme's own
	Transport string // udp, tcp, tls; empty: by the scheme
}

// ParseURI reads sip:[USER@]HOST[:PORT][;transport=udp|tcp|tls].
func ParseURI(s string) (URI, error) {
	u := URI{}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || (scheme != "sip" && scheme != "sips") {
		return URI{}, fmt.Errorf("%q has no sip: or sips: in front", s)
	}
	u.Scheme = scheme
	rest, params, more := strings.Cut(rest, ";")
	if more && params == "" {
		return URI{}, fmt.Errorf("%q has nothing after the semicolon", s)
	}
	if user, host, found := strings.Cut(rest, "@"); found {
		if !validUser(user) {
			return URI{}, fmt.Errorf("%q is not a user part", user)
		}
		u.User, rest = user, host
	}
	if err := u.parseHost(rest); err != nil {
		return URI{}, err
	}
	if err := u.parseParams(params); err != nil {
		return URI{}, err
	}
	return u, nil
}

func (u *URI) parseHost(s string) error {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		inner, after, ok := strings.Cut(s[1:], "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() || (after != "" && after[0] != ':') {
			return fmt.Errorf("%q is not an IPv6 address in brackets", s)
		}
		host, port = inner, strings.TrimPrefix(after, ":")
		if after == ":" {
			return fmt.Errorf("%q has no port after the colon", s)
		}
	} else if h, p, found := strings.Cut(s, ":"); found {
		if p == "" || strings.Contains(p, ":") {
			return fmt.Errorf("%q is not HOST:PORT (an IPv6 address needs brackets)", s)
		}
		host, port = h, p
	}
	if !ValidHost(host) {
		return fmt.Errorf("%q is not a host name or IP address", host)
	}
	u.Host = host
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a port of 1 to 65535", port)
		}
		u.Port = uint16(n)
	}
	return nil
}

func (u *URI) parseParams(s string) error {
	if s == "" {
		return nil
	}
	for param := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(param, "=")
		if name != "transport" {
			return fmt.Errorf("parameter %q is not understood", name)
		}
		if value != "udp" && value != "tcp" && value != "tls" {
			return fmt.Errorf("transport %q is not known: it is udp, tcp or tls", value)
		}
		if u.Scheme == "sips" && value == "udp" {
			return fmt.Errorf("sips: cannot go over udp")
		}
		if u.Transport != "" {
			return fmt.Errorf("transport is given twice")
		}
		u.Transport = value
	}
	return nil
}

// Network is udp, tcp or tls: the transport, or the scheme's own.
func (u URI) Network() string {
	switch {
	case u.Scheme == "sips":
		return "tls"
	case u.Transport != "":
		return u.Transport
	default:
		return "udp"
	}
}

// port is the one that a host without SRV records is reached at (RFC 3263 §4.2).
func (u URI) port() uint16 {
	switch {
	case u.Port != 0:
		return u.Port
	case u.Network() == "tls":
		return 5061
	default:
		return 5060
	}
}

// Addr is the host as an IP address, when it is one.
func (u URI) Addr() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(u.Host)
	return addr, err == nil
}

// IsZero reports whether nothing is set.
func (u URI) IsZero() bool { return u.Host == "" }

// String is the form written in a file.
func (u URI) String() string {
	if u.IsZero() {
		return ""
	}
	var b strings.Builder
	b.WriteString(u.Scheme + ":")
	if u.User != "" {
		b.WriteString(u.User + "@")
	}
	if strings.Contains(u.Host, ":") {
		b.WriteString("[" + u.Host + "]")
	} else {
		b.WriteString(u.Host)
	}
	if u.Port != 0 {
		b.WriteString(":" + strconv.Itoa(int(u.Port)))
	}
	if u.Transport != "" {
		b.WriteString(";transport=" + u.Transport)
	}
	return b.String()
}

// MarshalText is String.
func (u URI) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// ValidHost reports whether s is a host name (RFC 1123) or an IP address.
func ValidHost(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Zone() == ""
	}
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	// A last label of digits only is a broken IP address (RFC 1123 §2.1).
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func validLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// validUser reports whether s may stand as a SIP user part without escapes
// (RFC 3261 §25.1: unreserved and user-unreserved).
func validUser(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && !strings.ContainsRune("-_.!~*'()&=+$,?/#", rune(c)) {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
