package rtp

import "time"

// sendable says that our direction and the peer's address let us send.
func (l *leg) sendable() bool { return l.params.Send && reachable(l.source.target()) }

// relay takes over a packet of another leg, which lies parsed in the scratch: the fixed header is written anew right before
// the payload, the payload stays untouched.
func (l *leg) relay(now time.Duration, slot int, data []byte, event bool) {
	if !l.sendable() || l.digitsOut.active() {
		l.line.interrupt()
		return
	}
	in := &l.shard.scratch.in
	p := inbound{slot: slot, ssrc: in.head.SSRC, seq: in.head.SequenceNumber, ts: in.head.Timestamp,
		marker: in.head.Marker, event: event, samples: uint32(in.end - in.off)}
	pt := l.params.SendPT
	if event {
		if pt = l.params.EventSendPT; pt == 0 {
			l.line.swallow(p)
			return
		}
		p.samples = uint32(data[in.off+2])<<8 | uint32(data[in.off+3])
	}
	s, ok := l.line.relay(now, p)
	if !ok {
		l.count.overlap++
		return
	}
	l.fill(s)
	out := data[in.off-headerLen : in.end]
	putHeader(out, pt, s, l.ssrc)
	l.count.relayed++
	l.emit(out)
}

// tick sends what the leg hears on this tick, unless it hears a relayed leg.
func (l *leg) tick(at time.Duration, n int64) {
	if !l.sendable() {
		l.line.interrupt()
		return
	}
	if l.digitsOut.active() {
		l.sendDigits(at, n)
		return
	}
	if from := l.desk.board.RelayFrom(l.slot); from >= 0 {
		if l.line.run.slot != from {
			l.line.interrupt()
		}
		return
	}
	l.line.interrupt()
	out := l.shard.scratch.out[:]
	size := l.desk.board.Mix(l.slot, out[headerLen:])
	if size <= 0 || size > len(out)-headerLen {
		return
	}
	s, ok := l.line.tick(at, n)
	if !ok {
		l.count.overlap++
		return
	}
	l.fill(s)
	out = out[:headerLen+size]
	putHeader(out, l.params.SendPT, s, l.ssrc)
	l.emit(out)
}

// sendDigits sends one packet of the digit queue in place of audio.
func (l *leg) sendDigits(at time.Duration, n int64) {
	s, ok := l.line.tick(at, n)
	if !ok {
		l.count.overlap++
		return
	}
	l.fill(s)
	p, ok, finished := l.digitsOut.step(s.ts)
	if finished != nil {
		l.digitsDone(finished, nil)
	}
	if !ok || !p.event {
		l.silent(s)
		return
	}
	out := l.shard.scratch.out[:headerLen+len(p.payload)]
	copy(out[headerLen:], p.payload[:])
	s.ts, s.marker = p.ts, p.marker
	putHeader(out, l.params.EventSendPT, s, l.ssrc)
	l.emit(out)
}

// fill sends the silence frames that go before a packet.
func (l *leg) fill(s stamp) {
	for i := s.fill; i > 0; i-- {
		l.silent(stamp{seq: s.seq - uint16(i), ts: s.ts - uint32(i)*FrameSamples})
	}
}

// silent sends a frame of silence.
func (l *leg) silent(s stamp) {
	b := l.shard.scratch.silence[:]
	quiet := l.params.Codec.silence()
	for i := headerLen; i < len(b); i++ {
		b[i] = quiet
	}
	putHeader(b, l.params.SendPT, s, l.ssrc)
	l.emit(b)
}

func (l *leg) emit(b []byte) {
	if err := l.stream.media.send(b, l.source.target()); err != nil {
		l.count.sendErrors++
		return
	}
	l.count.sent++
	l.count.sentOctets += uint64(len(b) - headerLen)
}

// queueDigits takes digits whose form was checked.
func (l *leg) queueDigits(digits []Digit) {
	switch {
	case l.closed:
		l.digitsDone(&digitJob{digits: digits}, ErrClosed)
	case !l.params.Send:
		l.digitsDone(&digitJob{digits: digits}, ErrNotSending)
	case l.params.EventSendPT == 0:
		l.digitsDone(&digitJob{digits: digits}, ErrNoTelephoneEvent)
	default:
		l.digitsOut.queue(digits)
	}
}

func (l *leg) abortDigits(why error) {
	for _, job := range l.digitsOut.abort() {
		l.digitsDone(job, why)
	}
}

func (l *leg) digitsDone(job *digitJob, err error) {
	l.stream.queued.Add(-int64(len(job.digits)))
	l.tell(Event{Kind: EventDigitsDone, Sent: job.sent, Err: err}, false)
}
