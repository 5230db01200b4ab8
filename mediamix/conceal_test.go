package mediamix

import (
	"math"
	"testing"
)

// voice is a pulse train through a resonance, as vowels are: period samples long, not a sine.
func voice(period, n int) []int16 {
	pcm := make([]int16, n)
	var y1, y2 float64
	for i := range pcm {
		x := 0.0
		if i%period == 0 {
			x = 9000
		}
		y := x + 1.6*y1 - 0.85*y2
		y1, y2 = y, y1
		pcm[i] = int16(y / 3)
	}
	return pcm
}

func frameAt(pcm []int16, k int) *[FrameSamples]int16 {
	f := [FrameSamples]int16(pcm[k*FrameSamples:])
	return &f
}

// A lost frame of a steady voice is filled with the voice: the pitch goes on in step.
func TestConcealmentFollowsThePitch(t *testing.T) {
	for _, period := range []int{41, 57, 80, 100, 119} {
		pcm := voice(period, 12*FrameSamples)
		var c concealer
		for k := range 10 {
			c.good(frameAt(pcm, k))
		}
		var got [FrameSamples]int16
		c.conceal(&got)
		want := make([]float64, FrameSamples)
		for i := range want {
			want[i] = float64(pcm[10*FrameSamples+i])
			if late := i - fullSamples; late > 0 {
				want[i] *= 1 - float64(late)/fadeSamples
			}
		}
		if db := snr(got[:], want); db < 15 {
			t.Errorf("period %d, pitch %d: %.1f dB", period, c.pitch, db)
		}
	}
}

// The fade: full for 10 ms, down to nothing at 60 ms, silent from then on.
func TestConcealmentFades(t *testing.T) {
	pcm := sine(400, -10, 40*FrameSamples)
	var c concealer
	for k := range 10 {
		c.good(frameAt(pcm, k))
	}
	last := 1e9
	for k := range 5 {
		var got [FrameSamples]int16
		c.conceal(&got)
		for half := range 2 {
			level := Level(got[half*80 : half*80+80])
			gain := 1 - (float64(2*k+half)-0.5)/5
			switch {
			case k == 0 && half == 0:
				if math.Abs(level+10) > 1 {
					t.Errorf("first 10 ms at %.1f dBFS", level)
				}
			case k >= 3:
				if level > floorLevel {
					t.Errorf("%d ms: %.1f dBFS", k*20+half*10, level)
				}
			case gain > 0.15:
				if want := -10 + 20*math.Log10(gain); math.Abs(level-want) > 1.5 {
					t.Errorf("%d ms: %.1f dBFS, want %.1f", k*20+half*10, level, want)
				}
			}
			if level > last+0.5 {
				t.Errorf("%d ms: louder again, %.1f dBFS", k*20+half*10, level)
			}
			last = level
		}
	}
}

// Losses of any length, at any phase, neither click when they begin, while they last nor when the sound comes back,
// also for sounds whose period the loop does not fit.
func TestConcealmentDoesNotClick(t *testing.T) {
	for _, hz := range []float64{55, 95, 165, 230, 310} {
		for lost := 1; lost <= 5; lost++ {
			for phase := range 8 {
				r := newRig(t, CodecPCMU, CodecPCMA) // two codecs: mixed, never relayed
				g := NewGenerator(-20, hz)
				g.Fill(make([]int16, 61*phase))
				r.says[1] = g.Fill
				r.board.SetPatch(hears(mask(1)))
				r.run(6)
				from := len(r.heard[0]) - FrameSamples
				r.lost = func(int) bool { return true }
				r.run(lost)
				r.lost = func(int) bool { return false }
				r.run(3)
				if db := click(r.heard[0][from:]); db > -40 {
					t.Errorf("%v Hz, %d lost, phase %d: click of %.1f dBFS", hz, lost, phase, db)
				}
			}
		}
	}
}

// The end of the loop leads into its start, whatever the sound and however many periods.
func TestConcealmentLoopIsSeamless(t *testing.T) {
	for seed := range uint32(20) {
		var c concealer
		x, slow := seed, 0.0
		for i := range c.hist {
			x = x*1664525 + 1013904223
			slow += (float64(int32(x))/(1<<31)*20000 - slow) / 4
			c.hist[i] = int16(slow)
		}
		hist := c.hist
		c.live = true
		var got [FrameSamples]int16
		for range 2 {
			c.conceal(&got)
			start := plcHistory - c.turns*c.pitch
			lead, end := int(hist[start-1]), int(c.loop[plcHistory-1])
			if last := int(hist[plcHistory-1]); abs(end-lead) > abs(last-lead)/(c.pitch/4)+1 {
				t.Errorf("seed %d, %d periods of %d: ends at %d, before the start lies %d", seed, c.turns, c.pitch, end, lead)
			}
		}
	}
}

// The loop grows to two and three pitch periods, so that a long loss does not buzz.
func TestConcealmentLengthens(t *testing.T) {
	var c concealer
	pcm := voice(73, 10*FrameSamples)
	for k := range 10 {
		c.good(frameAt(pcm, k))
	}
	var got [FrameSamples]int16
	for k, want := range []int{2, 3, 3} {
		if c.conceal(&got); c.turns != want {
			t.Errorf("frame %d: %d periods, want %d", k, c.turns, want)
		}
	}
}

// A stream that begins, or comes back after silence, comes in softly.
func TestBeginningDoesNotClick(t *testing.T) {
	r := newRig(t, CodecPCMU, CodecPCMA)
	r.board.SetPatch(hears(mask(1)))
	r.run(3)
	for _, gap := range []int{4, 30} {
		from := len(r.heard[0])
		loud := NewGenerator(-16, 300)
		loud.Fill(make([]int16, 47))
		r.says[1] = loud.Fill
		r.run(4)
		r.says[1] = nil
		r.run(gap)
		if db := click(r.heard[0][from:]); db > -40 {
			t.Errorf("gap %d: click of %.1f dBFS", gap, db)
		}
	}
}

// With every 20th frame lost the voice is clearly nearer to the original than with gaps.
func TestConcealmentIsWorthIt(t *testing.T) {
	pcm := voice(73, 200*FrameSamples)
	var c concealer
	var with, gaps []int16
	for k := range 200 {
		frame, gap := frameAt(pcm, k), [FrameSamples]int16{}
		if k%20 == 10 {
			c.conceal(frame)
		} else {
			gap = *frame
			c.good(frame)
		}
		with, gaps = append(with, frame[:]...), append(gaps, gap[:]...)
	}
	want := make([]float64, len(pcm))
	for i, v := range pcm {
		want[i] = float64(v)
	}
	if a, b := snr(with, want), snr(gaps, want); a < b+8 {
		t.Errorf("concealed %.1f dB, gaps %.1f dB", a, b)
	}
}

func FuzzConceal(f *testing.F) {
	f.Add([]byte{0x81, 0x40, 0x01}, uint8(0b1101))
	f.Fuzz(func(t *testing.T, payload []byte, pattern uint8) {
		var c concealer
		for k := range 24 {
			var pcm [FrameSamples]int16
			if len(payload) > 0 {
				for i := range pcm {
					pcm[i] = int16(int8(payload[(k*FrameSamples+i)%len(payload)])) << 8
				}
			}
			if pattern>>(k%8)&1 != 0 {
				c.good(&pcm)
				continue
			}
			c.conceal(&pcm)
			if c.made > fullSamples+fadeSamples && Level(pcm[:]) > floorLevel {
				t.Fatal("sound after the fade")
			}
		}
	})
}
