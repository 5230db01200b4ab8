package journal

import (
	"context"
	"sync"
	"time"
)

// Log is a bounded log of a store. The newest entries are in a ring in memory, from which readers that
// are up to date are served; older ones are read back. Appending never waits: what the store cannot
// take yet stays in the ring, and is lost, told by a gap, once the ring has gone round.
type Log[E any] struct {
	store *Store
	c     LogConfig[E]
	epoch string
	born  time.Time

	mu       sync.Mutex
	ring     []slot[E]
	base     uint64 // the newest entry before this life: it is not in the ring
	last     uint64
	visible  uint64        // readers get entries up to here
	wake     chan struct{} // closed when visible grows, and at the end
	closing  bool          // nothing is appended any more
	finished bool          // nothing becomes visible any more
}

type slot[E any] struct {
	event E
	at    time.Duration // since born
}

func newLog[E any](s *Store, c LogConfig[E], epoch string, base uint64) *Log[E] {
	return &Log[E]{
		store: s, c: c, epoch: epoch, born: time.Now(), ring: make([]slot[E], c.Ring),
		base: base, last: base, visible: base, wake: make(chan struct{}),
	}
}

// Append adds events in order and returns the cursor of the last one. It never waits, neither for the
// disk nor for a reader. Its only error is ErrClosed.
func (l *Log[E]) Append(_ context.Context, events ...E) (Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return Cursor{}, ErrClosed
	}
	at := time.Since(l.born)
	for _, e := range events {
		l.last++
		l.ring[l.last%uint64(len(l.ring))] = slot[E]{e, at}
	}
	if len(events) > 0 {
		l.showLocked(l.last)
	}
	return Cursor{l.epoch, l.last}, nil
}

// showLocked lets readers have entries up to seq.
func (l *Log[E]) showLocked(seq uint64) {
	if seq > l.visible {
		l.visible = seq
		close(l.wake)
		l.wake = make(chan struct{})
	}
}

// Last is the cursor of the newest entry; Seq 0 while there is none.
func (l *Log[E]) Last() Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Cursor{l.epoch, l.last}
}

// Status is how the log is doing.
func (l *Log[E]) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := Cursor{l.epoch, l.last}
	return Status{First: Cursor{l.epoch, l.oldestLocked()}, Last: last, Stored: last}
}

// oldestLocked is the oldest entry in the ring; above last when the ring is empty.
func (l *Log[E]) oldestLocked() uint64 {
	if n := uint64(len(l.ring)); l.last-l.base > n {
		return l.last - n + 1
	}
	return l.base + 1
}

// Close ends the log: readers get what is left, then ErrClosed. Store.Close closes every log.
func (l *Log[E]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	if !l.finished {
		l.finished = true
		l.visible = l.last
		close(l.wake)
	}
}
