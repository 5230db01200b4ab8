package rtp

import (
	"bytes"
	"time"
)

const (
	jitterRing     = 4096                   // samples held at most, 512 ms
	jitterMin      = FrameSamples           // smallest target delay
	jitterMax      = 10 * FrameSamples      // largest target delay, 200 ms
	jitterWindow   = 10 * 8000              // samples over which delay extremes are remembered (twice)
	shrinkAfter    = 100                    // ticks with too much delay before a frame is skipped
	jitterRestart  = 2 * 8000               // a step of the timestamp beyond this starts anew
	jitterIdleTime = 500 * time.Millisecond // silence after which a later packet starts anew
)

// extremes keeps the smallest or largest value of the last one to two windows.
type extremes struct {
	since    int64
	cur, old int64
	set      bool
}

func (e *extremes) add(now, v int64, better func(a, b int64) bool) {
	switch {
	case !e.set:
		*e = extremes{since: now, cur: v, old: v, set: true}
	case now-e.since > jitterWindow:
		e.since, e.old, e.cur = now, e.cur, v
	case better(v, e.cur):
		e.cur = v
	}
}

func less(a, b int64) bool { return a < b }
func more(a, b int64) bool { return a > b }

// jitterBuffer brings G.711 packets of any length into 20 ms frames for the tick, a bounded and adapting time after
// they came: the target is the spread of the packets' transit times over the last 10 to 20 s plus one frame, within 20
// to 200 ms. It is pure: time comes in as now.
//
// Samples are kept in a ring by timestamp, so reordering, duplicates, loss, silence suppression and clock drift need no
// case of their own. Packets are copied; nothing of the caller is kept.
type jitterBuffer struct {
	fill    byte // codec's silence
	started bool
	base    uint32 // timestamp that stands for extended timestamp 0
	newest  int64  // extended timestamp after the newest sample
	read    int64  // extended timestamp of the next frame
	lastIn  time.Duration
	over    int // ticks with more delay than wanted
	fast    extremes
	spread  extremes
	target  int64
	late    uint64
	lost    uint64
	data    [jitterRing]byte
	have    [jitterRing]byte // 1 where data holds a sample
}

func (j *jitterBuffer) reset(fill byte) {
	late, lost := j.late, j.lost
	*j = jitterBuffer{fill: fill, target: jitterMin, late: late, lost: lost}
}

// delay is the present target.
func (j *jitterBuffer) delay() time.Duration {
	if !j.started {
		return 0
	}
	return time.Duration(j.target) * sampleTime
}

// push takes a packet that arrived now.
func (j *jitterBuffer) push(now time.Duration, ts uint32, payload []byte) {
	if len(payload) == 0 || len(payload) > jitterRing/2 {
		return
	}
	clock := int64(now / sampleTime)
	if j.started && now-j.lastIn > jitterIdleTime && j.newest <= j.read {
		j.reset(j.fill) // after a pause the delay is set anew, at no one's cost
	}
	at := int64(int32(ts-j.base-uint32(j.newest))) + j.newest
	if !j.started || at-j.newest > jitterRestart || j.newest-at > jitterRestart {
		j.reset(j.fill)
		j.started, j.base, at = true, ts, 0
		j.read = -jitterMin
	}
	j.lastIn = now
	j.adapt(clock, clock-at)
	end := at + int64(len(payload))
	if end <= j.read {
		j.late++
		return
	}
	if end-j.read > jitterRing { // sender's clock leapt: keep the newest
		j.skipTo(end - j.target)
	}
	if at < j.read { // its beginning is too late
		payload, at = payload[j.read-at:], j.read
	}
	for len(payload) > 0 {
		p := at & (jitterRing - 1)
		n := copy(j.data[p:], payload)
		for rest := j.have[p : p+int64(n)]; len(rest) > 0; {
			rest = rest[copy(rest, present[:]):]
		}
		payload, at = payload[n:], at+int64(n)
	}
	j.newest = max(j.newest, end)
}

// adapt learns the transit time (arrival less timestamp, in samples) of a packet.
func (j *jitterBuffer) adapt(clock, transit int64) {
	j.fast.add(clock, transit, less)
	dev := transit - min(j.fast.cur, j.fast.old)
	j.spread.add(clock, dev, more)
	want := max(j.spread.cur, j.spread.old) + FrameSamples
	want = (want + FrameSamples - 1) / FrameSamples * FrameSamples
	j.target = min(max(want, jitterMin), jitterMax)
}

// pull gives the next frame, of FrameSamples bytes in dst, or says that it is lost. now is the nominal time of the tick.
func (j *jitterBuffer) pull(now time.Duration, dst []byte) (ok bool) {
	if !j.started {
		return false
	}
	if ok = j.next(now, dst); !ok && now-j.lastIn < jitterIdleTime {
		j.lost++
	}
	return ok
}

func (j *jitterBuffer) next(now time.Duration, dst []byte) bool {
	// What would be played now lies delay samples behind the fastest packet.
	delay := int64(now/sampleTime) - j.read - min(j.fast.cur, j.fast.old)
	switch {
	case delay < j.target-FrameSamples/2:
		j.over = 0
		return false // wait one frame
	case delay > j.target+FrameSamples+FrameSamples/2:
		if j.over++; j.over >= shrinkAfter || delay > j.target+jitterMax {
			j.over = 0
			j.skipTo(j.read + FrameSamples)
		}
	default:
		j.over = 0
	}
	return j.take(dst)
}

// present marks a frame's worth of samples.
var present = [FrameSamples]byte(bytes.Repeat([]byte{1}, FrameSamples))

// take gives the frame at read, with silence where samples are missing; it is false when all are.
func (j *jitterBuffer) take(dst []byte) bool {
	dst = dst[:FrameSamples]
	some := false
	for n := 0; n < FrameSamples; {
		p := (j.read + int64(n)) & (jitterRing - 1)
		have := j.have[p:min(p+int64(FrameSamples-n), jitterRing)]
		data := j.data[p : p+int64(len(have))]
		if bytes.IndexByte(have, 0) < 0 {
			copy(dst[n:], data)
			some = true
		} else {
			for i, h := range have {
				if dst[n+i] = j.fill; h != 0 {
					dst[n+i], some = data[i], true
				}
			}
		}
		clear(have)
		n += len(have)
	}
	j.read += FrameSamples
	return some
}

// skipTo leaves out everything before the extended timestamp to.
func (j *jitterBuffer) skipTo(to int64) {
	if to-j.read >= jitterRing {
		clear(j.have[:])
		j.read = to
		return
	}
	for ; j.read < to; j.read++ {
		j.have[j.read&(jitterRing-1)] = 0
	}
}
