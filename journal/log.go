package journal

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// Log is a bounded log of a store. The newest entries are in a ring in memory, from which readers that
// are up to date are served; older ones are read back. Appending never waits: what the store cannot
// take yet stays in the ring, and is lost, told by a gap, once the ring has gone round.
//
// An entry is shown to readers when it is stored, or at once while storing fails (Degraded).
type Log[E any] struct {
	c      LogConfig[E]
	epoch  string
	since  uint64 // newest entry of an earlier epoch: readers from there begin after it
	born   time.Time
	stream *stream // nil: memory only
	mark   *mark
	life   string

	kick    chan struct{}   // tells the writer of entries, one is enough
	ctx     context.Context // ends when the writer must give up
	cancel  context.CancelFunc
	writer  sync.WaitGroup
	stepped uint64    // where the stream was last found out of step; the writer's
	marked  time.Time // when the writer last noted how far it is
	once    sync.Once
	ended   error // of close

	mu       sync.Mutex
	ring     []slot[E]
	base     uint64 // the newest entry before this life: it is not in the ring
	last     uint64
	stored   uint64        // entries up to here are stored
	waits    time.Duration // since born: when the entry after stored was appended
	visible  uint64        // readers get entries up to here
	wake     chan struct{} // closed when visible grows, and at the end
	closing  bool          // nothing is appended any more
	finished bool          // nothing becomes visible any more

	watch    *time.Timer // runs while entries wait to be stored
	watching bool
	failure  error // why the writer does not get on
	degraded error
	dead     bool // the writer has given up for good
	full     bool // the ring has gone round: told once an outage
	lost     uint64
}

type slot[E any] struct {
	event E
	at    time.Duration // since born
}

func newLog[E any](c LogConfig[E], epoch string, last uint64) *Log[E] {
	l := &Log[E]{
		c: c, epoch: epoch, born: time.Now(), ring: make([]slot[E], c.Ring), kick: make(chan struct{}, 1),
		wake: make(chan struct{}), base: last, last: last, stored: last, visible: last, stepped: math.MaxUint64,
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Append adds events in order and returns the cursor of the last one. It never waits, neither for the
// disk nor for a reader. Its only error is ErrClosed.
func (l *Log[E]) Append(_ context.Context, events ...E) (Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return Cursor{}, ErrClosed
	}
	if len(events) == 0 {
		return Cursor{l.epoch, l.last}, nil
	}
	at := time.Since(l.born)
	if l.stored == l.last {
		l.waits = at
	}
	for _, e := range events {
		l.last++
		l.ring[l.last%uint64(len(l.ring))] = slot[E]{e, at}
	}
	if l.stream == nil || l.degraded != nil {
		l.showLocked(l.last)
	}
	if l.stream != nil && !l.dead {
		l.tell()
		l.watchLocked(degradeAfter)
	}
	return Cursor{l.epoch, l.last}, nil
}

// tell wakes the writer.
func (l *Log[E]) tell() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// showLocked lets readers have entries up to seq.
func (l *Log[E]) showLocked(seq uint64) {
	if seq > l.visible {
		l.visible = seq
		close(l.wake)
		l.wake = make(chan struct{})
	}
}

// Last is the cursor of the newest entry; Seq 0 while there is none.
func (l *Log[E]) Last() Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Cursor{l.epoch, l.last}
}

// Status is how the log is doing.
func (l *Log[E]) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	stored := l.last
	if l.stream != nil {
		stored = l.stored
	}
	return Status{
		Last: Cursor{l.epoch, l.last}, Stored: Cursor{l.epoch, stored}, Pending: int(l.last - stored),
		Lag: l.lagLocked(), Lost: l.lost, Degraded: l.degraded,
	}
}

// lagLocked is the age of the oldest entry that is not stored.
func (l *Log[E]) lagLocked() time.Duration {
	if l.stream == nil || l.stored == l.last {
		return 0
	}
	return time.Since(l.born) - l.waits
}

// oldestLocked is the oldest entry in the ring; above last when the ring is empty.
func (l *Log[E]) oldestLocked() uint64 {
	if n := uint64(len(l.ring)); l.last-l.base > n {
		return l.last - n + 1
	}
	return l.base + 1
}

// Close ends the log: nothing is appended any more, what waits is written, for 5 s without progress
// and 20 s at most, then readers get what is left and ErrClosed. Store.Close closes every log.
func (l *Log[E]) Close() { _ = l.close() }

func (l *Log[E]) close() error {
	l.once.Do(func() {
		l.mu.Lock()
		l.closing = true
		l.mu.Unlock()
		l.tell()
		if l.stream != nil {
			stop := boundFlush(func() int { return l.Status().Pending }, l.cancel)
			l.writer.Wait()
			stop()
		}
		l.cancel()
		l.ended = l.finish()
	})
	return l.ended
}

// finish lets readers have what is left, and notes how the log ended.
func (l *Log[E]) finish() error {
	l.mu.Lock()
	l.finished, l.visible = true, l.last
	close(l.wake)
	if l.watch != nil {
		l.watch.Stop()
	}
	stored, left := l.stored, l.last-l.stored
	l.mu.Unlock()
	if l.stream == nil {
		return nil
	}
	l.stream.close()
	defer l.mark.close()
	err := l.mark.set(func(s *state) { s.Clean, s.Degraded, s.Stored = left == 0, left > 0, stored })
	if left > 0 {
		err = fmt.Errorf("journal: %d entries of %s could not be stored", left, l.c.Name)
	}
	return err
}
