package journal

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrName is returned for a name of a log or table that cannot be part of a stream's name.
var ErrName = errors.New("journal: a name is empty, too long or has other than letters, digits and dashes")

// ackEvery is the least time between two writes of readers' cursors.
const ackEvery = 100 * time.Millisecond

// Store is where logs, tables and readers' cursors are kept: an embedded server, an external one, or
// this process only. It is safe for concurrent use.
type Store struct {
	cfg     Config
	backend *backend // nil: memory only
	cursors *Table[Cursor]

	mu     sync.Mutex
	parts  []part // logs and tables
	closed bool
}

// part is what ends with the store.
type part interface{ close() error }

// Open opens or makes a store. Its errors say what to do; ErrInUse is one of them.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{cfg: cfg.withDefaults()}
	var err error
	if !cfg.Memory {
		if s.backend, err = openBackend(ctx, s.cfg); err != nil {
			return nil, err
		}
	}
	if s.cursors, err = openTable[Cursor](ctx, s, "cursors", 0, ackEvery); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// keep remembers a part that ends with the store.
func (s *Store) keep(p part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.parts = append(s.parts, p)
	return nil
}

// Close ends logs and tables, each of which may take 5 s to write what waits, all at the same time, and
// then stops the server. It errs with what could not be written.
func (s *Store) Close() error {
	s.mu.Lock()
	parts, closed := s.parts, s.closed
	s.parts, s.closed = nil, true
	s.mu.Unlock()
	if closed {
		return nil
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { errs[i] = p.close() })
	}
	all.Wait()
	if s.backend != nil {
		s.backend.close()
	}
	return errors.Join(errs...)
}

// Ack notes that a reader has dealt with everything up to c. It never waits; the newest cursor of a
// reader is written soon after. A cursor never goes back within an epoch.
func (s *Store) Ack(name string, c Cursor) {
	s.cursors.update(name, func(old Cursor, ok bool) (Cursor, bool) {
		return c, !ok || old.Epoch != c.Epoch || old.Seq < c.Seq
	})
}

// Cursor is what a reader acknowledged last; false when it never has. It errs with ErrClosed.
func (s *Store) Cursor(_ context.Context, name string) (Cursor, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Cursor{}, false, ErrClosed
	}
	c, ok := s.cursors.Get(name)
	return c, ok, nil
}
