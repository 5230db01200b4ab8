package callcontrol

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestInvariants drives desks of every policy with more than 100,000 random inputs: every second run
// evenly spread, from a seed; the others drawn one by one, which shrinks well. Every phase, transfer
// status and accepted verb must have been seen, or the test would prove little.
func TestInvariants(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		choice := rapid.IntRange(0, 1<<20)
		pick := func(n int) int { return choice.Draw(rt, "n") % n }
		if seed := rapid.Uint64().Draw(rt, "seed"); seed%2 == 0 {
			pick = rand.New(rand.NewPCG(seed, 1)).IntN
		}
		var dr *driver
		for i := range 1100 {
			if i%220 == 0 {
				dr = newDriver(pick)
			}
			if err := dr.step(dr.input()); err != nil {
				rt.Fatalf("%v\n%s\nafter:\n%s", err, chart(&dr.d), strings.Join(dr.trail[max(0, len(dr.trail)-40):], "\n"))
			}
			count(seen, dr)
		}
	})
	for _, p := range []Phase{
		PhaseOffered, PhaseAnswering, PhaseCalling, PhaseDialling, PhaseTone, PhaseTalking, PhaseHeld, PhaseConference, PhaseBridged,
		PhaseForwarding, PhaseRecall, PhaseReferring, PhaseReferred,
	} {
		if seen[string(p)] == 0 {
			t.Errorf("phase %s was never reached", p)
		}
	}
	for _, k := range Kinds {
		if seen["ok "+string(k)] == 0 {
			t.Errorf("verb %s was never accepted", k)
		}
	}
	if n := seen["inputs"]; n < 100_000 {
		t.Errorf("%d inputs, want 100,000 or more", n)
	}
	t.Log(seen)
}

func count(seen map[string]int, dr *driver) {
	seen["inputs"]++
	for _, c := range dr.d.calls {
		seen[string(c.phase)]++
	}
	for _, x := range dr.d.transfer {
		seen["transfer "+string(x.status)]++
	}
	if dr.d.device.lost > 0 {
		seen["lost"]++
	}
	if dr.accepted != "" {
		seen["ok "+string(dr.accepted)]++
	}
}

// FuzzDesk decodes bytes to inputs: each byte is one choice.
func FuzzDesk(f *testing.F) {
	f.Add([]byte("a call comes in, is answered, held, and consulted upon"))
	f.Add([]byte{0, 1, 0, 1, 0, 1, 0, 30, 5, 5, 0, 14, 0, 3, 3, 9, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 600 {
			return
		}
		i := 0
		dr := newDriver(func(n int) int {
			if i >= len(b) {
				return 0
			}
			i++
			return int(b[i-1]) % n
		})
		for i < len(b) {
			if err := dr.step(dr.input()); err != nil {
				t.Fatalf("%v\n%s\nafter:\n%s", err, chart(&dr.d), strings.Join(dr.trail, "\n"))
			}
		}
	})
}
