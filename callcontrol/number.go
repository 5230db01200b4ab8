package callcontrol

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Number is a dialled number or SIP user part, valid by construction: ParseNumber is the boundary.
type Number string

// MaxNumber is the longest number in bytes.
const MaxNumber = 64

// ErrBadNumber is returned for text that is not a number. Nothing is stripped but surrounding spaces.
var ErrBadNumber = errors.New("bad number")

// ParseNumber accepts digits, a leading +, * # , and the other characters that a SIP user part may
// carry unescaped (RFC 3261 §25.1 unreserved and user-unreserved, without ; ? / which begin
// parameters elsewhere). Control characters, CR, LF, NUL and invalid UTF-8 are refused, not stripped.
func ParseNumber(s string) (Number, error) {
	if s == "" || len(s) > MaxNumber || !utf8.ValidString(s) {
		return "", ErrBadNumber
	}
	s = strings.Trim(s, " ")
	if s == "" {
		return "", ErrBadNumber
	}
	for i := range len(s) {
		if !numberByte(s[i]) || (s[i] == '+' && i > 0) {
			return "", ErrBadNumber
		}
	}
	return Number(s), nil
}

func numberByte(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	}
	return strings.IndexByte("+*#,-_.!~'()&=$", c) >= 0
}

// valid reports whether n would pass ParseNumber unchanged.
func (n Number) valid() bool {
	p, err := ParseNumber(string(n))
	return err == nil && p == n
}

// ErrBadText is returned for names and values with control characters or invalid UTF-8.
var ErrBadText = errors.New("bad text")

// MaxText is the longest name or variable value in bytes.
const MaxText = 512

// CheckText refuses what must not reach a header: control characters (CR, LF and NUL among them),
// invalid UTF-8 and more than MaxText bytes.
func CheckText(s string) error {
	if len(s) > MaxText || !utf8.ValidString(s) {
		return ErrBadText
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ErrBadText
		}
	}
	return nil
}
