package configs

import (
	"fmt"
	"strings"
)

// Pattern is a set of dialled numbers: a prefix ("+380", or "+" for every
// international number), a fixed length with x for any digit ("1xxx"), or
// everything ("*").
type Pattern string

// ParsePattern reads a pattern.
func ParsePattern(s string) (Pattern, error) {
	if s == "*" {
		return Pattern(s), nil
	}
	head := strings.TrimRight(s, "x")
	digits := strings.TrimPrefix(head, "+")
	if len(s) > 32 || s == "" || strings.Trim(digits, "0123456789*#") != "" {
		return "", fmt.Errorf("%q is not a number pattern", s)
	}
	return Pattern(s), nil
}

// Matches reports whether the number is in the set. The number is compared as
// dialled: +380… and 00380… are different numbers.
func (p Pattern) Matches(number string) bool {
	if p == "*" {
		return number != ""
	}
	head := strings.TrimRight(string(p), "x")
	rest, ok := strings.CutPrefix(number, head)
	if !ok {
		return false
	}
	if len(head) == len(p) {
		return true
	}
	return len(rest) == len(p)-len(head) && strings.Trim(rest, "0123456789") == ""
}

// Allows reports whether the policy lets the number be dialled. Whatever no
// pattern allows is refused.
func (d Dial) Allows(number string) bool {
	for _, p := range d.Deny {
		if p.Matches(number) {
			return false
		}
	}
	for _, p := range d.Allow {
		if p.Matches(number) {
			return true
		}
	}
	return false
}
