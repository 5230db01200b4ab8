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
// and in the background. It is safe for concurrent use.
type Table[V any] struct {
	name string
	ttl  time.Duration

	mu   sync.Mutex
	rows map[string]row[V]
}

type row[V any] struct {
	value V
	at    time.Time // of the last Put
}

// OpenTable opens or makes a table. Entries older than ttl are gone; 0: never. Its errors are ErrName,
// ErrClosed, or say what the server refused.
func OpenTable[V any](_ context.Context, s *Store, name string, ttl time.Duration) (*Table[V], error) {
	if !validName(name) {
		return nil, fmt.Errorf("%w: %q", ErrName, name)
	}
	t := &Table[V]{name: name, ttl: ttl, rows: map[string]row[V]{}}
	if err := s.keep(t); err != nil {
		return nil, err
	}
	return t, nil
}

// Put sets the value of a key. It never waits for the disk.
func (t *Table[V]) Put(key string, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.putLocked(key, v)
}

func (t *Table[V]) putLocked(key string, v V) { t.rows[key] = row[V]{v, time.Now()} }

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
	defer t.mu.Unlock()
	delete(t.rows, key)
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

// Close ends the table: what waits is written. Store.Close closes every table.
func (t *Table[V]) Close() {}
