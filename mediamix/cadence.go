package mediamix

import (
	"math"
	"time"
)

// toneLevel is the level of a tone, all its frequencies together: -16 dBFS is about -13 dBm0, within the limits of
// E.180 §4 and not louder than speech. Signals over a talk or into a quiet ear are softer.
const (
	toneLevel = -16.0
	softLevel = -22.0
)

// maxSteps is the longest cadence in the table (Italy's call-waiting tone).
const maxSteps = 6

// step is one piece of a cadence: up to two frequencies in Hz, or none for a pause.
type step struct {
	f1, f2  float64
	samples int
}

// cadence is a cycle of steps that repeats for ever. It is comparable on purpose.
type cadence struct {
	steps [maxSteps]step
	cycle int   // samples
	amp   int32 // of all frequencies together
}

func newCadence(level float64, steps ...step) cadence {
	c := cadence{amp: int32(32767 * math.Pow(10, level/20))}
	copy(c.steps[:], steps)
	for _, s := range c.steps {
		c.cycle += s.samples
	}
	return c
}

func on(f1, f2 float64, d time.Duration) step { return step{f1, f2, samplesOf(d)} }
func off(d time.Duration) step                { return step{samples: samplesOf(d)} }

func samplesOf(d time.Duration) int { return int(d * SampleRate / time.Second) }

// render writes the cadence from sample pos on to dst, and returns the position after it.
func (c *cadence) render(dst []int16, pos int) int {
	if c.cycle == 0 {
		clear(dst)
		return pos
	}
	pos %= c.cycle
	at, i := 0, 0
	for at+c.steps[i].samples <= pos {
		at += c.steps[i].samples
		i++
	}
	for len(dst) > 0 {
		s := &c.steps[i]
		n := min(len(dst), at+s.samples-pos)
		s.render(dst[:n], pos-at, c.amp)
		dst, pos = dst[n:], pos+n
		if pos == at+s.samples {
			at += s.samples
			if i++; at == c.cycle {
				at, i, pos = 0, 0, 0
			}
		}
	}
	return pos
}

// render writes the step's sound from its sample k on. Each burst starts at phase 0, with the edges of rampIn.
func (s *step) render(dst []int16, k int, amp int32) {
	if s.f1 == 0 {
		clear(dst)
		return
	}
	inc1, inc2 := phaseStep(s.f1), uint32(0)
	if s.f2 != 0 {
		amp = int32(float64(amp) * math.Sqrt2 / 2)
		inc2 = phaseStep(s.f2)
	}
	p1, p2 := inc1*uint32(k), inc2*uint32(k)
	for i := range dst {
		// A second phase that stands still at 0 adds sin 0 = 0.
		v := (amp*int32(sineTable[p1>>20]) + amp*int32(sineTable[p2>>20])) >> 15
		if edge := min(k+i, s.samples-1-k-i); edge < rampSamples {
			v = v * rampIn[edge] >> 15
		}
		dst[i] = int16(v)
		p1, p2 = p1+inc1, p2+inc2
	}
}

// phaseStep is the advance per sample of a phase whose full turn is 1<<32.
func phaseStep(hz float64) uint32 { return uint32(math.Round(hz / SampleRate * (1 << 32))) }

var sineTable = func() (t [4096]int16) {
	for i := range t {
		t[i] = int16(math.Round(32767 * math.Sin(2*math.Pi*float64(i)/float64(len(t)))))
	}
	return t
}()
