package journal

import (
	"context"
	"sync"
)

// Memory is a bounded log in memory. A slow reader costs nothing: it reads from the shared ring and
// meets a gap when it falls behind the ring.
type Memory[E any] struct {
	epoch string

	mu     sync.Mutex
	ring   []E
	last   uint64 // seq of the newest entry
	wake   chan struct{}
	closed bool
}

// NewMemory makes a log of at most capacity entries (at least 1). epoch must differ from that of any
// earlier life.
func NewMemory[E any](epoch string, capacity int) *Memory[E] {
	return &Memory[E]{epoch: epoch, ring: make([]E, max(capacity, 1)), wake: make(chan struct{})}
}

// Append adds events in order and returns the cursor of the last one. It never waits for a reader.
func (m *Memory[E]) Append(_ context.Context, events ...E) (Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Cursor{}, ErrClosed
	}
	for _, e := range events {
		m.last++
		m.ring[m.last%uint64(len(m.ring))] = e
	}
	if len(events) > 0 {
		close(m.wake)
		m.wake = make(chan struct{})
	}
	return Cursor{m.epoch, m.last}, nil
}

// Last is the cursor of the newest entry; Seq 0 while there is none.
func (m *Memory[E]) Last() Cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Cursor{m.epoch, m.last}
}

// Close ends the log: readers get what is left, then ErrClosed.
func (m *Memory[E]) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.wake)
	}
}

// Subscribe reads the entries after from. A cursor of another epoch, from the future or from before
// the oldest entry kept yields a gap first; the zero cursor only when something was trimmed.
func (m *Memory[E]) Subscribe(from Cursor) Subscription[E] {
	return &reader[E]{log: m, from: from, at: from.Seq, checked: from == Cursor{} || from.Epoch == m.epoch}
}

type reader[E any] struct {
	log     *Memory[E]
	from    Cursor
	at      uint64 // seq of the last entry read
	checked bool   // the cursor's epoch is ours
}

func (r *reader[E]) Next(ctx context.Context) (Entry[E], error) {
	for {
		e, wake, err := r.read()
		if wake == nil {
			return e, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Entry[E]{}, ctx.Err()
		}
	}
}

// read returns an entry or an error, or the channel that is closed when there is more.
func (r *reader[E]) read() (Entry[E], chan struct{}, error) {
	m := r.log
	m.mu.Lock()
	defer m.mu.Unlock()
	oldest := uint64(1)
	if n := uint64(len(m.ring)); m.last > n {
		oldest = m.last - n + 1
	}
	switch {
	case !r.checked || r.at > m.last || r.at+1 < oldest:
		return r.gap(oldest - 1), nil, nil
	case r.at < m.last:
		r.at++
		return Entry[E]{Cursor: Cursor{m.epoch, r.at}, Event: m.ring[r.at%uint64(len(m.ring))]}, nil, nil
	case m.closed:
		return Entry[E]{}, nil, ErrClosed
	}
	return Entry[E]{}, m.wake, nil
}

func (r *reader[E]) gap(to uint64) Entry[E] {
	from := r.from
	if r.checked {
		from = Cursor{r.log.epoch, r.at}
	}
	if r.at > r.log.last && r.checked { // a cursor from the future: nothing of it is known here
		to = r.log.last
	}
	r.checked, r.at = true, to
	c := Cursor{r.log.epoch, to}
	return Entry[E]{Cursor: c, Gap: &Gap{From: from, To: c}}
}
