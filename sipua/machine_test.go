package sipua

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("state chart differs from %s (%v); run the test with -update and review", file, err)
	}
}

// TestCallChart prints every state × input pair; the golden file is the reviewable chart.
func TestCallChart(t *testing.T) {
	var b strings.Builder
	for s := stCalling; s < stateCount; s++ {
		for in := callInput(1); in < inputCount; in++ {
			to, acts, ok := nextCall(s, in)
			if !ok {
				fmt.Fprintf(&b, "%s + %s: ignored\n", s, in)
				if to != s || acts != nil {
					t.Errorf("%s + %s: ignored, yet something happens", s, in)
				}
				continue
			}
			fmt.Fprintf(&b, "%s + %s -> %s %v\n", s, in, to, acts)
			checkCall(t, s, in, to, acts)
		}
	}
	golden(t, "testdata/call.golden", b.String())
}

func checkCall(t *testing.T, s callState, in callInput, to callState, acts []callAction) {
	t.Helper()
	last := 0
	for _, a := range acts {
		switch a {
		case actEmitEnded, actEmitRejected:
			last++
		case actBye:
			if s == stAnswered && in != inAckUnusable && in != inAckTimeout {
				t.Errorf("%s + %s: BYE before the ACK", s, in)
			}
		case actCancel:
			if s == stCalling {
				t.Errorf("%s + %s: CANCEL before a 1xx", s, in)
			}
		}
	}
	if ends := to == stEnded && s != stEnded; ends != (last == 1) {
		t.Errorf("%s + %s -> %s: told %d times", s, in, to, last)
	}
	if s == stEnded && to != stEnded {
		t.Errorf("ended is not absorbing for %s", in)
	}
}

func TestOfferChart(t *testing.T) {
	var b strings.Builder
	for s := osOpening; s < offerStateCount; s++ {
		for _, wanted := range []bool{false, true} {
			for in := offerInput(1); in < offerInputCount; in++ {
				m := offerMachine{s, wanted}
				to, acts := m.next(in)
				fmt.Fprintf(&b, "%s wanted=%v + %s -> %s wanted=%v %v\n", s, wanted, in, to.state, to.wanted, acts)
				if wanted && !to.wanted && to.state != osSent && to.state != osRetryWait {
					t.Errorf("%s + %s: the wish is lost", s, in)
				}
			}
		}
	}
	golden(t, "testdata/offer.golden", b.String())
}

func TestSessionTimer(t *testing.T) {
	const h = time.Hour
	for _, tc := range []struct {
		o        sessionOffer
		wanted   time.Duration
		interval time.Duration
		ours     bool
		small    bool
	}{
		{sessionOffer{}, h / 2, h / 2, true, false},
		{sessionOffer{}, 0, 0, false, false},
		{sessionOffer{expires: h, supported: true}, h / 2, h / 2, false, false},
		{sessionOffer{expires: h, minSE: h, supported: true, refresher: "uas"}, h / 2, h, true, false},
		{sessionOffer{expires: time.Minute, supported: true}, h / 2, 0, false, true},
		{sessionOffer{expires: time.Minute}, h / 2, time.Minute, true, false},
	} {
		got, small := acceptSession(tc.o, tc.wanted, 90*time.Second)
		if got.interval != tc.interval || got.ours != tc.ours && tc.interval > 0 || small != tc.small {
			t.Errorf("%+v: %+v small=%v", tc.o, got, small)
		}
	}
	if w := (sessionTimer{interval: 90 * time.Second}).wait(); w != 60*time.Second {
		t.Errorf("other side gives up after %v", w)
	}
}
