package host

import (
	"context"
	"time"

	"cordboard/plugins/adapter"
)

// Lookup asks every adapter that can tell who a number is, and returns what is known when all have
// answered, when each one's lookup timeout is over, or with ctx. An answer after that goes to late (which
// may be nil), from another goroutine: each answer arrives once, here or there.
func (s *Set) Lookup(ctx context.Context, q adapter.Query, late func(Answer)) []Answer {
	g := newGather(late)
	longest := time.Duration(0)
	for _, h := range s.hosts() {
		g.expect()
		if h.lookup(q, g.take) {
			longest = max(longest, h.cfg.LookupTimeout)
		} else {
			g.less()
		}
	}
	return g.wait(ctx, longest)
}

// Search asks every adapter that can search, and returns what was answered until ctx or ten seconds were
// over, in the order of the answers.
func (s *Set) Search(ctx context.Context, q adapter.Search) []Answer {
	g := newGather(nil)
	for _, h := range s.hosts() {
		g.expect()
		if !h.search(q, g.take) {
			g.less()
		}
	}
	return g.wait(ctx, searchMost)
}
