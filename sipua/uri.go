package sipua

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrBadURI says that text is not a SIP URI this package accepts.
var ErrBadURI = errors.New("bad sip uri")

// URI is a SIP or SIPS URI in parsed parts. Only what the daemon needs is kept: RFC 3261 §19.1.1.
type URI struct {
	Scheme    string // "sip" or "sips"; "" means "sip"
	User      string
	Host      string // name or IP literal, IPv6 without brackets
	Port      uint16 // 0: by DNS or the transport's default
	Transport string // "udp", "tcp", "tls" or "" (not said)
}

// String renders the URI, "sip:user@host:port;transport=tcp". It never contains CR or LF when the URI came from
// ParseURI or passed Validate.
func (u URI) String() string {
	var b strings.Builder
	if u.Scheme == "" {
		b.WriteString("sip")
	} else {
		b.WriteString(u.Scheme)
	}
	b.WriteByte(':')
	if u.User != "" {
		b.WriteString(escapeUser(u.User))
		b.WriteByte('@')
	}
	if strings.Contains(u.Host, ":") {
		b.WriteString("[" + u.Host + "]")
	} else {
		b.WriteString(u.Host)
	}
	if u.Port != 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(int(u.Port)))
	}
	if u.Transport != "" {
		b.WriteString(";transport=")
		b.WriteString(u.Transport)
	}
	return b.String()
}

// IsZero reports whether the URI is empty.
func (u URI) IsZero() bool { return u.Host == "" && u.User == "" }

// Addr returns host and port when the host is an IP literal.
func (u URI) Addr() (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(u.Host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := u.Port
	if port == 0 {
		port = defaultPort(u.network())
	}
	return netip.AddrPortFrom(a.Unmap(), port), true
}

// network is the transport the URI asks for: RFC 3263 §4.1 without NAPTR.
func (u URI) network() string {
	if u.Transport != "" {
		return u.Transport
	}
	if u.Scheme == "sips" {
		return "tls"
	}
	return "udp"
}

// Validate refuses parts that would not survive on the wire.
func (u URI) Validate() error {
	switch u.Scheme {
	case "", "sip", "sips":
	default:
		return fmt.Errorf("%w: scheme %q", ErrBadURI, clip(u.Scheme))
	}
	switch u.Transport {
	case "", "udp", "tcp", "tls":
	default:
		return fmt.Errorf("%w: transport %q", ErrBadURI, clip(u.Transport))
	}
	if !validHost(u.Host) {
		return fmt.Errorf("%w: host %q", ErrBadURI, clip(u.Host))
	}
	if !cleanText(u.User) || len(u.User) > maxUser {
		return fmt.Errorf("%w: user %q", ErrBadURI, clip(u.User))
	}
	return nil
}

// ParseURI reads "sip:user@host:port;transport=udp". Unknown parameters are ignored; anything that is not a SIP or SIPS
// URI is refused with an error wrapping ErrBadURI.
func ParseURI(s string) (URI, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "sip" && scheme != "sips" || len(s) > 1024 {
		return URI{}, fmt.Errorf("%w: %q", ErrBadURI, clip(s))
	}
	u := URI{Scheme: scheme}
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, _, _ := strings.Cut(rest[:i], ":") // a password is dropped: RFC 3261 §19.1.1
		user, _, _ = strings.Cut(user, ";")      // RFC 4904 trunk-group and the like
		if u.User, ok = unescapeUser(user); !ok {
			return URI{}, fmt.Errorf("%w: %q", ErrBadURI, clip(s))
		}
		rest = rest[i+1:]
	}
	hostport, params, _ := strings.Cut(rest, ";")
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(k, "transport") {
			u.Transport = strings.ToLower(v)
		}
	}
	if err := u.setHostPort(hostport); err != nil {
		return URI{}, err
	}
	if err := u.Validate(); err != nil {
		return URI{}, err
	}
	return u, nil
}

func (u *URI) setHostPort(hostport string) error {
	if a, err := netip.ParseAddr(strings.Trim(hostport, "[]")); err == nil && a.Zone() == "" {
		u.Host = a.String()
		return nil
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		u.Host = strings.ToLower(hostport)
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%w: port %q", ErrBadURI, clip(port))
	}
	u.Host, u.Port = strings.ToLower(host), uint16(n)
	return nil
}

func defaultPort(network string) uint16 {
	if network == "tls" {
		return 5061
	}
	return 5060
}
