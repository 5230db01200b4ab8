package rtp

import "time"

// maxCatchUp is how many late ticks are made up for; beyond it they are skipped.
const maxCatchUp = 2

// metronome is the absolute 20 ms schedule of a shard: tick n is at origin + n·20 ms, whenever it is run.
type metronome struct {
	origin  time.Duration
	done    int64 // last tick run or skipped
	skipped uint64
}

// due tells which ticks are to be run at now: from first to last, none when first > last. Later than two frames, all but
// the last are skipped and counted.
func (m *metronome) due(now time.Duration) (first, last int64) {
	last = int64((now - m.origin) / frameTime)
	first = m.done + 1
	if late := last - m.done - 1; late > maxCatchUp {
		m.skipped += uint64(late)
		first = last
	}
	if last > m.done {
		m.done = last
	}
	return first, last
}

// at is the nominal time of tick n.
func (m *metronome) at(n int64) time.Duration { return m.origin + time.Duration(n)*frameTime }

// next is the nominal time of the next tick.
func (m *metronome) next() time.Duration { return m.at(m.done + 1) }

// wake goes on after a rest, in which no tick was due, with the tick after now.
func (m *metronome) wake(now time.Duration) { m.done = max(m.done, int64((now-m.origin)/frameTime)) }
