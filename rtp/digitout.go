package rtp

import (
	"encoding/binary"
	"time"
)

const (
	eventVolume   = 10 // −10 dBm0
	maxEventTicks = 0xFFFF
	endRepeats    = 2 // the final packet is sent three times, RFC 4733 §2.5.1.4
)

// digitPhase is where the sender of digits stands:
//
//	idle ─▶ event ─▶ ending (E ×3) ─▶ gap ─▶ idle
//	  ╰───▶ pause ───────────────────────────▶╯
type digitPhase uint8

const (
	digitIdle digitPhase = iota + 1
	digitEvent
	digitEnding
	digitGap
	digitPause
)

// digitJob is what one call of Digits queued.
type digitJob struct {
	digits []Digit
	next   int
	sent   int
}

// digitOut sends queued digits as RFC 4733 events, one packet a tick. It is pure: the time is the timestamp of the slot.
type digitOut struct {
	jobs  []*digitJob
	phase digitPhase
	code  uint8
	start uint32 // timestamp of the event or of its present segment
	want  uint32 // samples from start to the end of the event
	until uint32 // timestamp at which gap or pause ends
	gap   uint32
	left  int // repeats of the final packet
}

// digitPacket is what a tick sends. When event is false it is a frame of silence.
type digitPacket struct {
	event   bool
	marker  bool
	ts      uint32
	payload [4]byte
}

func samplesOf(d time.Duration) uint32 { return uint32(d / sampleTime) }

func (d *digitOut) active() bool { return len(d.jobs) > 0 }

func (d *digitOut) queue(digits []Digit) {
	if !d.active() {
		d.phase = digitIdle
	}
	d.jobs = append(d.jobs, &digitJob{digits: digits})
}

// step gives the packet for the slot with timestamp ts. finished is the job that ended, if one did; then there may be no
// packet (ok false) and the slot is free for audio.
func (d *digitOut) step(ts uint32) (p digitPacket, ok bool, finished *digitJob) {
	switch d.phase {
	case digitEvent:
		return d.event(ts), true, nil
	case digitEnding:
		d.left--
		if d.left == 0 {
			d.phase = digitGap
		}
		return d.packet(d.want, true), true, nil
	case digitGap, digitPause:
		if int32(ts-d.until) < 0 {
			return digitPacket{ts: ts}, true, nil
		}
		d.phase = digitIdle
	}
	if len(d.jobs) == 0 {
		return digitPacket{}, false, nil
	}
	job := d.jobs[0]
	if job.next == len(job.digits) {
		d.jobs = d.jobs[1:]
		p, ok, _ = d.step(ts)
		return p, ok, job
	}
	return d.begin(ts, job), true, nil
}

// begin starts the job's next digit. Jobs are never empty, so step recurses once at most.
func (d *digitOut) begin(ts uint32, job *digitJob) digitPacket {
	g := job.digits[job.next]
	job.next++
	d.start = ts
	d.want = samplesOf(g.Duration)
	if g.Code == ',' {
		d.phase, d.until = digitPause, ts+d.want
		return digitPacket{ts: ts}
	}
	job.sent++
	d.phase, d.gap = digitEvent, samplesOf(g.Gap)
	d.code, _ = eventCode(g.Code)
	p := d.packet(FrameSamples, false)
	p.marker = true
	return p
}

// event reports the running event, ends it, or closes a segment that the duration field cannot hold (§2.5.1.3).
func (d *digitOut) event(ts uint32) digitPacket {
	run := ts - d.start + FrameSamples
	switch {
	case d.want <= maxEventTicks && run >= d.want:
		d.phase, d.left = digitEnding, endRepeats
		d.until = d.start + d.want + d.gap
		return d.packet(d.want, true)
	case run > maxEventTicks:
		p := d.packet(maxEventTicks, false)
		d.start += maxEventTicks
		d.want -= maxEventTicks
		return p
	}
	return d.packet(run, false)
}

func (d *digitOut) packet(duration uint32, end bool) digitPacket {
	p := digitPacket{event: true, ts: d.start}
	p.payload[0] = d.code
	p.payload[1] = eventVolume
	if end {
		p.payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p.payload[2:], uint16(duration))
	return p
}

// abort empties the queue and returns the unfinished jobs.
func (d *digitOut) abort() []*digitJob {
	jobs := d.jobs
	if len(jobs) > 0 && (d.phase == digitEvent || d.phase == digitEnding) {
		jobs[0].sent--
	}
	d.jobs, d.phase = nil, digitIdle
	return jobs
}
