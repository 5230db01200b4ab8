package rtp

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimelineDue(t *testing.T) {
	for _, c := range []struct {
		elapsed time.Duration
		samples uint32
		k       uint32
		ok      bool
	}{
		{0, 160, 0, false},
		{9 * time.Millisecond, 160, 0, false},
		{10 * time.Millisecond, 160, 1, true},
		{29 * time.Millisecond, 160, 1, true},
		{30 * time.Millisecond, 160, 2, true},
		{20 * time.Millisecond, 240, 1, false}, // would overlap a packet of 30 ms
		{30 * time.Millisecond, 240, 2, true},
		{-time.Second, 160, 0, false},
		{time.Hour, 160, 180000, true},
	} {
		line := timeline{started: true, at: time.Minute, samples: c.samples}
		if k, ok := line.due(time.Minute + c.elapsed); ok != c.ok || ok && k != c.k {
			t.Errorf("%v after a packet of %d: %d %v, want %d %v", c.elapsed, c.samples, k, ok, c.k, c.ok)
		}
	}
}

// feeder is a peer with jitter whose packets reach a timeline.
type feeder struct {
	slot  int
	ssrc  uint32
	seq   uint16
	ts    uint32
	phase time.Duration
}

func (f *feeder) at(frame int, jitter time.Duration) time.Duration {
	return time.Duration(frame)*frameTime + f.phase + jitter
}

// TestTimelineProperty runs a sender through random changes of feed, and silence, with feeds of random phase.
func TestTimelineProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := newTimeline(rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts"))
		feeders := []*feeder{}
		for i := range 3 {
			feeders = append(feeders, &feeder{slot: i, ssrc: uint32(i + 1), seq: rapid.Uint16().Draw(t, "inSeq"), ts: rapid.Uint32().Draw(t, "inTS"),
				phase: time.Duration(rapid.IntRange(0, 19999).Draw(t, "phase")) * time.Microsecond})
		}
		out := &observer{t: t}
		feedNow, silent := 0, false
		for frame := 1; frame < 600; frame++ {
			if rapid.IntRange(0, 9).Draw(t, "switch") == 0 {
				feedNow = rapid.IntRange(0, 4).Draw(t, "feed")
				silent = feedNow == 4
			}
			for i, f := range feeders {
				f.seq++
				f.ts += FrameSamples
				if feedNow != i {
					continue
				}
				jitter := time.Duration(rapid.IntRange(0, 4000).Draw(t, "jitter")) * time.Microsecond
				now := max(f.at(frame, jitter), out.at)
				s, ok := line.relay(now, inbound{slot: i, ssrc: f.ssrc, seq: f.seq, ts: f.ts, samples: FrameSamples})
				out.see(now, s, ok)
			}
			if feedNow == 3 {
				now := max(time.Duration(frame)*frameTime, out.at)
				s, ok := line.tick(now, int64(frame))
				out.see(now, s, ok)
			}
			if silent {
				line.interrupt()
				out.quiet = true
			}
		}
	})
}

// observer checks each stamp as a strict receiver would, and against the clock.
type observer struct {
	t     *rapid.T
	n     int
	seq   uint16
	ts    uint32
	first time.Duration
	ts0   uint32
	quiet bool
	at    time.Duration
}

func (o *observer) see(now time.Duration, s stamp, ok bool) {
	if !ok {
		return
	}
	if o.n == 0 {
		o.first, o.ts0 = now, s.ts
		if !s.marker {
			o.t.Fatal("first packet lacks the marker")
		}
	} else {
		if got, want := s.seq-o.seq, uint16(s.fill)+1; got != want {
			o.t.Fatalf("packet %d: sequence +%d, want +%d", o.n, got, want)
		}
		d := s.ts - o.ts
		if d == 0 || d%FrameSamples != 0 || d > 1<<20 {
			o.t.Fatalf("packet %d: timestamp +%d", o.n, d)
		}
		if jump := int(d/FrameSamples) != s.fill+1; jump && !o.quiet {
			o.t.Fatalf("packet %d: timestamp +%d after %v with %d filled while someone was sending", o.n, d, now-o.at, s.fill)
		} else if jump && !s.marker {
			o.t.Fatalf("packet %d: jump without marker", o.n)
		}
	}
	off := now - o.first - time.Duration(s.ts-o.ts0)*sampleTime
	if off < -30*time.Millisecond || off > 30*time.Millisecond {
		o.t.Fatalf("packet %d: %v off the clock", o.n, off)
	}
	o.n++
	o.seq, o.ts, o.at, o.quiet = s.seq, s.ts, now, false
}

// TestTimelineNeverAccumulates changes the feed 20,000 times and ends true to the clock.
func TestTimelineNeverAccumulates(t *testing.T) {
	line := newTimeline(0, 0)
	rnd := rand.New(rand.NewPCG(1, 2))
	var ts0, last uint32
	var at time.Duration
	f := feeder{ssrc: 9, phase: 13 * time.Millisecond}
	for frame := range 100_000 {
		f.seq++
		f.ts += FrameSamples
		if frame/5%2 == 0 {
			now := f.at(frame, time.Duration(rnd.IntN(5000))*time.Microsecond)
			if s, ok := line.relay(now, inbound{ssrc: f.ssrc, seq: f.seq, ts: f.ts, samples: FrameSamples}); ok {
				last, at = s.ts, now
			}
		} else if s, ok := line.tick(time.Duration(frame)*frameTime, int64(frame)); ok {
			last, at = s.ts, time.Duration(frame)*frameTime
		}
		if frame == 0 {
			ts0 = last
		}
	}
	if off := at - time.Duration(last-ts0)*sampleTime; off < -50*time.Millisecond || off > 50*time.Millisecond {
		t.Errorf("%v off the clock after 20,000 changes", off)
	}
}

// TestTimelineDrift relays an hour of a peer whose clock is 200 ppm fast, then makes frames itself.
func TestTimelineDrift(t *testing.T) {
	line := newTimeline(0, 0)
	const frames = 180_000
	var last stamp
	var now time.Duration
	for i := range uint32(frames) {
		now = time.Duration(float64(i) * float64(frameTime) * (1 - 200e-6))
		s, ok := line.relay(now, inbound{ssrc: 1, seq: uint16(i), ts: i * 160, samples: 160})
		if !ok {
			t.Fatalf("packet %d dropped", i)
		}
		if i > 0 && (s.ts-last.ts != 160 || s.seq != last.seq+1) {
			t.Fatalf("packet %d: +%d", i, s.ts-last.ts)
		}
		last = s
	}
	s, ok := line.tick(now+frameTime, 1)
	if !ok || s.ts-last.ts != 160 {
		t.Fatalf("after an hour of drift: +%d %v", s.ts-last.ts, ok)
	}
}

func TestTimelineKeepsLossAndOrder(t *testing.T) {
	line := newTimeline(100, 1000)
	in := func(seq uint16) inbound {
		return inbound{ssrc: 1, seq: seq, ts: uint32(seq) * 160, samples: 160}
	}
	at := func(seq uint16) time.Duration { return time.Duration(seq) * frameTime }
	first, _ := line.relay(at(10), in(10))
	if _, ok := line.relay(at(10), in(9)); ok {
		t.Error("a packet from before the run went out")
	}
	third, _ := line.relay(at(12), in(12))
	if third.seq != first.seq+2 || third.ts != first.ts+320 {
		t.Errorf("the hole was closed: %+v after %+v", third, first)
	}
	second, ok := line.relay(at(12), in(11))
	if !ok || second.seq != first.seq+1 || second.ts != first.ts+160 {
		t.Errorf("late packet: %+v %v", second, ok)
	}
	if _, ok := line.relay(at(12), in(11)); ok {
		t.Error("a duplicate went out")
	}
	line.swallow(in(13))
	fifth, _ := line.relay(at(14), in(14))
	if fifth.seq != third.seq+1 || fifth.ts != third.ts+320 {
		t.Errorf("after a packet left out: %+v after %+v", fifth, third)
	}
}

// TestTimelineRestartOfSource covers steps of a source's numbers and a stalled clock.
func TestTimelineRestartOfSource(t *testing.T) {
	for _, c := range []struct {
		name string
		in   inbound
		wait time.Duration
		k    uint32
	}{
		{"sequence leaps", inbound{ssrc: 1, seq: 40000, ts: 1600 + 160, samples: 160}, frameTime, 1},
		{"timestamp leaps", inbound{ssrc: 1, seq: 11, ts: 1 << 30, samples: 160}, frameTime, 1},
		{"timestamp goes back", inbound{ssrc: 1, seq: 11, ts: 800, samples: 160}, frameTime, 1},
		{"other ssrc", inbound{ssrc: 2, seq: 7, ts: 99, samples: 160}, frameTime, 1},
		{"clock stood still for 3 s", inbound{ssrc: 1, seq: 11, ts: 1600 + 160, samples: 160}, 3 * time.Second, 150},
		{"silence suppression", inbound{ssrc: 1, seq: 11, ts: 1600 + 24000, samples: 160}, 3 * time.Second, 150},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline(5, 5)
			a, _ := line.relay(time.Second, inbound{ssrc: 1, seq: 10, ts: 1600, samples: 160})
			b, ok := line.relay(time.Second+c.wait, c.in)
			if !ok || b.seq != a.seq+1 || b.ts != a.ts+c.k*160 {
				t.Errorf("%+v %v after %+v, want +%d frames", b, ok, a, c.k)
			}
		})
	}
}

func TestTimelineBurstAfterStall(t *testing.T) {
	line := newTimeline(0, 0)
	base, now := uint32(0), time.Second
	for i := range uint32(50) {
		s, _ := line.relay(now, inbound{ssrc: 1, seq: uint16(i), ts: i * 160, samples: 160})
		base = s.ts - i*160
		now += frameTime
	}
	now += 2 * time.Second // the network stalls, then all comes at once
	for i := uint32(50); i < 150; i++ {
		line.relay(now, inbound{ssrc: 1, seq: uint16(i), ts: i * 160, samples: 160})
	}
	now += frameTime
	s, ok := line.relay(now, inbound{ssrc: 1, seq: 150, ts: 150 * 160, samples: 160})
	for i := uint32(151); !ok && i < 200; i++ {
		now += frameTime
		s, ok = line.relay(now, inbound{ssrc: 1, seq: uint16(i), ts: i * 160, samples: 160})
	}
	ahead := time.Duration(s.ts-base)*sampleTime - (now - time.Second)
	if !ok || ahead > maxDesync+frameTime || ahead < -maxDesync-frameTime {
		t.Errorf("%v ahead of the clock after a burst", ahead)
	}
}

// TestTimelineJoinsEvent starts relaying in the middle of a telephone-event: the audio after it must not run ahead.
func TestTimelineJoinsEvent(t *testing.T) {
	line := newTimeline(0, 0)
	var last stamp
	for n := range int64(10) {
		last, _ = line.tick(time.Duration(n)*frameTime, n)
	}
	now := 9*frameTime + 200*time.Millisecond
	s, ok := line.relay(now, inbound{ssrc: 1, seq: 1, ts: 5000, samples: 800, event: true})
	if !ok || (s.ts-last.ts)%160 != 0 || s.ts-last.ts != 6*160 {
		t.Fatalf("event joined at +%d, want +960 (200 ms less four frames)", s.ts-last.ts)
	}
	after, ok := line.relay(now+frameTime, inbound{ssrc: 1, seq: 2, ts: 5000 + 800, samples: 160})
	if !ok || after.ts-last.ts != 11*160 {
		t.Errorf("audio after the event at +%d", after.ts-last.ts)
	}
}

func TestTimelineCatchesLateTicks(t *testing.T) {
	m := metronome{}
	for _, c := range []struct {
		now         time.Duration
		first, last int64
		skipped     uint64
	}{
		{19 * time.Millisecond, 1, 0, 0},
		{20 * time.Millisecond, 1, 1, 0},
		{39 * time.Millisecond, 2, 1, 0},
		{81 * time.Millisecond, 2, 4, 0},      // two late: made up
		{161 * time.Millisecond, 8, 8, 3},     // three late: skipped
		{time.Second, 50, 50, 3 + 41},         // far late
		{1020 * time.Millisecond, 51, 51, 44}, // on time again
	} {
		first, last := m.due(c.now)
		if first != c.first || last != c.last || m.skipped != c.skipped {
			t.Errorf("at %v: ticks %d to %d, %d skipped; want %d to %d, %d", c.now, first, last, m.skipped, c.first, c.last, c.skipped)
		}
	}
}
