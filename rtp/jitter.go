package rtp

import "time"

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
	have    [jitterRing]bool
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
	for i, b := range payload {
		if p := at + int64(i); p >= j.read {
			j.data[p&(jitterRing-1)], j.have[p&(jitterRing-1)] = b, true
		}
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

func (j *jitterBuffer) take(dst []byte) bool {
	n := 0
	for i := range FrameSamples {
		p := (j.read + int64(i)) & (jitterRing - 1)
		if j.have[p] {
			dst[i] = j.data[p]
			j.have[p] = false
			n++
		} else {
			dst[i] = j.fill
		}
	}
	j.read += FrameSamples
	return n > 0
}

// skipTo leaves out everything before the extended timestamp to.
func (j *jitterBuffer) skipTo(to int64) {
	if to-j.read >= jitterRing {
		clear(j.have[:])
		j.read = to
		return
	}
	for ; j.read < to; j.read++ {
		j.have[j.read&(jitterRing-1)] = false
	}
}
