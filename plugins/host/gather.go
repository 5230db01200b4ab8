package host

import (
	"context"
	"sync"
	"time"
)

// gather collects answers until it is closed; those after that go to late.
type gather struct {
	late func(Answer)
	full chan struct{} // closed when nothing is missing

	mu      sync.Mutex
	missing int
	sealed  bool // all questions are asked
	closed  bool
	answers []Answer
}

func newGather(late func(Answer)) *gather {
	if late == nil {
		late = func(Answer) {}
	}
	return &gather{late: late, full: make(chan struct{})}
}

// expect announces an answer, less takes that back.
func (g *gather) expect() { g.add(1) }
func (g *gather) less()   { g.add(-1) }

func (g *gather) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.missing += n
}

// take is one answer.
func (g *gather) take(a Answer) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		g.late(a)
		return
	}
	g.answers = append(g.answers, a)
	g.missing--
	g.checkLocked()
	g.mu.Unlock()
}

func (g *gather) checkLocked() {
	if g.sealed && g.missing == 0 {
		select {
		case <-g.full:
		default:
			close(g.full)
		}
	}
}

// wait returns what is there when nothing is missing, or when the time is over.
func (g *gather) wait(ctx context.Context, limit time.Duration) []Answer {
	g.mu.Lock()
	g.sealed = true
	g.checkLocked()
	g.mu.Unlock()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-g.full:
	case <-t.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return g.answers
}
