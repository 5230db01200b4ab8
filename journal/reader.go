package journal

import (
	"context"
	"time"
)

// fetchRetry is the pause before stored entries are asked for again.
const fetchRetry = 200 * time.Millisecond

// Subscribe reads the entries after from. A cursor of another epoch, from the future or from before the
// oldest entry kept yields a gap first; the zero cursor only when something was trimmed.
func (l *Log[E]) Subscribe(from Cursor) Subscription[E] {
	return &logReader[E]{log: l, from: from, at: from.Seq, checked: from == Cursor{} || from.Epoch == l.epoch}
}

type logReader[E any] struct {
	log     *Log[E]
	from    Cursor
	at      uint64     // seq of the last entry handed over
	checked bool       // the cursor's epoch is ours
	ahead   []Entry[E] // read from the store, not handed over yet
}

// Next implements Subscription.
func (r *logReader[E]) Next(ctx context.Context) (Entry[E], error) {
	for {
		if len(r.ahead) > 0 {
			e := r.ahead[0]
			r.ahead[0] = Entry[E]{}
			r.ahead = r.ahead[1:]
			r.at = e.Cursor.Seq
			return e, nil
		}
		e, wake, err := r.look()
		switch {
		case wake == nil && err == errStored:
			if e, ok := r.fetch(ctx); ok {
				return e, nil
			}
			if ctx.Err() != nil {
				return Entry[E]{}, ctx.Err()
			}
		case wake == nil:
			return e, err
		default:
			select {
			case <-wake:
			case <-ctx.Done():
				return Entry[E]{}, ctx.Err()
			}
		}
	}
}

// look returns an entry or an error, or the channel that is closed when there is more. errStored: the
// next entry is in the store only.
func (r *logReader[E]) look() (Entry[E], <-chan struct{}, error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := l.oldestLocked()
	inStore := l.stream != nil && r.at < l.stored
	switch {
	case !r.checked && l.stream != nil: // nothing of an earlier epoch comes twice
		return r.gapLocked(r.from, min(l.since, l.last)), nil, nil
	case !r.checked:
		return r.gapLocked(r.from, oldest-1), nil, nil
	case r.at > l.last: // a cursor from the future: nothing of it is known here
		return r.gapLocked(Cursor{l.epoch, r.at}, l.last), nil, nil
	case r.at+1 < oldest && r.at < l.visible && inStore:
		return Entry[E]{}, nil, errStored
	case r.at+1 < oldest && (l.stream == nil || r.at < l.visible):
		return r.gapLocked(Cursor{l.epoch, r.at}, oldest-1), nil, nil
	case r.at < l.visible:
		r.at++
		return Entry[E]{Cursor: Cursor{l.epoch, r.at}, Event: l.ring[r.at%uint64(len(l.ring))].event}, nil, nil
	case l.finished:
		return Entry[E]{}, nil, ErrClosed
	}
	return Entry[E]{}, l.wake, nil
}

func (r *logReader[E]) gapLocked(from Cursor, to uint64) Entry[E] {
	r.checked, r.at = true, to
	c := Cursor{r.log.epoch, to}
	return Entry[E]{Cursor: c, Gap: &Gap{From: from, To: c}}
}
