package mediamix

import (
	"errors"
	"math"
	"slices"
)

// DefaultLevel is the level music is brought to, in dBFS: as loud as speech on a telephone line.
const DefaultLevel = -20.0

// ErrSilent says that a recording has nothing to hear.
var ErrSilent = errors.New("the file is silent")

const (
	silentBelow = -65.0  // dBFS: 20 ms below this are silence
	gateBelow   = 30.0   // dB: frames this far under the loudest are pauses
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

// activeLevel is the RMS of the recording without its pauses, and without the loudest 2 % of its frames: a knock on the
// microphone does not make the music quiet.
func activeLevel(sound []float32) (float64, error) {
	var frames []float64
	for len(sound) > 0 {
		n := min(len(sound), FrameSamples)
		var e float64
		for _, v := range sound[:n] {
			e += float64(v) * float64(v)
		}
		sound = sound[n:]
		if e /= float64(n); levelOf(math.Sqrt(e)) >= silentBelow {
			frames = append(frames, e)
		}
	}
	if len(frames) == 0 {
		return 0, ErrSilent
	}
	slices.Sort(frames)
	frames = frames[:len(frames)-len(frames)/50]
	gate := frames[len(frames)-1] * math.Pow(10, -gateBelow/10)
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
