package line

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Random inputs never break the machine's promises.
func TestMachineInvariants(t *testing.T) {
	for range 10 {
		rapid.Check(t, walk)
	}
}

// walk feeds one random sequence.
func walk(t *rapid.T) {
	m, now, stopped := machine{phase: Idle}, epoch, false
	pending := false // one REGISTER is under way
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		in := chartInputs()[rapid.IntRange(0, len(chartInputs())-1).Draw(t, "input")].in
		answers := in.kind == inOK || in.kind == inChallenged || in.kind == inBrief ||
			in.kind == inLost || in.kind == inBusy || in.kind == inRefused
		if answers && !pending || in.queued && !pending {
			continue
		}
		now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
		in.now, in.roll = now, rapid.Float64Range(0, 0.999).Draw(t, "roll")
		if answers {
			pending = false
		}
		before := m
		var e effect
		m, e = next(m, in, testLimits)
		stopped = in.kind == inStop || stopped && in.kind != inStart
		if e.drop {
			pending = false
		}
		if e.send {
			if pending {
				t.Fatalf("%v: two REGISTER requests under way", in.kind)
			}
			pending = true
		}
		underway := m.phase == Registering || m.phase == Refreshing || m.phase == Unregistering
		switch {
		case underway != pending:
			t.Fatalf("phase %v, REGISTER under way: %t", m.phase, pending)
		case before.phase == Gone && m.phase != Gone:
			t.Fatal("the end state was left")
		case (m.phase == Registered || m.phase == Refreshing) && !m.bound:
			t.Fatalf("phase %v without a binding", m.phase)
		case (m.phase == Registered || m.phase == BackingOff || m.phase == Parked) && e.arm.IsZero():
			t.Fatalf("phase %v would wait for ever", m.phase)
		case stopped && before.phase != Gone && !underway && m.phase != Gone && m.phase != Idle && in.kind == inStop:
			t.Fatalf("phase %v after stop", m.phase)
		case m.phase == Registered && (m.next.Before(now.Add(m.until.Sub(now)/2)) && in.kind == inOK || m.next.After(m.until)):
			t.Fatal("refresh outside 50 to 90 % of the life")
		}
	}
}

func TestBackoff(t *testing.T) {
	lim := limits{backoffBase: 30 * time.Second, backoffMax: 30 * time.Minute}
	for _, tt := range []struct {
		failures  uint16
		low, high time.Duration
	}{
		{1, 30 * time.Second, time.Minute}, {2, time.Minute, 2 * time.Minute}, {5, 8 * time.Minute, 16 * time.Minute},
		{6, 15 * time.Minute, 30 * time.Minute}, {31, 15 * time.Minute, 30 * time.Minute}, {65535, 15 * time.Minute, 30 * time.Minute},
	} {
		if low, high := backoff(lim, tt.failures, 0), backoff(lim, tt.failures, 1); low != tt.low || high != tt.high {
			t.Errorf("%d failures: %v to %v, want %v to %v", tt.failures, low, high, tt.low, tt.high)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for status, want := range map[int]kind{
		300: inRefused, 302: inRefused, 400: inRefused, 403: inRefused, 404: inRefused, 408: inBusy, 420: inRefused,
		429: inBusy, 480: inBusy, 481: inRefused, 491: inBusy, 500: inBusy, 501: inRefused, 502: inBusy, 503: inLost,
		504: inBusy, 505: inRefused, 513: inRefused, 599: inBusy, 600: inRefused, 603: inRefused, 604: inRefused,
	} {
		if got := verdict(status); got != want {
			t.Errorf("status %d: %d, want %d", status, got, want)
		}
	}
}
