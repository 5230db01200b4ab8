package mediamix

import (
	"errors"
	"math"
)

// DefaultLevel is the level music is brought to, in dBFS: as loud as speech on a telephone line.
const DefaultLevel = -20.0

// ErrSilent says that a recording has nothing to hear.
var ErrSilent = errors.New("the file is silent")

const (
	silentBelow = -65.0  // dBFS: a recording with no 20 ms above this is silent
	gateBelow   = 30.0   // dB: pauses this far under the loudest 20 ms do not count towards the level
	knee        = 23_000 // samples beyond this are bent, not cut, by the few peaks that exceed it
	ceiling     = 32_000
)

// normalise brings sound (in units of 16-bit samples) to a level, measured over the frames that are not pauses. Rare
// peaks are bent softly under the ceiling rather than making the whole quiet.
func normalise(sound []float32, dBFS float64) ([]int16, error) {
	removeDC(sound)
	rms, err := activeLevel(sound)
	if err != nil {
		return nil, err
	}
	gain := float32(32768 / math.Sqrt2 * math.Pow(10, dBFS/20) / rms)
	pcm := make([]int16, len(sound))
	for i, v := range sound {
		pcm[i] = bend(v * gain)
	}
	return pcm, nil
}

// removeDC takes a constant offset out, which some 8-bit recordings have.
func removeDC(sound []float32) {
	var sum float64
	for _, v := range sound {
		sum += float64(v)
	}
	mean := float32(sum / float64(max(len(sound), 1)))
	for i := range sound {
		sound[i] -= mean
	}
}

// activeLevel is the RMS of all 20 ms frames less than gateBelow under the loudest.
func activeLevel(sound []float32) (float64, error) {
	var frames []float64
	var loudest float64
	for len(sound) > 0 {
		n := min(len(sound), FrameSamples)
		var e float64
		for _, v := range sound[:n] {
			e += float64(v) * float64(v)
		}
		sound = sound[n:]
		frames = append(frames, e/float64(n))
		loudest = max(loudest, e/float64(n))
	}
	if levelOf(math.Sqrt(loudest)) < silentBelow {
		return 0, ErrSilent
	}
	gate := loudest * math.Pow(10, -gateBelow/10)
	var sum, n float64
	for _, e := range frames {
		if e >= gate {
			sum += e
			n++
		}
	}
	return math.Sqrt(sum / n), nil
}

// bend is straight up to the knee and nears the ceiling beyond it.
func bend(v float32) int16 {
	a := math.Abs(float64(v))
	if a > knee {
		a = knee + (ceiling-knee)*math.Tanh((a-knee)/(ceiling-knee))
	}
	return int16(math.Round(math.Copysign(a, float64(v))))
}
