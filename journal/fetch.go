package journal

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errStored says that the next entry is in the store and not in memory.
var errStored = errors.New("in the store")

// fetch reads entries from the store into ahead, or makes a gap of what is not there. False: it failed
// and a pause was made, or ahead is filled.
func (r *logReader[E]) fetch(ctx context.Context) (Entry[E], bool) {
	l := r.log
	for at, more := r.at, true; more; {
		found, err := l.stream.fetch(ctx, at+1)
		if err != nil && len(r.ahead) == 0 {
			return r.unread(ctx)
		}
		if err != nil || len(found) == 0 {
			break
		}
		r.ahead = l.entries(r.ahead, at, found)
		if len(r.ahead) == 0 || r.ahead[len(r.ahead)-1].Cursor.Seq <= at {
			break
		}
		last := r.ahead[len(r.ahead)-1]
		at = last.Cursor.Seq
		more = last.Gap != nil && at < l.Status().Stored.Seq // a gap is told whole
	}
	if len(r.ahead) > 0 {
		return Entry[E]{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := l.oldestLocked()
	if r.at+1 >= oldest {
		return Entry[E]{}, false // the ring has it: the server restored it meanwhile
	}
	return r.gapLocked(Cursor{l.epoch, r.at}, oldest-1), true
}

// unread is what a reader gets whose entries the server does not hand out: while the log is degraded or
// closed a gap, so that it goes on with what is in memory; else another try after a pause.
func (r *logReader[E]) unread(ctx context.Context) (Entry[E], bool) {
	l := r.log
	l.mu.Lock()
	if oldest := l.oldestLocked(); (l.degraded != nil || l.finished) && r.at+1 < oldest {
		defer l.mu.Unlock()
		return r.gapLocked(Cursor{l.epoch, r.at}, oldest-1), true
	}
	l.mu.Unlock()
	select {
	case <-time.After(fetchRetry):
	case <-ctx.Done():
	}
	return Entry[E]{}, false
}

// entries adds stored messages that follow at. What is missing between them, stands for a lost entry or
// cannot be decoded becomes one gap each run.
func (l *Log[E]) entries(all []Entry[E], at uint64, found []message) []Entry[E] {
	all = slices.Grow(all, len(found))
	gap := func(to uint64) {
		c := Cursor{l.epoch, to}
		if n := len(all); n > 0 && all[n-1].Gap != nil {
			all[n-1].Cursor, all[n-1].Gap.To = c, c
		} else {
			all = append(all, Entry[E]{Cursor: c, Gap: &Gap{From: Cursor{l.epoch, at}, To: c}})
		}
		at = to
	}
	for _, m := range found {
		if m.seq <= at {
			continue
		}
		if m.seq > at+1 {
			gap(m.seq - 1)
		}
		event, err := l.decode(m.data)
		if err != nil {
			gap(m.seq)
			continue
		}
		at = m.seq
		all = append(all, Entry[E]{Cursor: Cursor{l.epoch, at}, Event: event})
	}
	return all
}

// errNothing is the content of an entry that stands for a lost one.
var errNothing = errors.New("the entry was lost before it was stored")

func (l *Log[E]) decode(data []byte) (E, error) {
	if len(data) == 0 {
		return *new(E), errNothing
	}
	event, err := l.c.Decode(data)
	if err != nil {
		l.stream.b.log.Error("stored event cannot be read", "journal", l.c.Name, "err", err)
	}
	return event, err
}
