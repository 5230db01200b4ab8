package host

import (
	"context"
	"fmt"
	"time"

	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

// settlePoll is how often lags are looked at.
const settlePoll = 10 * time.Millisecond

// Settle waits until every running adapter that takes events has acknowledged all there are. Its error is
// ctx's, with the adapter that is behind.
func (s *Set) Settle(ctx context.Context) error {
	t := time.NewTicker(settlePoll)
	defer t.Stop()
	for {
		h := s.behind()
		if h == nil {
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("adapter %s is %d events behind: %w", h.Name(), h.Status().Lag, ctx.Err())
		}
	}
}

// behind is an adapter that should take events which it has not taken yet.
func (s *Set) behind() *Host {
	for _, h := range s.hosts() {
		if !h.running(adapter.CanEvents) {
			continue
		}
		if s := h.Status(); s.State != control.AdapterHung && s.Lag > 0 {
			return h
		}
	}
	return nil
}
