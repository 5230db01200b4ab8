package journal

import (
	"errors"
	"time"
)

// degradeAfter is how long an entry may wait to be stored before readers get it all the same.
const degradeAfter = time.Second

// errSlow is the degradation of a log whose store neither fails nor gets on.
var errSlow = errors.New("storing takes too long")

// watchLocked sees that somebody looks after d whether entries wait too long.
func (l *Log[E]) watchLocked(d time.Duration) {
	switch {
	case l.watching:
	case l.watch == nil:
		l.watching = true
		l.watch = time.AfterFunc(d, l.look)
	default:
		l.watching = true
		l.watch.Reset(d)
	}
}

// look degrades a log whose entries wait too long: adapters and screens must follow the calls even when
// the disk does not.
func (l *Log[E]) look() {
	l.mu.Lock()
	l.watching = false
	lag := l.lagLocked()
	waits := l.stored < l.last && !l.finished && !l.dead
	began, overtaken := false, false
	if waits && lag >= degradeAfter && l.degraded == nil {
		began = true
		if l.degraded = l.failure; l.degraded == nil {
			l.degraded = errSlow
		}
		l.showLocked(l.last)
	}
	if waits && l.stored+1 < l.oldestLocked() && !l.full {
		overtaken, l.full = true, true
	}
	if waits {
		l.watchLocked(max(degradeAfter-lag, degradeAfter/4))
	}
	reason, pending := l.degraded, l.last-l.stored
	l.mu.Unlock()
	if began {
		l.stream.b.log.Error("journal degraded: events are not stored", "journal", l.c.Name, "pending", pending, "err", reason)
		_ = l.mark.set(func(s *state) { s.Degraded = true })
		if l.Status().Degraded == nil { // over meanwhile, and perhaps noted before this
			_ = l.mark.set(func(s *state) { s.Degraded = false })
		}
	}
	if overtaken {
		l.stream.b.log.Error("journal has no room in memory: the oldest events are lost", "journal", l.c.Name, "pending", pending)
	}
}

// storedLocked sets how far the log is stored, and since when the next entry waits: of one that the ring
// has no more, the time is kept.
func (l *Log[E]) storedLocked(seq uint64) {
	l.stored = seq
	if next := seq + 1; next <= l.last && next >= l.oldestLocked() {
		l.waits = l.ring[next%uint64(len(l.ring))].at
	}
}

// storedUpTo notes what the server has stored, and the end of a degradation.
func (l *Log[E]) storedUpTo(seq, lost uint64) {
	l.mu.Lock()
	l.lost += lost
	l.storedLocked(max(l.stored, seq))
	l.showLocked(l.stored)
	l.failure = nil
	mended := l.degraded != nil && l.stored == l.last
	if mended {
		l.degraded, l.full = nil, false
	}
	lost = l.lost
	l.mu.Unlock()
	if mended {
		l.stream.b.log.Info("journal stores events again", "journal", l.c.Name, "lost", lost)
	}
	if mended || time.Since(l.marked) > markEvery {
		l.marked = time.Now()
		_ = l.mark.set(func(s *state) { s.Stored, s.Degraded = seq, s.Degraded && !mended })
	}
}
