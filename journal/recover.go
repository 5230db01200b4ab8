package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// recover waits after a failure, has a broken server restarted, and finds out how far the stream is.
// False: the writer is done with.
func (l *Log[E]) recover(failure error, wait time.Duration) bool {
	l.failed(failure)
	if errors.Is(failure, errSecondWriter) {
		return l.giveUp(failure)
	}
	b := l.stream.b
	now := l.Status()
	if outOfStep(failure) && now.Stored.Seq != l.stepped {
		l.stepped = now.Stored.Seq
	} else {
		if outOfStep(failure) || now.Lag > stuckAfter { // twice at the same place: the server contradicts itself
			failure = errors.Join(errBroken, failure)
		}
		b.log.Debug("journal not written", "journal", l.c.Name, "err", failure)
		well := b.heal(l.ctx, failure)
		select {
		case <-time.After(wait):
		case <-l.ctx.Done():
			return false
		}
		if !well {
			return true
		}
	}
	err := l.resume(l.ctx)
	if errors.Is(err, errSecondWriter) {
		return l.giveUp(err)
	}
	if err != nil {
		l.failed(err)
		b.heal(l.ctx, err)
	}
	return l.ctx.Err() == nil
}

func (l *Log[E]) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure = err
}

// outOfStep reports whether the server refused a message because others are missing before it, or came
// from elsewhere.
func outOfStep(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// resume takes over the stream as it is: acknowledgements may have been lost, or what they promised.
func (l *Log[E]) resume(ctx context.Context) error {
	last, err := l.stream.last(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		l.stream.b.log.Error("journal is gone at the server and is made anew", "journal", l.c.Name)
		info, err := l.stream.ensure(ctx, l.Status().Stored.Seq)
		if err != nil {
			return err
		}
		last = info.State.LastSeq
	} else if err != nil {
		return err
	}
	l.mu.Lock()
	newest, stored, oldest := l.last, l.stored, l.oldestLocked()
	l.mu.Unlock()
	switch {
	case last > newest:
		return errSecondWriter
	case last > stored:
		if err := l.ours(ctx, stored, last); err != nil {
			return err
		}
	case last < stored:
		l.stream.b.log.Error("the server has lost stored events; what is in memory is stored again", "journal", l.c.Name, "from", last+1, "to", stored)
	}
	if oldest > last+1+fillMost { // too many to stand in for one by one
		if err := l.stream.skip(ctx, oldest-1); err != nil {
			return err
		}
		l.storedUpTo(oldest-1, oldest-1-last)
		last = oldest - 1
	}
	l.mu.Lock()
	l.storedLocked(last)
	l.showLocked(last)
	l.mu.Unlock()
	return nil
}

// ours sees that entries whose acknowledgement did not come were written by this process, and counts
// those that the server numbered but does not have.
func (l *Log[E]) ours(ctx context.Context, stored, last uint64) error {
	missing := last - stored
	for at := stored; at < last; {
		found, err := l.stream.fetch(ctx, at+1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			if at = m.seq; at <= last {
				missing--
			}
			if m.life != l.life {
				return errSecondWriter
			}
		}
	}
	if missing > 0 {
		l.stream.b.log.Error("the server has lost events that it numbered", "journal", l.c.Name, "lost", missing)
		l.mu.Lock()
		l.lost += missing
		l.mu.Unlock()
	}
	return nil
}

// giveUp leaves the log to memory for the rest of this life.
func (l *Log[E]) giveUp(err error) bool {
	l.mu.Lock()
	l.degraded, l.dead = err, true
	l.showLocked(l.last)
	l.mu.Unlock()
	l.stream.b.log.Error("journal degraded: events are not stored", "journal", l.c.Name, "err", err)
	_ = l.mark.set(func(s *state) { s.Degraded = true })
	return false
}
