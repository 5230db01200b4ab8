package rtp

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Stream is the media of one leg: a port pair, one sender and one receiver. Its methods are safe from any goroutine, but
// Stats and Close must not be called from within the function given to [Engine.Do]: they wait for the loop.
type Stream struct {
	engine  *Engine
	shard   *shard
	board   Board
	slot    int
	cname   string
	onEvent func(Event)
	port    uint16 // as dealt, 0 when the system chose
	media   socket
	control socket
	leg     *leg // the loop's

	ssrc          atomic.Uint32
	waiting       atomic.Int32 // packets in the shard's queue
	queued        atomic.Int64 // digits
	oversized     atomic.Uint64
	queueDropped  atomic.Uint64
	eventsDropped atomic.Uint64

	mu     sync.Mutex // also keeps Update and Digits in order
	params Params     // last given to Update
	closed bool

	once  sync.Once
	final Stats
}

// Local is the address for RTP; RTCP is on the port above. The address is the one bound to, which may be unspecified.
func (s *Stream) Local() netip.AddrPort { return s.media.local() }

// SSRC of the sender. It changes only on a collision.
func (s *Stream) SSRC() uint32 { return s.ssrc.Load() }

// Update sets the negotiated parameters. It is asynchronous and in order; nothing is reset unless address, port or codec
// changed. On a closed stream it does nothing.
func (s *Stream) Update(p Params) {
	p = p.normal()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.params = p
	s.shard.mail.put(func() {
		if !s.leg.closed {
			s.leg.update(s.shard.now(), p)
		}
	}, 0)
}

// Digits queues telephone-events and pauses (RFC 4733). Audio is replaced by silence until they are sent. It returns at
// once: ctx bounds only the queueing, and completion is EventDigitsDone, one for each call that returned nil. Errors:
// ErrNoTelephoneEvent, ErrNotSending, ErrBadDigit, ErrTooManyDigits, ErrClosed.
func (s *Stream) Digits(ctx context.Context, digits []Digit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(digits) == 0 {
		return ErrBadDigit
	}
	batch := make([]Digit, len(digits))
	for i, d := range digits {
		var err error
		if batch[i], err = d.normal(i); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.params.EventSendPT == 0:
		return ErrNoTelephoneEvent
	case !s.params.Send:
		return ErrNotSending
	case s.queued.Load()+int64(len(batch)) > MaxDigitsQueued:
		return ErrTooManyDigits
	}
	s.queued.Add(int64(len(batch)))
	if !s.shard.mail.put(func() { s.leg.queueDigits(batch) }, 0) {
		s.queued.Add(-int64(len(batch)))
		return ErrClosed
	}
	return nil
}

// Stats gives the figures up to now.
func (s *Stream) Stats() (out Stats) {
	s.engine.call(s.shard, func() { out = s.leg.stats() })
	return out
}

// Close says BYE, closes both sockets and puts the port pair to rest. It is idempotent and returns the final figures.
func (s *Stream) Close() Stats {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.engine.call(s.shard, func() {
			s.leg.close(s.shard.now())
			s.final = s.leg.stats()
		})
		s.media.close()
		s.control.close()
		s.engine.forget(s)
	})
	return s.final
}

// tell queues an event for the callback. The loop calls it.
func (s *Stream) tell(e Event, droppable bool) {
	if s.onEvent == nil {
		return
	}
	limit := 0
	if droppable {
		limit = maxWireEvent
	}
	if !s.engine.events.put(delivery{s.onEvent, e}, limit) {
		s.eventsDropped.Add(1)
	}
}
