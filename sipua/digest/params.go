package digest

import (
	"errors"
	"fmt"
	"strings"
)

// Limits on what a peer may send in one header value.
const (
	maxHeader = 4096 // bytes
	maxParams = 32   // parameters of one challenge or of one set of credentials
)

// ErrMalformed is returned for a header that is not a challenge or a set of
// credentials (RFC 3261 §25.1, challenge and credentials).
var ErrMalformed = errors.New("malformed digest header")

type param struct {
	key   string // lower case
	value string // without quotes, escapes undone
}

// parseParams splits the auth-params of one header value without its scheme.
// Quoted strings may hold commas and escapes; unquoted values may hold
// anything up to a comma or white space, as peers send them.
func parseParams(s string) ([]param, error) {
	var out []param
	for {
		s = strings.TrimLeft(s, " \t\r\n,")
		if s == "" {
			return out, nil
		}
		if len(out) == maxParams {
			return nil, fmt.Errorf("%w: more than %d parameters", ErrMalformed, maxParams)
		}
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return nil, fmt.Errorf("%w: parameter without a value", ErrMalformed)
		}
		key := strings.ToLower(strings.TrimRight(s[:eq], " \t"))
		if !isToken(key) {
			return nil, fmt.Errorf("%w: parameter name", ErrMalformed)
		}
		for _, p := range out {
			if p.key == key {
				return nil, fmt.Errorf("%w: parameter %s repeated", ErrMalformed, key)
			}
		}
		value, rest, err := parseValue(strings.TrimLeft(s[eq+1:], " \t"))
		if err != nil {
			return nil, err
		}
		out = append(out, param{key: key, value: value})
		s = rest
	}
}

// parseValue reads one token or quoted-string and checks what follows it.
func parseValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t\r\n")
		if end < 0 {
			end = len(s)
		}
		value, rest = s[:end], s[end:]
		if !isClean(value) || strings.IndexByte(value, '"') >= 0 {
			return "", "", fmt.Errorf("%w: parameter value", ErrMalformed)
		}
		return value, rest, followed(rest)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			rest = s[i+1:]
			if value = b.String(); !isClean(value) {
				return "", "", fmt.Errorf("%w: control character", ErrMalformed)
			}
			return value, rest, followed(rest)
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("%w: quoted string without an end", ErrMalformed)
}

// followed checks that a value is followed by a comma or by nothing.
func followed(rest string) error {
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest != "" && rest[0] != ',' {
		return fmt.Errorf("%w: comma expected between parameters", ErrMalformed)
	}
	return nil
}

// cutScheme removes the "Digest" scheme; ok is false for any other scheme.
func cutScheme(s string) (rest string, ok bool) {
	const scheme = "digest"
	s = strings.TrimLeft(s, " \t")
	if len(s) <= len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return s, false
	}
	if c := s[len(scheme)]; c != ' ' && c != '\t' {
		return s, false
	}
	return s[len(scheme)+1:], true
}

// isToken reports whether s is a token of RFC 3261 §25.1.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isClean reports whether s has no control characters.
func isClean(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// quote writes s as a quoted-string.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
}
