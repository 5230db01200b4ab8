package mediamix

import (
	"math"
	"sync"
)

// DefaultTrack is the music used when the config names none: a calm melody over a soft accompaniment, 32 s long, made
// here, so that no file and no licence is needed. It is made once; every call gives the same track.
func DefaultTrack() *Track { return defaultTrack() }

var defaultTrack = sync.OnceValue(func() *Track {
	const bar = 4 * SampleRate // 60 beats a minute, four to a bar
	sound := make([]float32, len(melodyChords)*bar)
	for i, chord := range melodyChords {
		// The accompaniment: the chord's notes one after another, twice a bar.
		for k := range 8 {
			pluck(sound, i*bar+k*bar/8, chord[[4]int{0, 1, 2, 1}[k%4]], 0.35, 1.6)
		}
	}
	for _, n := range melodyNotes {
		pluck(sound, n.eighth*bar/8, n.key, 1, 2.4)
	}
	pcm, err := normalise(sound, DefaultLevel)
	if err != nil {
		pcm = nil // not reached: the melody is not silent
	}
	return &Track{name: "built-in melody", pcm: pcm}
})

// melodyChords are eight bars in C: C, Am, F, G, Em, Am, Dm, G, as MIDI keys.
var melodyChords = [8][3]int{{60, 64, 67}, {57, 60, 64}, {53, 57, 60}, {55, 59, 62}, {52, 55, 59}, {57, 60, 64}, {50, 53, 57}, {55, 59, 62}}

// melodyNotes are when (in eighths from the start) and which.
var melodyNotes = []struct{ eighth, key int }{
	{0, 76}, {2, 79}, {4, 84}, {6, 83}, {8, 81}, {11, 79}, {12, 76}, {16, 77}, {18, 81}, {20, 84}, {22, 81}, {24, 79}, {27, 77}, {28, 74},
	{32, 79}, {34, 76}, {36, 83}, {38, 79}, {40, 81}, {43, 84}, {44, 81}, {48, 77}, {50, 74}, {52, 81}, {54, 77}, {56, 79}, {59, 74}, {60, 71},
}

// pluck adds one note at sample at: three partials that die away over about seconds, wrapped around the end so that the
// loop is seamless.
func pluck(sound []float32, at, key int, gain, seconds float64) {
	hz := 440 * math.Pow(2, float64(key-69)/12)
	n := int(seconds * SampleRate)
	for partial, level := range [3]float64{1, 0.35, 0.12} {
		w := 2 * math.Pi * hz * float64(partial+1) / SampleRate
		if w > math.Pi*0.85 {
			break
		}
		fade := math.Exp(-float64(4+2*partial) / float64(n))
		amp := gain * level * 8000
		for i := range n {
			v := amp * math.Sin(w*float64(i))
			if i < 80 {
				v *= float64(i) / 80
			}
			if left := n - i; left < 400 {
				v *= float64(left) / 400
			}
			sound[(at+i)%len(sound)] += float32(v)
			amp *= fade
		}
	}
}
