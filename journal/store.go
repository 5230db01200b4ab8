package journal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

// ErrName is returned for a name of a log or table that cannot be part of a stream's name.
var ErrName = errors.New("journal: a name is empty, too long or has other than letters, digits and dashes")

var nameForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// ackEvery is the least time between two writes of readers' cursors.
const ackEvery = 100 * time.Millisecond

// Store is where logs, tables and readers' cursors are kept: an embedded server, an external one, or
// this process only. It is safe for concurrent use.
type Store struct {
	cfg     Config
	backend *backend // nil: memory only
	cursors *Table[Cursor]

	mu     sync.Mutex
	parts  map[string]part // logs and tables by name; nil while one is being opened
	closed bool
}

// part is what ends with the store.
type part interface{ close() error }

// Open opens or makes a store. Its errors say what to do.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{cfg: cfg.withDefaults(), parts: map[string]part{}}
	var err error
	if !cfg.Memory {
		if s.backend, err = openBackend(ctx, s.cfg); err != nil {
			return nil, err
		}
	}
	if s.cursors, err = openTable[Cursor](ctx, s, "cursors", tableConfig{every: ackEvery}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// reserve sees that a name is good and that nobody has it.
func (s *Store) reserve(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, taken := s.parts[name]
	switch {
	case s.closed:
		return ErrClosed
	case !nameForm.MatchString(name):
		return fmt.Errorf("%w: %q", ErrName, name)
	case taken:
		return fmt.Errorf("journal: %s is open already", name)
	}
	s.parts[name] = nil
	return nil
}

// keep remembers a part that ends with the store, or gives its name free when it could not be opened.
// False: the store was closed meanwhile.
func (s *Store) keep(name string, p part, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.parts, name)
		return true
	}
	if !s.closed {
		s.parts[name] = p
	}
	return !s.closed
}

// Close ends logs and tables, all at the same time: each writes what waits, for 5 s without progress and
// 20 s at most. Then it stops the server. It errs with what could not be written.
func (s *Store) Close() error {
	s.mu.Lock()
	parts, closed := s.parts, s.closed
	s.parts, s.closed = nil, true
	s.mu.Unlock()
	if closed {
		return nil
	}
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for _, p := range parts {
		if p == nil {
			continue
		}
		all.Go(func() {
			err := p.close()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
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
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return Cursor{}, false, ErrClosed
	}
	c, ok := s.cursors.Get(name)
	return c, ok, nil
}
