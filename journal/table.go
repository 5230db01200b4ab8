package journal

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

// Table is a small map that survives a restart: values as JSON, kept whole in memory, written in order
// and in the background. What was put must not be changed afterwards. It is safe for concurrent use.
type Table[V any] struct {
	name  string
	ttl   time.Duration
	every time.Duration // least time between two batches of writes

	stream      *stream // nil: memory only
	ahead       *ahead  // nil: nothing is written ahead of the server
	kick        chan struct{}
	ending      chan struct{}   // closed when the table is
	ctx         context.Context // ends when the writer must give up
	cancel      context.CancelFunc
	writer      sync.WaitGroup
	aheadWriter sync.WaitGroup
	once        sync.Once
	ended       error // of close

	mu      sync.Mutex
	rows    map[string]row[V]
	pruned  time.Time
	newest  uint64            // sequence of the newest write
	entries int               // that are stored, those that no longer count among them
	seqs    map[string]uint64 // of what is stored, by key
	queue   []change[V]       // what waits to be written, in order
	merge   int               // length of the queue at which it is merged
	flying  []change[V]       // what is being written, before the queue
	closing bool
}

type row[V any] struct {
	value V
	at    time.Time // of the last Put
}

// change is one thing to write.
type change[V any] struct {
	key     string
	value   V
	deleted bool
	at      time.Time // of the Put or Delete
}

// tableConfig is what tables differ in.
type tableConfig struct {
	ttl   time.Duration
	every time.Duration // least time between two batches of writes
	ahead bool          // changes are in a file of this host before they are stored
}

// How many changes wait in full; of more, only the last one of each key. Of cursors the first.
const (
	cursorsMost = 32
	queueMost   = 4096
)

// OpenTable opens or makes a table. Entries older than ttl are gone; 0: never. Its errors are ErrName,
// ErrClosed, or say what the server refused. A table is opened once
// in the life of a store.
func OpenTable[V any](ctx context.Context, s *Store, name string, ttl time.Duration) (*Table[V], error) {
	return openTable[V](ctx, s, name, tableConfig{ttl: ttl})
}

// Put sets the value of a key. It never waits for the disk. After Close it changes nothing that lasts.
func (t *Table[V]) Put(key string, v V) {
	t.mu.Lock()
	number := t.putLocked(key, v)
	t.mu.Unlock()
	t.await(number)
}

func (t *Table[V]) putLocked(key string, v V) (number uint64) {
	now := time.Now()
	if t.ttl > 0 && now.Sub(t.pruned) > t.ttl/4 {
		t.pruneLocked(now)
	}
	t.rows[key] = row[V]{v, now}
	return t.writeLocked(change[V]{key: key, value: v, at: now})
}

// pruneLocked forgets what is older than ttl; the server does the same by itself.
func (t *Table[V]) pruneLocked(now time.Time) {
	t.pruned = now
	maps.DeleteFunc(t.rows, func(_ string, r row[V]) bool { return t.expired(r, now) })
	waits := make(map[string]bool, len(t.flying)+len(t.queue))
	for _, list := range [][]change[V]{t.flying, t.queue} {
		for _, c := range list {
			waits[c.key] = true
		}
	}
	maps.DeleteFunc(t.seqs, func(key string, _ uint64) bool {
		_, ok := t.rows[key]
		return !ok && !waits[key]
	})
}

// update changes the value of a key in one step, or leaves it when f says so.
func (t *Table[V]) update(key string, f func(old V, ok bool) (V, bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, ok := t.rows[key]
	if v, change := f(old.value, ok); change {
		t.putLocked(key, v)
	}
}

// Delete removes a key. It never waits for the disk.
func (t *Table[V]) Delete(key string) {
	t.mu.Lock()
	number := uint64(0)
	if _, ok := t.rows[key]; ok {
		delete(t.rows, key)
		number = t.writeLocked(change[V]{key: key, deleted: true, at: time.Now()})
	}
	t.mu.Unlock()
	t.await(number)
}

// writeLocked queues a change, and returns its number in the file that is ahead of the server.
func (t *Table[V]) writeLocked(c change[V]) (number uint64) {
	if t.stream == nil || t.closing {
		return 0
	}
	t.queue = append(t.queue, c)
	if len(t.queue) > t.merge {
		t.mergeLocked()
	}
	t.tell()
	return t.aheadLocked(c)
}

// tell wakes the writer.
func (t *Table[V]) tell() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// mergeLocked leaves the last change of each key, and nothing of one that came and went, or has expired, meanwhile: unless
// what was before it is under way, and would count.
func (t *Table[V]) mergeLocked() {
	now := time.Now()
	last := make(map[string]int, len(t.queue))
	for i, c := range t.queue {
		last[c.key] = i
	}
	flies := make(map[string]bool, len(t.flying))
	for _, c := range t.flying {
		flies[c.key] = true
		t.seqs[c.key] += 0 // may be stored
	}
	kept := t.queue[:0]
	for i, c := range t.queue {
		_, there := t.seqs[c.key]
		counts := there
		if !c.deleted {
			counts = flies[c.key] || !t.expired(row[V]{at: c.at}, now)
		}
		if last[c.key] == i && counts {
			kept = append(kept, c)
		}
	}
	clear(t.queue[len(kept):])
	t.queue = kept
	t.merge = max(t.least(), 2*len(kept))
}

// least is how long a queue may be before it is merged. Of cursors, which come fast, only the last counts.
func (t *Table[V]) least() int {
	if t.every > 0 {
		return cursorsMost
	}
	return queueMost
}

// Get is the value of a key.
func (t *Table[V]) Get(key string) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[key]
	if ok && t.expired(r, time.Now()) {
		return *new(V), false
	}
	return r.value, ok
}

// Pending is how many changes wait to be written.
func (t *Table[V]) Pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) + len(t.flying)
}

// All is every key and value as they are now, by key.
func (t *Table[V]) All() iter.Seq2[string, V] {
	t.mu.Lock()
	rows := maps.Clone(t.rows)
	t.mu.Unlock()
	return func(yield func(string, V) bool) {
		now := time.Now()
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			if r := rows[key]; !t.expired(r, now) && !yield(key, r.value) {
				return
			}
		}
	}
}

func (t *Table[V]) expired(r row[V], now time.Time) bool { return t.ttl > 0 && now.Sub(r.at) > t.ttl }

// Close ends the table: what waits is written, as with Log.Close. Store.Close closes every table.
func (t *Table[V]) Close() { _ = t.close() }

func (t *Table[V]) close() error {
	t.once.Do(func() {
		t.mu.Lock()
		t.closing = true
		t.mu.Unlock()
		if t.stream == nil {
			return
		}
		close(t.ending)
		stop := boundFlush(t.Pending, t.cancel)
		t.writer.Wait()
		stop()
		t.cancel()
		t.closeAhead()
		t.stream.close()
		if left := t.Pending(); left > 0 {
			t.ended = fmt.Errorf("journal: %d changes of %s could not be stored", left, t.name)
		}
	})
	return t.ended
}
