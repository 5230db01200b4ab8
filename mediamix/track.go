package mediamix

import (
	"math"
	"time"
)

// Track is a piece of music in memory, 8 kHz mono, played in a loop. It is immutable and shared by all who hear it.
type Track struct {
	name string
	pcm  []int16
}

// NewTrack makes a track of 8 kHz mono samples, as loud as they are. The samples must not be changed afterwards.
func NewTrack(name string, pcm []int16) *Track { return &Track{name: name, pcm: pcm} }

// LoadTrack reads a WAV file (see ReadWAV) and brings it to DefaultLevel. The error is a *TrackError for anything
// wrong with the content, and that of os.Open for a file that cannot be opened.
func LoadTrack(path string) (*Track, error) {
	sound, err := readWAV(path)
	if err != nil {
		return nil, err
	}
	pcm, err := normalise(sound, DefaultLevel)
	if err != nil {
		return nil, &TrackError{File: path, Err: err, Fix: "use a recording that can be heard, or leave the key out to get the built-in melody"}
	}
	seal(pcm)
	return &Track{name: path, pcm: pcm}, nil
}

// Name is the file the track came from.
func (t *Track) Name() string { return t.name }

// Duration is the length of one pass.
func (t *Track) Duration() time.Duration {
	return time.Duration(len(t.pcm)) * time.Second / SampleRate
}

// Samples are the track's samples; they must not be changed.
func (t *Track) Samples() []int16 { return t.pcm }

// WithLevel gives the same music normalised to another level, in dBFS (-60 to -6; outside it is held to that).
// A track without sound stays as it is.
func (t *Track) WithLevel(dBFS float64) *Track {
	sound := make([]float32, len(t.pcm))
	for i, s := range t.pcm {
		sound[i] = float32(s)
	}
	pcm, err := normalise(sound, min(max(dBFS, -60), -6))
	if err != nil || math.IsNaN(dBFS) {
		return t
	}
	return &Track{name: t.name, pcm: pcm}
}

// render writes the music from sample pos on and returns the position after it.
func (t *Track) render(dst []int16, pos int) int {
	if len(t.pcm) == 0 {
		clear(dst)
		return 0
	}
	for len(dst) > 0 {
		n := copy(dst, t.pcm[pos:])
		dst = dst[n:]
		if pos += n; pos == len(t.pcm) {
			pos = 0
		}
	}
	return pos
}

// seal fades both ends of a track for 5 ms, so that its loop does not click.
func seal(pcm []int16) {
	fadeIn(pcm)
	for i := range min(rampSamples, len(pcm)) {
		s := &pcm[len(pcm)-1-i]
		*s = int16(int32(*s) * rampIn[i] >> 15)
	}
}
