package journal

import (
	"sync"
	"time"
)

const (
	flushLimit = 5 * time.Second // without progress, for what waits when a store is closed
	flushMost  = 4               // times that, with progress
)

// boundFlush calls giveUp when what waits does not become less for flushLimit, or is not written after
// flushMost times that. The returned function ends it.
func boundFlush(left func() int, giveUp func()) (stop func()) {
	var mu sync.Mutex
	var timer *time.Timer
	last, rounds := left(), 0
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		now := left()
		if rounds++; now >= last || rounds >= flushMost {
			giveUp()
			return
		}
		last = now
		timer.Reset(flushLimit)
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(flushLimit, look)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		rounds = flushMost
		timer.Stop()
	}
}
