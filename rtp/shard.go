package rtp

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// batchSize bounds how many packets are handled before the clock and the mailbox are looked at again.
const batchSize = 64

// shard is one loop on one thread. It alone touches the desks, legs and boards that live on it.
type shard struct {
	epoch   time.Time // now is counted from here, monotonic
	queue   chan *packet
	pool    *pool
	mail    *inbox[func()]
	stopped chan struct{} // closed when the loop has ended; everything is read-only then

	dropped atomic.Uint64
	ticks   atomic.Uint64
	overdue atomic.Uint64
	skipped atomic.Uint64

	// Owned by the loop.
	desks   []*desk
	beat    metronome
	scratch scratch
}

// scratch is the loop's working memory.
type scratch struct {
	in      parsed
	out     [headerLen + 8*FrameSamples]byte
	frame   [FrameSamples]byte
	silence [headerLen + FrameSamples]byte
}

func newShard(epoch time.Time) *shard {
	s := &shard{
		epoch: epoch, queue: make(chan *packet, shardQueue), pool: newPool(shardQueue),
		mail: newInbox[func()](), stopped: make(chan struct{}),
	}
	s.scratch.in.head.CSRC = make([]uint32, 0, 15) // so that pion never allocates them
	return s
}

func (s *shard) now() time.Duration { return time.Since(s.epoch) }

// ntp is the wall clock at now, free of steps of the system's clock.
func (s *shard) ntp(now time.Duration) uint64 { return ntpTime(s.epoch.Add(now)) }

// run is the loop. It ends, with a BYE for each leg, when ctx does.
func (s *shard) run(ctx context.Context, log *slog.Logger) {
	runtime.LockOSThread() // and never unlocked: the thread, with its priority, ends with the loop
	defer close(s.stopped)
	if err := raisePriority(); err != nil {
		log.Debug("media thread runs at normal priority", "error", err)
	}
	s.beat = metronome{origin: s.now()}
	timer := time.NewTimer(frameTime)
	defer timer.Stop()
	resting := false
	for {
		now, fired := time.Duration(0), false
		select {
		case <-ctx.Done():
			s.finish()
			return
		case p := <-s.queue:
			now = s.now()
			s.packets(now, p)
		case <-s.mail.ready:
			s.letters()
			now = s.now()
		case <-timer.C:
			now, fired = s.now(), true
		}
		if len(s.desks) == 0 {
			resting = true // nobody to tick for, until a letter brings a leg
			continue
		}
		if resting {
			s.beat.wake(now)
			resting, fired = false, true
		}
		if now >= s.beat.next() {
			s.tick(now)
			fired = true
		}
		if fired {
			timer.Reset(s.beat.next() - s.now())
		}
	}
}

// maxLate is how far behind its clock a loop may be before it counts as dead.
const maxLate = time.Second

// late is how far the loop is behind its clock.
func (s *shard) late() time.Duration {
	if len(s.desks) == 0 {
		return 0
	}
	return max(0, s.now()-s.beat.next())
}

// packets handles p and what else waits, up to a batch.
func (s *shard) packets(now time.Duration, p *packet) {
	for n := 1; ; n++ {
		p.stream.waiting.Add(-1)
		p.stream.leg.packet(now, p)
		s.pool.put(p)
		if n == batchSize {
			return
		}
		select {
		case p = <-s.queue:
		default:
			return
		}
	}
}

func (s *shard) letters() {
	items, _ := s.mail.take()
	for _, f := range items {
		f()
	}
}

func (s *shard) tick(now time.Duration) {
	before := s.beat.skipped
	first, last := s.beat.due(now)
	for n := first; n <= last; n++ {
		at := s.beat.at(n)
		for _, d := range s.desks {
			d.tick(at, n)
		}
	}
	s.ticks.Add(uint64(max(last-first+1, 0)))
	s.overdue.Add(uint64(max(last-first, 0)))
	s.skipped.Add(s.beat.skipped - before)
}

// finish takes the last letters and closes every leg.
func (s *shard) finish() {
	s.mail.close()
	s.letters()
	now := s.now()
	for len(s.desks) > 0 {
		s.desks[0].legs[0].close(now)
	}
}
