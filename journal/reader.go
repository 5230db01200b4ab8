package journal

import "context"

// Subscribe reads the entries after from. A cursor of another epoch, from the future or from before the
// oldest entry kept yields a gap first; the zero cursor only when something was trimmed.
func (l *Log[E]) Subscribe(from Cursor) Subscription[E] {
	return &logReader[E]{log: l, from: from, at: from.Seq, checked: from == Cursor{} || from.Epoch == l.epoch}
}

type logReader[E any] struct {
	log     *Log[E]
	from    Cursor
	at      uint64 // seq of the last entry handed over
	checked bool   // the cursor's epoch is ours
}

// Next implements Subscription.
func (r *logReader[E]) Next(ctx context.Context) (Entry[E], error) {
	for {
		e, wake, err := r.look()
		if wake == nil {
			return e, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Entry[E]{}, ctx.Err()
		}
	}
}

// look returns an entry or an error, or the channel that is closed when there is more.
func (r *logReader[E]) look() (Entry[E], chan struct{}, error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := l.oldestLocked()
	switch {
	case !r.checked:
		return r.gapLocked(r.from, oldest-1), nil, nil
	case r.at > l.last: // a cursor from the future: nothing of it is known here
		return r.gapLocked(Cursor{l.epoch, r.at}, l.last), nil, nil
	case r.at+1 < oldest:
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
