package mediamix

import "math"

// floorLevel stands for "nothing at all" in dBFS.
const floorLevel = -120.0

// Level is the level of all samples together, in dBFS: 0 for a full-scale sine, -120 for none or digital silence.
func Level(samples []int16) float64 {
	var e float64
	for _, s := range samples {
		e += float64(s) * float64(s)
	}
	return levelOf(math.Sqrt(e / float64(max(len(samples), 1))))
}

// levelOf gives dBFS for an RMS in units of samples.
func levelOf(rms float64) float64 {
	return max(20*math.Log10(rms*math.Sqrt2/32768), floorLevel)
}
