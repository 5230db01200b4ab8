package contacts

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// shelf keeps the newest good book. A file that is changed to a bad one leaves the old book in use.
type shelf struct {
	plan  *plan
	log   *slog.Logger
	book  atomic.Pointer[book]
	first chan struct{} // closed when the file was looked at once

	// Of run's goroutine.
	tried   stamp    // version that was read last
	pending stamp    // version seen, perhaps being written
	sum     [32]byte // of the bytes read last
	young   bool     // they were so new that a later change may have the same stamp

	mu  sync.Mutex
	err error // why the file is not what is in use; nil: it is
}

// youngFor is how long after a file's time another change may fall into the same one.
const youngFor = 2 * time.Second

func newShelf(p *plan, log *slog.Logger) *shelf {
	return &shelf{plan: p, log: log, first: make(chan struct{})}
}

// run reads the book and looks at its file until ctx ends.
func (s *shelf) run(ctx context.Context) {
	s.look(true)
	close(s.first)
	t := time.NewTicker(time.Duration(s.plan.Every))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.look(false)
		}
	}
}

// look reads the file if it is another than the one read last. A change is read once the file stays as
// it is from one look to the next, so that none is read half-written; the first book is read at once.
func (s *shelf) look(atOnce bool) {
	now, err := look(s.plan.Book)
	if err != nil {
		s.tried, s.pending = stamp{}, stamp{}
		s.failed(plainError(err))
		return
	}
	if now.same(s.tried) && !s.young {
		return
	}
	if !atOnce && !now.same(s.pending) && !now.same(s.tried) {
		s.pending = now
		return
	}
	data, err := readFile(s.plan.Book)
	if err != nil {
		s.tried = stamp{}
		s.failed(plainError(err))
		return
	}
	if after, err := look(s.plan.Book); err != nil || !after.same(now) {
		s.pending = after // it is being written; the next look reads it
		if !atOnce {
			return
		}
	}
	s.tried, s.young = now, time.Since(now.changed) < youngFor
	s.take(data)
}

// take puts a book made of data into use, or says why not.
func (s *shelf) take(data []byte) {
	sum := sha256.Sum256(data)
	old := s.book.Load()
	if sum == s.sum && (old != nil || s.trouble() != nil) && s.judged() {
		return
	}
	s.sum = sum
	begun := time.Now()
	b, err := s.plan.parse(data, old)
	if err != nil {
		s.failed(err)
		return
	}
	s.book.Store(b)
	s.mu.Lock()
	s.err = nil
	s.mu.Unlock()
	s.log.Info("contact book read", "book", s.plan.Book, "contacts", len(b.records), "numbers", len(b.byNumber), "took", time.Since(begun).String())
}

// judged reports whether the trouble, if any, comes from the bytes themselves.
func (s *shelf) judged() bool {
	err := s.trouble()
	var wrong *bookError
	return err == nil || errors.As(err, &wrong)
}

func (s *shelf) failed(err error) {
	s.mu.Lock()
	known := s.err != nil && s.err.Error() == err.Error()
	s.err = err
	s.mu.Unlock()
	if known {
		return
	}
	if old := s.book.Load(); old != nil {
		s.log.Warn("contact book cannot be used; the one before stays in use", "book", s.plan.Book, "contacts", len(old.records), "error", err)
		return
	}
	s.log.Warn("contact book cannot be used", "book", s.plan.Book, "error", err)
}

// trouble is why the file is not what is in use.
func (s *shelf) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// current is the book in use, once the first reading is over; nil: there is none.
func (s *shelf) current(ctx context.Context) (*book, error) {
	select {
	case <-s.first:
		return s.book.Load(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
