package callcontrol

import (
	"errors"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]Number{
		"200": "200", "+380441234567": "+380441234567", "*72#": "*72#", "anna.k": "anna.k", " 42 ": "42", "5,,1": "5,,1",
	} {
		if got, err := ParseNumber(in); err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	long := make([]byte, MaxNumber+1)
	for i := range long {
		long[i] = '1'
	}
	for _, in := range []string{"", " ", "2 0", "1+2", "200\r\nX: y", "2\x000", "\x7f", "a@b", "<200>", "sip:200", "200;x", "\xff", "٣", string(long)} {
		if got, err := ParseNumber(in); !errors.Is(err, ErrBadNumber) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("+380 44")
	f.Add("a\r\nb")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if !n.valid() || CheckText(string(n)) != nil || len(n) > MaxNumber {
			t.Errorf("%q gave %q", s, n)
		}
	})
}

func TestCheckText(t *testing.T) {
	for _, s := range []string{"", "Ганна", "a b"} {
		if err := CheckText(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"a\r", "a\n", "a\x00", "\x1b[0m", "\x85", "\u0085", "\xff\xfe"} {
		if err := CheckText(s); !errors.Is(err, ErrBadText) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

var allCauses = []Cause{
	CauseNormal, CauseCancelled, CauseBusy, CauseNoAnswer, CauseRejected, CauseBadNumber, CauseUnavailable, CauseForbidden,
	CauseNotAcceptable, CauseCongestion, CauseFailure, CauseTimeout, CauseMediaLost, CauseDeviceLost, CauseNoDevice, CauseDraining,
	CauseHoldLimit, CauseTransferred, CauseReplaced, CauseInternal, CauseGatewayRestart,
}

// TestCauses: every cause has a status and a Q.850 value, every failure status has a cause, and the
// causes that a person hears about come through a SIP hop unchanged.
func TestCauses(t *testing.T) {
	for _, c := range allCauses {
		if s := statusOfCause[c]; s < 400 || s > 699 {
			t.Errorf("%s has status %d", c, s)
		}
		if v, ok := q850OfCause[c]; !ok || v != Q850Of(c) || v < 1 || v > 127 {
			t.Errorf("%s has Q.850 value %d", c, v)
		}
	}
	if len(statusOfCause) != len(allCauses) || len(q850OfCause) != len(allCauses) {
		t.Error("a cause is missing in this test")
	}
	for s := 300; s < 700; s++ {
		if CauseOf(s) == "" {
			t.Errorf("%d has no cause", s)
		}
	}
	for _, c := range []Cause{CauseBusy, CauseRejected, CauseBadNumber, CauseForbidden, CauseNotAcceptable, CauseCongestion, CauseUnavailable, CauseTimeout, CauseCancelled} {
		if got := CauseOf(StatusOf(c)); got != c {
			t.Errorf("%s came back as %s", c, got)
		}
	}
	for status, want := range map[int]Cause{480: CauseNoAnswer, 408: CauseNoAnswer, 486: CauseBusy, 699: CauseRejected, 499: CauseFailure} {
		if got := causeAfter(LegAlerting, status); got != want {
			t.Errorf("%d after alerting: %s, want %s", status, got, want)
		}
	}
	if got := causeAfter(LegInitiated, 480); got != CauseUnavailable {
		t.Errorf("480 before alerting: %s", got)
	}
	if StatusOf("no such cause") != 480 || Q850Of("no such cause") != 31 {
		t.Error("an unknown cause has no fallback")
	}
}
