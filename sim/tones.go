package sim

import (
	"slices"

	"cordboard/mediamix"
)

// Tones names the tones that the parties of a story send, each by its frequencies in Hz (multiples of 5 Hz).
type Tones map[string][]float64

// floor is the level in dBFS from which a tone counts as heard.
const floor = -45

// In names the tones heard in pcm, sorted. A tone is heard when all its frequencies are.
func (t Tones) In(pcm []int16) []string {
	heard := []string{}
	for name, freqs := range t {
		if len(mediamix.Heard(pcm, freqs, floor)) == len(freqs) {
			heard = append(heard, name)
		}
	}
	slices.Sort(heard)
	return heard
}
