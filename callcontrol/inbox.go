package callcontrol

import "sync"

// envelope is an input on its way to a desk, with whoever waits for its result, or the word that a
// patch is in force.
type envelope struct {
	in      Input
	entry   *entry
	patched uint64 // number of the patch that is in force now
}

// Bounds of an inbox. A flood of keys must not displace the signals that end legs.
const (
	inboxSize   = 8192
	inboxDigits = 256
)

// inbox is a bounded queue into a desk. Pushing never waits.
type inbox struct {
	wake chan struct{} // holds one token while there is something

	mu      sync.Mutex
	queue   []envelope
	dropped uint64
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// push reports false when the inbox is full; then the envelope is dropped and counted.
func (b *inbox) push(e envelope) bool {
	limit := inboxSize
	if e.in.Signal != nil && e.in.Signal.Kind == SignalDigit {
		limit = inboxDigits
	}
	b.mu.Lock()
	ok := len(b.queue) < limit || e.patched != 0
	if ok {
		b.queue = append(b.queue, e)
	} else {
		b.dropped++
	}
	b.mu.Unlock()
	if ok {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return ok
}

// take returns everything that is queued, in order, and how many were dropped since the last take.
func (b *inbox) take() ([]envelope, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, n := b.queue, b.dropped
	b.queue, b.dropped = nil, 0
	return q, n
}
