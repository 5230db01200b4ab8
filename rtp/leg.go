package rtp

import (
	"log/slog"
	"net/netip"
	"time"
)

// leg is the loop's side of a stream: receiver and sender of one party. Only the shard's loop touches it.
type leg struct {
	stream *Stream
	shard  *shard
	desk   *desk
	slot   int
	log    *slog.Logger
	params Params
	closed bool

	// Receiver.
	source     sourcePolicy
	heard      reception
	marks      [2]mark       // where the recent past began, and where the next one will
	jitter     *jitterBuffer // made when first wanted
	digitsIn   digitIn
	seenRemote bool // a packet came since Remote changed
	lastIn     time.Duration
	timedOut   bool

	// Sender.
	line      timeline
	ssrc      uint32
	digitsOut digitOut
	looped    netip.AddrPort // source that collided with our SSRC already

	// RTCP.
	control    control
	remoteRTCP netip.AddrPort

	count counters
}

// counters that are not kept elsewhere.
type counters struct {
	sent, sentOctets, relayed, sendErrors              uint64
	foreign, malformed, unknownPT, overlap, rtcpErrors uint64
}

// update applies negotiated parameters. Nothing is reset unless address, port or codec changed.
func (l *leg) update(now time.Duration, p Params) {
	old := l.params
	l.params = p
	if !old.sameRemote(p) {
		l.source.set(p.Remote, p.Learn)
		l.remoteRTCP = p.RemoteRTCP
		l.looped = netip.AddrPort{}
		l.seenRemote = false
		l.lastIn, l.timedOut = now, false
		l.control.bye = false
	} else {
		l.source.allow(p.Learn)
	}
	if old.Timeout != p.Timeout {
		l.lastIn, l.timedOut = now, false
	}
	if !p.Recv || !old.sameCodec(p) {
		l.desk.hush(l.slot)
		if l.jitter != nil {
			l.jitter.reset(p.Codec.silence())
		}
	}
	if !p.Send {
		l.line.interrupt()
		l.abortDigits(ErrNotSending)
	} else if p.EventSendPT == 0 {
		l.abortDigits(ErrNoTelephoneEvent)
	}
}

// packet takes one datagram. p goes back to its pool afterwards.
func (l *leg) packet(now time.Duration, p *packet) {
	switch {
	case l.closed:
	case p.rtcp:
		l.controlPacket(now, p)
	default:
		l.media(now, p)
	}
}

// media takes an RTP packet: source, form and payload type first, then figures, then its hearers.
func (l *leg) media(now time.Duration, p *packet) {
	if l.source.hopeless(p.from) {
		l.count.foreign++
		return
	}
	in := &l.shard.scratch.in
	data := p.data()
	if !in.parse(data) {
		l.count.malformed++
		return
	}
	pt := in.head.PayloadType
	event := l.params.EventRecvPT != 0 && pt == l.params.EventRecvPT
	if !event && pt != l.params.RecvPT {
		l.count.unknownPT++
		return
	}
	switch l.source.check(now, p.from, in.head.SSRC, in.head.SequenceNumber) {
	case foreign:
		l.count.foreign++
		return
	case learnt:
		l.follow(p.from)
	}
	if in.head.SSRC == l.ssrc {
		l.collide(now, p.from)
	}
	payload := data[in.off:in.end]
	if !l.heard.arrive(now, in.head.SSRC, in.head.SequenceNumber, in.head.Timestamp, len(payload), !event) {
		return
	}
	l.alive(now, p.from)
	if l.params.Recv {
		l.hand(now, in, data, payload, event)
	}
}

// hand gives an accepted packet to those who hear it.
func (l *leg) hand(now time.Duration, in *parsed, data, payload []byte, event bool) {
	if event {
		found, n, ok := l.digitsIn.push(now, in.head.SSRC, in.head.Timestamp, payload)
		if !ok {
			l.count.malformed++
			return
		}
		for _, d := range found[:n] {
			l.digit(d)
		}
	} else if l.desk.board.Wants(l.slot) {
		l.buffer().push(now, in.head.Timestamp, payload)
	}
	l.desk.relay(now, l, data, event)
}

func (l *leg) buffer() *jitterBuffer {
	if l.jitter == nil {
		l.jitter = new(jitterBuffer)
		l.jitter.reset(l.params.Codec.silence())
	}
	return l.jitter
}

// pull gives the next frame of the leg's jitter buffer.
func (l *leg) pull(now time.Duration, dst []byte) bool {
	return l.jitter != nil && l.jitter.pull(now, dst)
}

func (l *leg) alive(now time.Duration, from netip.AddrPort) {
	l.lastIn, l.timedOut = now, false
	if !l.seenRemote {
		l.seenRemote = true
		l.tell(Event{Kind: EventFirstPacket, Addr: from}, true)
	}
}

// follow sends to a learnt source from now on, RTCP to the port above until it is seen to come from another.
func (l *leg) follow(from netip.AddrPort) {
	if from.Port() < 65535 {
		l.remoteRTCP = netip.AddrPortFrom(from.Addr(), from.Port()+1)
	}
	l.log.Debug("media source learnt", "remote", from)
	l.tell(Event{Kind: EventSourceLocked, Addr: from}, true)
}

// watch looks after everything that only time brings.
func (l *leg) watch(now time.Duration) {
	if d, ok := l.digitsIn.expire(now); ok {
		l.digit(d)
	}
	if t := l.params.Timeout; t > 0 && !l.timedOut && now-l.lastIn >= t {
		l.timedOut = true
		l.tell(Event{Kind: EventTimeout}, false)
	}
	if now >= l.control.next {
		l.control.plan(now)
		l.remember()
		if l.count.sent > 0 || l.heard.started {
			l.report(now, false)
		}
	}
}

func (l *leg) digit(d heardDigit) {
	l.tell(Event{Kind: EventDigit, Code: d.code, Duration: time.Duration(d.samples) * sampleTime}, true)
}

// tell queues an event. Those that the wire causes may be dropped.
func (l *leg) tell(e Event, droppable bool) { l.stream.tell(e, droppable) }

// close says BYE and takes the leg away. The stream closes the sockets.
func (l *leg) close(now time.Duration) {
	if l.closed {
		return
	}
	if l.count.sent > 0 || l.heard.started {
		l.report(now, true)
	}
	l.abortDigits(ErrClosed)
	l.desk.leave(l)
	l.closed = true
}
