package rtp

import "sync"

// inbox hands values to the one goroutine that takes them. Putting never blocks.
type inbox[T any] struct {
	ready chan struct{} // has a token when something may be there

	mu     sync.Mutex
	items  []T
	closed bool
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{ready: make(chan struct{}, 1)} }

// put is false when the inbox is closed, or when limit is positive and as many values wait already.
func (b *inbox[T]) put(v T, limit int) bool {
	b.mu.Lock()
	if b.closed || limit > 0 && len(b.items) >= limit {
		b.mu.Unlock()
		return false
	}
	b.items = append(b.items, v)
	b.mu.Unlock()
	b.signal()
	return true
}

func (b *inbox[T]) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take gives all that waits, in order; open is false when nothing more will come.
func (b *inbox[T]) take() (items []T, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items, b.items = b.items, nil
	return items, !b.closed
}

// close refuses what comes later; what waits can still be taken.
func (b *inbox[T]) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.signal()
}

// serve calls f for each value until the inbox is closed and empty.
func (b *inbox[T]) serve(f func(T)) {
	for range b.ready {
		items, open := b.take()
		for _, v := range items {
			f(v)
		}
		if !open {
			return
		}
	}
}
