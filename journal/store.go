package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
)

// ErrName is returned for a name of a log or table that cannot be part of a stream's name.
var ErrName = errors.New("journal: a name has other than letters, digits and dashes")

// Store is where logs, tables and readers' cursors are kept: an embedded server, an external one, or
// this process only. It is safe for concurrent use.
type Store struct {
	cfg     Config
	cursors *Table[Cursor]

	mu     sync.Mutex
	parts  []part // logs and tables, in the order in which they were opened
	closed bool
}

// part is what ends with the store.
type part interface{ Close() }

func open(ctx context.Context, cfg Config) (*Store, error) {
	if !cfg.Memory {
		return nil, errors.New("journal: only memory so far")
	}
	s := &Store{cfg: cfg}
	var err error
	if s.cursors, err = OpenTable[Cursor](ctx, s, "cursors", 0); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenLog opens or makes a log. Its errors are ErrName, ErrClosed, or say what the server refused. A log
// is opened once.
func OpenLog[E any](_ context.Context, s *Store, c LogConfig[E]) (*Log[E], error) {
	if !validName(c.Name) {
		return nil, fmt.Errorf("%w: %q", ErrName, c.Name)
	}
	l := newLog(s, c.withDefaults(s.cfg), rand.Text(), 0)
	if err := s.keep(l); err != nil {
		return nil, err
	}
	return l, nil
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func validName(s string) bool { return nameForm.MatchString(s) }

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

// Close writes what waits, for at most 5 s, ends the logs and stops the server. It errs with what could
// not be written.
func (s *Store) Close() error {
	s.mu.Lock()
	parts := s.parts
	s.parts, s.closed = nil, true
	s.mu.Unlock()
	for _, p := range slices.Backward(parts) {
		p.Close()
	}
	return nil
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
