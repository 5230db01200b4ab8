package callcontrol

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A desk that stands, or the publisher, is found; all others answer.
func TestCheck(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		check := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return sw.Check(ctx)
		}
		if err := check(); err != nil {
			t.Errorf("idle: %v", err)
		}
		talkOn(t, sw, w)
		stands := make(chan struct{})
		r := sw.roster.of("anna")
		next := r.next
		r.next = func(d Desk, in Input) (Desk, []Action, error) { <-stands; return next(d, in) }
		sw.Signal("anna", Signal{Kind: SignalLine, Up: true})
		sw.Signal("boris", Signal{Kind: SignalLine, Up: true})
		if err := check(); err == nil || !strings.Contains(err.Error(), "anna") {
			t.Errorf("a desk stands: %v", err)
		}
		close(stands)
		synctest.Wait()
		if err := check(); err != nil {
			t.Errorf("it goes on: %v", err)
		}
		block := make(chan struct{})
		go func() { _ = sw.pub.do(t.Context(), func() { <-block }) }()
		synctest.Wait()
		if err := check(); err == nil {
			t.Error("the publisher stands, and nobody noticed")
		}
		close(block)
	})
}
