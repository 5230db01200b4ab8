package host

import (
	"context"
	"sync"

	"cordboard/journal"
)

// MemoryCursors is Cursors for one life of the daemon, beside a journal that lives no longer.
type MemoryCursors struct {
	mu sync.Mutex
	by map[string]journal.Cursor
}

// NewMemoryCursors makes an empty one.
func NewMemoryCursors() *MemoryCursors { return &MemoryCursors{by: map[string]journal.Cursor{}} }

// Ack implements Cursors.
func (m *MemoryCursors) Ack(name string, c journal.Cursor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.by[name]; !ok || old.Epoch != c.Epoch || old.Seq < c.Seq {
		m.by[name] = c
	}
}

// Cursor implements Cursors.
func (m *MemoryCursors) Cursor(_ context.Context, name string) (journal.Cursor, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.by[name]
	return c, ok, nil
}
