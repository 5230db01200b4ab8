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

// Search asks every adapter that can search but the one named except, and returns their answers in the order of the
// configuration. Who has not answered when ctx or ten seconds are over has an error.
func (s *Set) Search(ctx context.Context, q adapter.Search, except string) []Answer {
	g := newGather(nil)
	var out []Answer
	for _, h := range s.hosts() {
		if h.Name() == except {
			continue
		}
		g.expect()
		if h.search(q, g.take) {
			out = append(out, Answer{Adapter: h.Name(), Err: errSilent})
		} else {
			g.less()
		}
	}
	for _, a := range g.wait(ctx, searchMost) {
		for i := range out {
			if out[i].Adapter == a.Adapter {
				out[i] = a
			}
		}
	}
	return out
}

// Lookup asks this adapter who a number is, and waits for its answer until ctx ends. False: it does not
// run, or looks nobody up.
func (h *Host) Lookup(ctx context.Context, q adapter.Query) (Answer, bool) {
	got := make(chan Answer, 1)
	return await(ctx, h, got, h.lookup(q, func(a Answer) { got <- a }))
}

// Search asks this adapter for contacts, and waits for its answer until ctx ends. False: it does not run,
// or searches nothing.
func (h *Host) Search(ctx context.Context, q adapter.Search) (Answer, bool) {
	got := make(chan Answer, 1)
	return await(ctx, h, got, h.search(q, func(a Answer) { got <- a }))
}

func await(ctx context.Context, h *Host, got <-chan Answer, asked bool) (Answer, bool) {
	if !asked {
		return Answer{Adapter: h.cfg.Name}, false
	}
	select {
	case a := <-got:
		return a, true
	case <-ctx.Done():
		return Answer{Adapter: h.cfg.Name, Err: ctx.Err()}, true
	}
}
