package sipua

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An UPDATE that tells an identity may be refused in a dialog without a session timer of ours: nothing is refreshed then,
// and the call goes on.
func TestRefusedUpdateStartsNoRefresh(t *testing.T) {
	for _, tc := range []struct {
		timer sessionTimer
		armed bool
	}{
		{sessionTimer{}, false}, {sessionTimer{ours: true}, false}, {sessionTimer{interval: 30 * time.Minute}, false},
		{sessionTimer{interval: 30 * time.Minute, ours: true}, true},
	} {
		for _, status := range []int{403, 405, 491, 500, 501} {
			c := (&Stack{}).newCore(func(e DialogEvent) { t.Errorf("event %+v", e) })
			c.state, c.timer = stEstablished, tc.timer
			c.refreshed(sip.NewResponse(status, ""), nil)
			if got := c.timers[tmSession] != nil; got != tc.armed {
				t.Errorf("%+v, %d: timer armed %v", tc.timer, status, got)
			}
			c.disarm(tmSession)
		}
	}
}

func TestNoSessionIsNeverDue(t *testing.T) {
	for _, ours := range []bool{false, true} {
		c := (&Stack{}).newCore(func(e DialogEvent) { t.Errorf("event %+v", e) })
		c.state, c.timer = stEstablished, sessionTimer{ours: ours}
		c.sessionDue()
		if len(c.timers) > 0 || c.pending > 0 || c.state != stEstablished {
			t.Errorf("ours %v: timers %v, pending %d, %v", ours, c.timers, c.pending, c.state)
		}
	}
}
