package rtp

import (
	"net/netip"
	"sync/atomic"
)

const (
	maxDatagram  = 1600 // a datagram that fills it is dropped: it was longer
	headerLen    = 12   // fixed part of the RTP header
	shardQueue   = 4096 // packets that may wait for a shard's loop
	streamQueue  = 64   // of these, packets of one stream, so that a flood of one port starves no other
	maxWireEvent = 1024 // events, caused by the wire, that may wait for their callbacks
)

// packet is one datagram on its way from a reader to the loop. Whoever holds it owns it: the reader until it is handed
// over, then the loop, which gives it back to the pool.
type packet struct {
	stream *Stream
	rtcp   bool
	from   netip.AddrPort
	n      int
	buf    [maxDatagram]byte
}

func (p *packet) data() []byte { return p.buf[:p.n] }

// pool lends packets, up to a ceiling.
type pool struct {
	free chan *packet
	made atomic.Int64
}

func newPool(size int) *pool { return &pool{free: make(chan *packet, size)} }

// get gives nil when the ceiling is reached.
func (p *pool) get() *packet {
	select {
	case b := <-p.free:
		return b
	default:
	}
	if p.made.Add(1) > int64(cap(p.free)) {
		p.made.Add(-1)
		return nil
	}
	return new(packet)
}

func (p *pool) put(b *packet) {
	b.stream = nil
	select {
	case p.free <- b:
	default:
	}
}

// inlet is where the reader of one socket puts what it read.
type inlet struct {
	shard  *shard
	stream *Stream
	rtcp   bool
}

// deliver hands over full, which was read from a socket, and returns a packet to read into next: another one, or full
// itself when a queue or the pool is at its bound and the datagram is dropped.
func (in inlet) deliver(full *packet) *packet {
	if full.n >= maxDatagram || full.n == 0 {
		in.stream.oversized.Add(1)
		return full
	}
	if in.stream.waiting.Add(1) > streamQueue {
		return in.drop(full)
	}
	next := in.shard.pool.get()
	if next == nil {
		return in.drop(full)
	}
	full.stream, full.rtcp = in.stream, in.rtcp
	select {
	case in.shard.queue <- full:
		return next
	default:
		in.shard.pool.put(next)
		return in.drop(full)
	}
}

func (in inlet) drop(full *packet) *packet {
	in.stream.waiting.Add(-1)
	in.stream.queueDropped.Add(1)
	in.shard.dropped.Add(1)
	return full
}
