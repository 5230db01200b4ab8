package rtp

import (
	"fmt"
	"math/rand/v2"
)

// OpenParams say for whom a stream is opened.
type OpenParams struct {
	Group string // the desk: legs of one group live on one shard
	Board Board  // what the group's legs are patched through; nil = hears and gives nothing. Its type must be comparable
	Slot  int    // index of this leg in Board, 0 to MaxSlots-1
	Name  string // leg id, for logs
	CNAME string // RTCP canonical name (RFC 3550 §6.5.1), at most 255 bytes; "" = made up
	// OnEvent is called off the loops, one event after another. It should be quick: all streams share one caller. Events
	// that the wire causes are dropped and counted when the queue is full; completions and timeouts never are.
	OnEvent func(Event)
}

// systemTries bounds the search for an even port whose neighbour is free, when the system chooses ports.
const systemTries = 64

// Open reserves a port pair and a sender for one leg. Until the first Update it neither sends nor accepts anything. Errors:
// ErrNoPorts, ErrBadSlot, ErrStopped.
func (e *Engine) Open(p OpenParams) (*Stream, error) {
	if p.Board == nil {
		p.Board = new(deaf)
	}
	if p.CNAME == "" {
		p.CNAME = fmt.Sprintf("%016x", rand.Uint64())
	}
	p.CNAME = p.CNAME[:min(len(p.CNAME), 255)]
	if err := e.reserve(p); err != nil {
		return nil, err
	}
	s := &Stream{engine: e, shard: e.shardOf(p.Group), board: p.Board, slot: p.Slot, cname: p.CNAME, onEvent: p.OnEvent}
	l := &leg{stream: s, shard: s.shard, slot: p.Slot, log: e.log.With("leg", p.Name), closed: true}
	l.line = newTimeline(uint16(rand.Uint32()), rand.Uint32())
	l.source.state = sourceClosed
	l.setSSRC(rand.Uint32())
	s.leg = l
	err := e.bind(s)
	e.alarm.look(e.Usage())
	if err != nil {
		e.vacate(p.Board, p.Slot)
		return nil, err
	}
	if err := e.admit(s, p); err != nil {
		s.media.close()
		s.control.close()
		e.ports.release(s.port)
		e.vacate(p.Board, p.Slot)
		return nil, err
	}
	return s, nil
}

// bind deals ports until both of a pair can be bound.
func (e *Engine) bind(s *Stream) error {
	tries := systemTries
	if e.ports.bounded() {
		tries = e.ports.total
	}
	var last error
	for range tries {
		port, ok := e.ports.take()
		if !ok {
			break
		}
		if last = e.bindPair(s, port); last == nil {
			s.port = port
			return nil
		}
		e.ports.giveBack(port)
	}
	return &PortsError{Usage: e.Usage(), Cause: last}
}

// admit seats the leg at its desk, on the loop.
func (e *Engine) admit(s *Stream, p OpenParams) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	seat := func() {
		now := s.shard.now()
		s.leg.closed = false
		s.leg.lastIn = now
		s.leg.control.plan(now)
		s.shard.seat(s.leg, p.Group, p.Board)
	}
	if e.state == engineStopped || !s.shard.mail.put(seat, 0) {
		return ErrStopped
	}
	e.streams[s] = struct{}{}
	return nil
}
