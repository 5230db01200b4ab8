package configs

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// form is how a scalar type is written: its parser and how its text looks.
type form struct {
	parse   func(string) (any, error)
	looks   string // what to write, for messages
	pattern string // for the schema; empty: any text
}

var (
	secretType   = reflect.TypeFor[Secret]()
	argType      = reflect.TypeFor[Arg]()
	pathType     = reflect.TypeFor[Path]()
	durationType = reflect.TypeFor[time.Duration]()
)

// forms are the scalar types with a syntax of their own.
var forms = map[reflect.Type]form{
	reflect.TypeFor[Listen](): {
		parse: parser1(ParseListen), looks: "udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT, with an IP address (IPv6 in brackets)",
		pattern: `^(udp|tcp|tls)://.+:[0-9]+$`,
	},
	reflect.TypeFor[HostPort]():  {parse: parser1(ParseHostPort), looks: "ADDRESS:PORT, with an IP address (IPv6 in brackets)", pattern: `:[0-9]+$`},
	reflect.TypeFor[PortRange](): {parse: parser1(ParsePortRange), looks: "FIRST-LAST, two port numbers", pattern: `^[0-9]+ ?- ?[0-9]+$`},
	reflect.TypeFor[Mode]():      {parse: parser1(ParseMode), looks: "octal permission bits in quotes"},
	reflect.TypeFor[URI]():       {parse: parser1(ParseURI), looks: "sip:[USER@]HOST[:PORT][;transport=udp|tcp|tls]", pattern: `^sips?:`},
	reflect.TypeFor[Pattern](): {
		parse: parser1(ParsePattern), looks: "digits a number begins with (\"+380\"), digits and x for a fixed length (\"1xxx\"), or \"*\"",
	},
	reflect.TypeFor[netip.Addr]():   {parse: parser1(parseAddr), looks: "an IP address, without port or name"},
	reflect.TypeFor[netip.Prefix](): {parse: parser1(parsePrefix), looks: "a network as ADDRESS/BITS, or one IP address"},
	reflect.TypeFor[Size](): {
		parse: parser1(ParseSize), looks: "a whole number of bytes, or one with KiB, MiB, GiB or TiB", pattern: `^[0-9]+([KMGT]iB)?$`,
	},
	durationType: {parse: parser1(parseDuration), looks: "a number with its unit: ms, s, m or h", pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`},
}

// parser1 forgets the type a parser returns.
func parser1[T any](parse func(string) (T, error)) func(string) (any, error) {
	return func(s string) (any, error) { return parse(s) }
}

// isScalar reports whether values of the type are written as one word.
func isScalar(t reflect.Type) bool {
	if _, ok := forms[t]; ok {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	}
	return false
}

func parseAddr(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", s)
	}
	return addr.Unmap(), nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := parseAddr(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is not a network or an IP address", s)
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a network or an IP address", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q is an address inside %s, not a network: write %s, or %s/%d for the one address", s, p.Masked(), p.Masked(), p.Addr(), p.Addr().BitLen())
	}
	return p, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && (d == 0 || strings.Trim(s, "0123456789.hmsu") == "") && s != "0" {
		return d, nil
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return 0, fmt.Errorf("%q has no unit: %ss is %s seconds", s, s, s)
	}
	return 0, fmt.Errorf("%q is not a length of time", s)
}

// written is a value as it would be written in a file.
func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return shortDuration(x)
	case Secret:
		return redacted
	case fmt.Stringer:
		if v.IsZero() {
			return ""
		}
		return x.String()
	}
	switch v.Kind() {
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = written(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Float64:
		return fmt.Sprintf("%g", v.Float())
	}
	return fmt.Sprint(v.Interface())
}

// shortDuration writes 1h instead of 1h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
