package rtp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// arrival is one packet at the jitter buffer.
type arrival struct {
	at time.Duration
	n  int // frame number; its payload is full of byte(n) | 1
}

// play pushes the arrivals and pulls a frame every 20 ms, at the given phase; the result is the value of each frame, 0 = lost.
func play(j *jitterBuffer, arrivals []arrival, samples int, until time.Duration) (frames []byte) {
	dst := make([]byte, FrameSamples)
	payload := make([]byte, samples)
	for tick := frameTime; tick <= until; tick += frameTime {
		for len(arrivals) > 0 && arrivals[0].at <= tick {
			for i := range payload {
				payload[i] = byte(arrivals[0].n)<<1 | 1
			}
			j.push(arrivals[0].at, uint32(arrivals[0].n*samples)+0xFFFFF000, payload)
			arrivals = arrivals[1:]
		}
		if j.pull(tick, dst) {
			frames = append(frames, dst[0])
		} else {
			frames = append(frames, 0)
		}
	}
	return frames
}

func newJitter() *jitterBuffer {
	j := new(jitterBuffer)
	j.reset(0xFF)
	return j
}

// value is the first byte of frame n.
func value(n int) byte { return byte(n)<<1 | 1 }

func TestJitterInOrder(t *testing.T) {
	var in []arrival
	for n := range 300 {
		in = append(in, arrival{time.Duration(n)*frameTime + 7*time.Millisecond, n})
	}
	frames := play(newJitter(), in, FrameSamples, 6*time.Second)
	if frames[0] != 0 {
		t.Error("first frame played at once")
	}
	for i := 1; i < len(frames); i++ {
		if frames[i] != value(i-1) {
			t.Fatalf("tick %d plays %d, want frame %d", i, frames[i], i-1)
		}
	}
}

// TestJitterDisorder gives spread arrivals: after the target has grown nothing is late and order is right.
func TestJitterDisorder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	const count = 1500
	at := make([]arrival, count)
	for n := range at {
		at[n] = arrival{time.Duration(n)*frameTime + time.Duration(rnd.IntN(70))*time.Millisecond, n}
	}
	sortArrivals(at)
	j := newJitter()
	frames := play(j, at, FrameSamples, count*frameTime)
	lost := 0
	for _, f := range frames[250:] {
		if f == 0 {
			lost++
		}
	}
	if lost > 5 || j.late > 15 {
		t.Errorf("%d frames lost after settling, %d late in all", lost, j.late)
	}
	if d := j.delay(); d < 60*time.Millisecond || d > 120*time.Millisecond {
		t.Errorf("target %v for a spread of 70 ms", d)
	}
	rising(t, frames)
}

// rising checks that frames come in order, but for those left out or lost.
func rising(t *testing.T, frames []byte) {
	t.Helper()
	last := -1
	for i, f := range frames {
		if f == 0 {
			continue
		}
		n := int(f >> 1)
		if last >= 0 {
			if step := (n - last + 128) % 128; step == 0 || step > 20 {
				t.Fatalf("tick %d: frame %d after %d", i, n, last)
			}
		}
		last = n
	}
}

func sortArrivals(a []arrival) {
	for i := range a {
		for k := i; k > 0 && a[k].at < a[k-1].at; k-- {
			a[k], a[k-1] = a[k-1], a[k]
		}
	}
}

// TestJitterShrinks has a bad start and a calm rest: the delay comes back down.
func TestJitterShrinks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	const count = 2500
	at := make([]arrival, count)
	for n := range at {
		d := time.Duration(0)
		if n < 300 {
			d = time.Duration(rnd.IntN(120)) * time.Millisecond
		}
		at[n] = arrival{time.Duration(n)*frameTime + d, n}
	}
	sortArrivals(at)
	j := newJitter()
	frames := play(j, at, FrameSamples, count*frameTime)
	if j.delay() != frameTime {
		t.Errorf("target %v after 40 s of calm", j.delay())
	}
	if last := frames[len(frames)-1]; last != value(count-1) && last != value(count-2) && last != value(count-3) {
		t.Errorf("plays frame %d at the end, newest is %d", last>>1, (count-1)&0x7F)
	}
}

func TestJitterLossAndDuplicates(t *testing.T) {
	var in []arrival
	for n := range 200 {
		if n%10 == 3 {
			continue
		}
		in = append(in, arrival{time.Duration(n) * frameTime, n}, arrival{time.Duration(n) * frameTime, n})
	}
	frames := play(newJitter(), in, FrameSamples, 4*time.Second)
	for i := 10; i < len(frames)-3; i++ {
		n := int(frames[i] >> 1)
		switch {
		case frames[i] == 0:
			if before := int(frames[i-1] >> 1); before%10 != 2 && (before+128)%10 != 2 {
				t.Fatalf("tick %d lost after frame %d", i, before)
			}
		case n%128 != (i-2+200)%128 && n != (i-1)%128:
			t.Fatalf("tick %d plays frame %d", i, n)
		}
	}
}

// TestJitterPacketTimes re-frames packets of 10, 30 and 60 ms.
func TestJitterPacketTimes(t *testing.T) {
	for _, samples := range []int{80, 160, 240, 320, 480} {
		var in []arrival
		step := time.Duration(samples) * sampleTime
		count := int(4 * time.Second / step)
		for n := range count {
			in = append(in, arrival{time.Duration(n+1) * step, n})
		}
		j := newJitter()
		frames := play(j, in, samples, 4*time.Second)
		lost := 0
		for _, f := range frames[50:195] {
			if f == 0 {
				lost++
			}
		}
		if lost > 0 || j.late > 0 {
			t.Errorf("%d samples a packet: %d frames lost, %d late", samples, lost, j.late)
		}
	}
}

// TestJitterDrift runs ten minutes against a clock 200 ppm off, both ways.
func TestJitterDrift(t *testing.T) {
	for _, ppm := range []float64{-200, 200} {
		const count = 30_000
		at := make([]arrival, count)
		for n := range at {
			at[n] = arrival{time.Duration(float64(n)*float64(frameTime)*(1+ppm*1e-6)) + time.Duration(n%5)*time.Millisecond, n}
		}
		j := newJitter()
		frames := play(j, at, FrameSamples, at[count-1].at)
		lost := 0
		for _, f := range frames[50:] {
			if f == 0 {
				lost++
			}
		}
		if lost > 15 || j.late > 15 { // 120 ms of drift are six frames
			t.Errorf("%v ppm: %d lost, %d late", ppm, lost, j.late)
		}
		if last := int(frames[len(frames)-1] >> 1); (count-1-last+128)%128 > 5 {
			t.Errorf("%v ppm: %d frames behind at the end", ppm, (count-1-last+128)%128)
		}
	}
}

// TestJitterSilence pauses the source: with its clock going on, and with a new start of its timestamps.
func TestJitterSilence(t *testing.T) {
	for _, leap := range []int{0, 1_000_000} {
		j := newJitter()
		var in []arrival
		for n := range 50 {
			in = append(in, arrival{time.Duration(n) * frameTime, n})
		}
		for n := 200; n < 300; n++ {
			in = append(in, arrival{time.Duration(n) * frameTime, n + leap})
		}
		frames := play(j, in, FrameSamples, 300*frameTime)
		if frames[20] == 0 || frames[120] != 0 || frames[205] == 0 {
			t.Errorf("leap %d: plays %d %d %d", leap, frames[20], frames[120], frames[205])
		}
		if got := frames[250]; got != value(250+leap) && got != value(249+leap) {
			t.Errorf("leap %d: frame %d at tick 250", leap, got>>1)
		}
		if j.lost > 60 {
			t.Errorf("leap %d: a silent source counts as %d lost frames", leap, j.lost)
		}
	}
}

// FuzzJitter gives arbitrary timestamps, times and lengths: no panic, and the target stays bounded.
func FuzzJitter(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 160, 20, 0, 0, 1, 1, 160, 20})
	f.Add([]byte{255, 255, 255, 255, 80, 0, 0, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		j, now := newJitter(), time.Duration(0)
		payload, dst := make([]byte, 4096), make([]byte, FrameSamples)
		for ; len(data) >= 6; data = data[6:] {
			now += time.Duration(data[5]) * time.Millisecond
			ts := uint32(data[0])<<24 | uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3])
			j.push(now, ts, payload[:int(data[4])*16])
			j.pull(now, dst)
			if j.target < jitterMin || j.target > jitterMax {
				t.Fatalf("target %d", j.target)
			}
			if j.newest-j.read > jitterRing {
				t.Fatalf("%d samples held", j.newest-j.read)
			}
		}
	})
}
