package rtp

import "time"

const (
	frameTime   = 20 * time.Millisecond
	sampleTime  = time.Second / 8000
	maxFill     = 3                      // silence frames put between two feeds so that the receiver sees no hole
	maxRelayGap = 1000                   // packets; a larger step of the sequence starts a new run
	maxDesync   = 500 * time.Millisecond // a relayed source further off our clock than this is set to the clock
)

// feed is what drives the sender at the moment.
type feed uint8

const (
	feedNone  feed = iota + 1
	feedRelay      // packets of another leg
	feedTick       // frames made on our tick: mix, music, own digits
)

// stamp is the place of one packet in the sender's stream. fill silence frames go before it, with the fill sequence
// numbers and timestamps just below.
type stamp struct {
	seq    uint16
	ts     uint32
	marker bool
	fill   int
}

// inbound describes a packet to be relayed. samples is its length, for an event its duration so far.
type inbound struct {
	slot    int
	ssrc    uint32
	seq     uint16
	ts      uint32
	samples uint32
	marker  bool
	event   bool
}

// timeline gives each packet of a sender its sequence number and timestamp (RFC 3550 §5.1), through any change of feed:
//
//	none ──▶ relay ◀──▶ tick      a change is placed by the clock: timestamp +160·k, k = rounded elapsed time / 20 ms,
//	          ╰─╯ other source    k = 0 drops that one frame
//
// Within a relay run both numbers are the source's plus a constant, so that loss and reordering stay visible; within a
// tick run the timestamp counts ticks. at is the nominal time of ts: it advances by whole frames only, so rounding
// never adds up; a source's clock drift is followed slowly.
//
// The machine is pure: time comes in as now, the time since the engine's epoch.
type timeline struct {
	feed    feed
	started bool
	renewed bool // the SSRC changed: mark the next packet
	seq     uint16
	ts      uint32
	at      time.Duration
	samples uint32 // length of the last audio packet
	tickN   int64
	run     relayRun
}

// relayRun is one uninterrupted stretch of packets from one source.
type relayRun struct {
	slot   int
	ssrc   uint32
	hi     uint16 // highest sequence number of the source
	seen   seqWindow
	seqOff uint16
	tsOff  uint32
	phase  time.Duration // mean of arrival − at, measured at the start of the run
	n      int           // packets that phase is the mean of
}

const phasePackets = 32

func newTimeline(seq uint16, ts uint32) timeline { return timeline{feed: feedNone, seq: seq, ts: ts} }

// due tells how many frames after the last one now is. It is not ok when a packet now would overlap the last one.
func (t *timeline) due(now time.Duration) (k uint32, ok bool) {
	if !t.started {
		return 1, true
	}
	e := now - t.at + frameTime/2
	if e < frameTime {
		return 0, false
	}
	k = uint32(e / frameTime)
	return k, k*FrameSamples >= t.samples
}

// step moves the stream k frames on.
func (t *timeline) step(now time.Duration, k uint32) {
	if !t.started {
		t.started = true
		t.at = now
		t.ts += FrameSamples
		return
	}
	t.ts += k * FrameSamples
	t.at += time.Duration(k) * frameTime
}

// tick places a frame made on tick n, whose nominal time is now.
func (t *timeline) tick(now time.Duration, n int64) (stamp, bool) {
	k, fill, first := uint32(0), 0, !t.started
	if t.feed == feedTick {
		if n <= t.tickN {
			return stamp{}, false
		}
		k = uint32(n - t.tickN)
	} else {
		t.interrupt()
		var ok bool
		if k, ok = t.due(now); !ok {
			return stamp{}, false
		}
		fill = t.fillFor(k)
	}
	t.step(now, k)
	t.feed, t.tickN, t.samples = feedTick, n, FrameSamples
	t.seq += uint16(fill) + 1
	return t.mark(stamp{seq: t.seq, ts: t.ts, fill: fill, marker: first || int(k) > fill+1}), true
}

// fillFor tells how many silence frames bridge a change of feed; none at the start or over a real gap.
func (t *timeline) fillFor(k uint32) int {
	if !t.started || k > maxFill+1 {
		return 0
	}
	return int(k) - 1
}

func (t *timeline) mark(s stamp) stamp {
	if t.renewed {
		s.marker, t.renewed = true, false
	}
	return s
}

// relay places a packet of another leg. When it is not ok the packet is not sent.
func (t *timeline) relay(now time.Duration, in inbound) (stamp, bool) {
	if t.inRun(in) {
		if s, ok, follows := t.follow(now, in); follows {
			return s, ok
		}
	}
	return t.rebase(now, in)
}

func (t *timeline) inRun(in inbound) bool {
	if t.feed != feedRelay || t.run.slot != in.slot || t.run.ssrc != in.ssrc {
		return false
	}
	d := int16(in.seq - t.run.hi)
	return d <= maxRelayGap && d >= -maxMisorder
}

// follow keeps the run's offsets. follows is false when the source made a step that needs a new run.
func (t *timeline) follow(now time.Duration, in inbound) (s stamp, ok, follows bool) {
	r := &t.run
	s = stamp{seq: in.seq + r.seqOff, ts: in.ts + r.tsOff, marker: in.marker}
	d := int16(in.seq - r.hi)
	if d <= 0 {
		return s, r.seen.add(in.seq), true
	}
	dts := int32(s.ts - t.ts)
	if in.event {
		if dts > 16000 || dts < -2*0xFFFF {
			return s, false, false
		}
		dts = max(dts, 0) // updates carry the start of the event
	} else {
		if dts <= 0 {
			return s, false, false
		}
		off := now - t.at - time.Duration(dts)*sampleTime
		if off > maxDesync || off < -maxDesync {
			return s, false, false
		}
		t.track(off)
		t.samples = in.samples
	}
	t.at += time.Duration(dts) * sampleTime
	t.ts += uint32(dts)
	t.seq += uint16(d)
	r.hi = in.seq
	r.seen.add(in.seq)
	return t.mark(s), true, true
}

// track follows the drift of the source's clock against ours. The phase with which the run began is kept: it is the
// rounding of the last change of feed, which must not be lost or it would add up.
func (t *timeline) track(off time.Duration) {
	r := &t.run
	if r.n < phasePackets {
		r.n++
		r.phase += (off - r.phase) / time.Duration(r.n)
		return
	}
	t.at += (off - r.phase) / 64
}

// rebase starts a relay run with this packet, placed by the clock.
func (t *timeline) rebase(now time.Duration, in inbound) (stamp, bool) {
	t.interrupt() // also when this packet is dropped: the old run would go on with a hole
	k, ok := t.due(now)
	if !ok {
		return stamp{}, false
	}
	if in.event && t.started && in.samples > FrameSamples {
		// Joining in the middle of an event: its timestamp is its start, which lies back.
		k -= min((in.samples-1)/FrameSamples, k-1)
	}
	first, fill := !t.started, t.fillFor(k)
	t.step(now, k)
	t.seq += uint16(fill) + 1
	t.feed = feedRelay
	t.samples = in.samples
	if in.event {
		t.samples = 0
	}
	t.run = relayRun{slot: in.slot, ssrc: in.ssrc, hi: in.seq, seqOff: t.seq - in.seq, tsOff: t.ts - in.ts,
		phase: now - t.at, n: 1}
	t.run.seen.start(in.seq)
	jump := first || int(k) > fill+1
	return t.mark(stamp{seq: t.seq, ts: t.ts, fill: fill, marker: in.marker || jump && !in.event}), true
}

// interrupt ends a relay run: the next packet is placed by the clock.
func (t *timeline) interrupt() {
	if t.feed == feedRelay {
		t.feed = feedNone
	}
}

// swallow tells that a packet of the present run is left out on purpose, so that it makes no hole in the sequence.
func (t *timeline) swallow(in inbound) {
	if !t.inRun(in) {
		return
	}
	d := int16(in.seq - t.run.hi)
	if d <= 0 {
		return
	}
	t.seq += uint16(d) - 1
	t.run.hi = in.seq
	t.run.seqOff--
	t.run.seen.start(in.seq) // what comes late from before would get a wrong number
}

// renew tells that the SSRC changed (RFC 3550 §8.2).
func (t *timeline) renew() { t.renewed = true }
