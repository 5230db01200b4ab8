package contacts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// numbers makes telephone numbers comparable.
type numbers struct {
	region string // of numbers without a country code; empty: none
}

const (
	longestNumber = 128 // bytes of one as written
	// leastForeign is the fewest digits that are tried as a country code with a number.
	leastForeign = 8
)

// key is a number as it is compared: E.164 where it is a valid number, else its digits and letters. Empty:
// there is nothing to compare.
//
// A number without + is one of the region; where it is none, trunks often leave out the + of a foreign
// one. Without a region only a number with + is taken for one of a country.
func (n numbers) key(raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" || len(raw) > longestNumber {
		return ""
	}
	plain := bare(raw)
	if startsNumber(plain) {
		if e := n.e164(raw); e != "" {
			return e
		}
		if n.region != "" && len(plain) >= leastForeign && strings.Trim(plain, "0123456789") == "" {
			if e := n.e164("+" + plain); e != "" {
				return e
			}
		}
	}
	return plain
}

// startsNumber keeps digits somewhere in a SIP user's name from being taken for a number.
func startsNumber(plain string) bool {
	r, _ := utf8.DecodeRuneInString(plain)
	return r == '+' || r == '＋' || unicode.IsDigit(r)
}

// e164 is a valid number in that form; empty: it is none.
func (n numbers) e164(raw string) string {
	region := n.region
	if region == "" {
		region = phonenumbers.UNKNOWN_REGION
	}
	p, err := phonenumbers.Parse(raw, region)
	if err != nil || !phonenumbers.IsValidNumber(p) {
		return ""
	}
	return phonenumbers.Format(p, phonenumbers.E164)
}

// bare takes out what people write between digits.
func bare(raw string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), strings.ContainsRune("-().[]/", r), unicode.Is(unicode.Pd, r):
			return -1
		}
		return unicode.ToLower(r)
	}, strings.TrimPrefix(raw, "tel:"))
}

// digitsOf are the digits of a text that is nothing but a number or a part of one; empty otherwise.
func digitsOf(text string) string {
	b := strings.TrimPrefix(bare(text), "+")
	if b == "" || strings.Trim(b, "0123456789") != "" {
		return ""
	}
	return b
}
