package rtp

import (
	"fmt"
	"strings"
	"time"
)

// Bounds and defaults of digits to send.
const (
	DefaultDigitDuration = 100 * time.Millisecond
	DefaultDigitGap      = 100 * time.Millisecond
	DefaultDigitPause    = 2 * time.Second // of a ','
	MinDigitDuration     = 40 * time.Millisecond
	MaxDigitDuration     = 60 * time.Second
	MaxDigitsQueued      = 256
)

// Digit is one telephone-event to send (RFC 4733), or a pause.
type Digit struct {
	Code     rune          // one of 0-9*#A-D (a-d are taken too), or ',' for a pause
	Duration time.Duration // of the event or the pause; 0 = DefaultDigitDuration, for ',' DefaultDigitPause
	Gap      time.Duration // silence after the event; 0 = DefaultDigitGap; not used for ','
}

// String keeps digits out of logs.
func (d Digit) String() string { return "digit" }

const digitCodes = "0123456789*#ABCD"

// eventCode gives the RFC 4733 §3.2 code of a digit.
func eventCode(r rune) (uint8, bool) {
	if r >= 'a' && r <= 'd' {
		r -= 'a' - 'A'
	}
	i := strings.IndexRune(digitCodes, r)
	return uint8(i), i >= 0
}

// normal fills in defaults and refuses what cannot be sent. The error names the position, never the digit.
func (d Digit) normal(i int) (Digit, error) {
	pause := d.Code == ','
	if d.Duration == 0 {
		d.Duration = DefaultDigitDuration
		if pause {
			d.Duration = DefaultDigitPause
		}
	}
	if d.Gap == 0 {
		d.Gap = DefaultDigitGap
	}
	if _, ok := eventCode(d.Code); !ok && !pause {
		return d, fmt.Errorf("digit %d: %w: want one of 0-9*#A-D or ','", i+1, ErrBadDigit)
	}
	if d.Duration < MinDigitDuration || d.Duration > MaxDigitDuration || d.Gap < 0 || d.Gap > MaxDigitDuration {
		return d, fmt.Errorf("digit %d: %w: duration wants %v to %v, gap at most %v", i+1, ErrBadDigit,
			MinDigitDuration, MaxDigitDuration, MaxDigitDuration)
	}
	return d, nil
}
