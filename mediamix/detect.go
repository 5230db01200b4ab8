package mediamix

import (
	"math"
	"slices"
)

// DetectWindow is the length of one measurement: 200 ms, so that tones on multiples of DetectBin are told apart wholly.
const DetectWindow = 1600

// DetectBin is the spacing of the frequencies that do not disturb each other at all, in Hz.
const DetectBin = SampleRate / DetectWindow

// Detect gives the level of each frequency (Hz) in samples, in dBFS: the median over all whole windows, counted from
// the end, so that one window with a switch or a lost packet does not spoil it. With fewer samples than DetectWindow
// every level is -120.
func Detect(samples []int16, freqs []float64) []float64 {
	levels := make([]float64, len(freqs))
	windows := make([]float64, 0, len(samples)/DetectWindow)
	for i, f := range freqs {
		windows = windows[:0]
		for rest := samples; len(rest) >= DetectWindow; rest = rest[:len(rest)-DetectWindow] {
			windows = append(windows, goertzel(rest[len(rest)-DetectWindow:], f))
		}
		levels[i] = floorLevel
		if len(windows) > 0 {
			slices.Sort(windows)
			levels[i] = windows[(len(windows)-1)/2]
		}
	}
	return levels
}

// Heard gives those of freqs whose level in samples is at least minDBFS, in the order of freqs.
func Heard(samples []int16, freqs []float64, minDBFS float64) []float64 {
	heard := []float64{}
	for i, level := range Detect(samples, freqs) {
		if level >= minDBFS {
			heard = append(heard, freqs[i])
		}
	}
	return heard
}

// goertzel measures one frequency in one window.
func goertzel(window []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / SampleRate
	k := 2 * math.Cos(w)
	var s1, s2 float64
	for _, x := range window {
		s1, s2 = float64(x)+k*s1-s2, s1
	}
	power := max(s1*s1+s2*s2-k*s1*s2, 0)
	amplitude := 2 * math.Sqrt(power) / float64(len(window))
	return levelOf(amplitude / math.Sqrt2)
}
