package mediamix

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// MaxTrack is the longest recording that is read.
const MaxTrack = 30 * time.Minute

// What can be wrong with a WAV file, wrapped in a *TrackError.
var (
	ErrNotWAV       = errors.New("this is not a wav file")
	ErrWAVCoding    = errors.New("this kind of wav file cannot be read")
	ErrWAVBroken    = errors.New("the wav file is damaged")
	ErrTrackEmpty   = errors.New("the wav file has no sound in it")
	ErrTrackTooLong = errors.New("the recording is too long")
)

// TrackError is a WAV file that cannot be used: which, why, and what to do.
type TrackError struct {
	File   string
	Err    error  // one of ErrNotWAV, ErrWAVCoding, ErrWAVBroken, ErrTrackEmpty, ErrTrackTooLong, ErrSilent
	Detail string // what was found, may be empty
	Fix    string
}

func (e *TrackError) Error() string {
	s := e.File + ": " + e.Err.Error()
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s + ": " + e.Fix
}

// Unwrap gives the sentinel.
func (e *TrackError) Unwrap() error { return e.Err }

// ReadWAV reads a recording as 8 kHz mono, as loud as it is: PCM of 8, 16, 24 or 32 bits, float of 32 bits, A-law or
// µ-law, 1 to 8 channels (averaged), 4 to 384 kHz. Errors are as of LoadTrack.
func ReadWAV(path string) ([]int16, error) {
	sound, err := readWAV(path)
	if err != nil {
		return nil, err
	}
	pcm := make([]int16, len(sound))
	for i, v := range sound {
		pcm[i] = int16(math.Round(min(max(float64(v), math.MinInt16), math.MaxInt16)))
	}
	return pcm, nil
}

func readWAV(path string) ([]float32, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe would wait for its writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &TrackError{File: path, Err: ErrNotWAV, Detail: "not a regular file", Fix: "name a wav file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeWAV(path, f, info.Size())
}

// decodeWAV reads size bytes of r. The memory it takes is bounded by what is really there, never by what a header says.
func decodeWAV(name string, r io.ReaderAt, size int64) ([]float32, error) {
	h, err := scanWAV(r, size)
	if err == nil {
		err = h.check()
	}
	if err != nil {
		var te *TrackError
		if errors.As(err, &te) {
			te.File = name
			return nil, te
		}
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	// The library is given a plain header and the samples only: it allocates what the length of a chunk asks for.
	plain := wavHeader(1, h.channels, h.rate, h.bits, uint32(h.length))
	dec := wav.NewDecoder(io.NewSectionReader(&spliced{plain, r, h.offset - wavHeaderSize}, 0, wavHeaderSize+h.length))
	resample := newResampler(int(h.rate))
	var out, mono []float32
	buf := &audio.IntBuffer{Data: make([]int, 4096*int(h.channels))}
	sample := h.sample()
	for {
		n, err := dec.PCMBuffer(buf)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		n = min(n, len(buf.Data)) // the library counts bytes when a file shrinks under it
		mono = mono[:0]
		for i := 0; i+int(h.channels) <= n; i += int(h.channels) {
			var sum float32
			for _, v := range buf.Data[i : i+int(h.channels)] {
				sum += sample(v)
			}
			mono = append(mono, sum/float32(h.channels))
		}
		if len(mono) == 0 {
			return resample.flush(out), nil
		}
		out = resample.write(out, mono)
	}
}

// sample gives the function that turns what the library reads into units of 16-bit samples.
func (h *wavInfo) sample() func(int) float32 {
	switch {
	case h.coding == codingFloat:
		return func(v int) float32 {
			f := math.Float32frombits(uint32(v))
			if f != f {
				return 0
			}
			return min(max(f, -16), 16) * 32768
		}
	case h.coding == codingALaw:
		return func(v int) float32 { return float32(linearFromPCMA[uint8(v)]) }
	case h.coding == codingMuLaw:
		return func(v int) float32 { return float32(linearFromPCMU[uint8(v)]) }
	case h.bits == 8: // unsigned
		return func(v int) float32 { return float32(v-128) * 256 }
	}
	scale := float32(math.Ldexp(1, 16-int(h.bits)))
	return func(v int) float32 { return float32(v) * scale }
}

// spliced is a header followed by a part of a file.
type spliced struct {
	head []byte
	file io.ReaderAt
	skip int64 // offset in the file = offset here + skip
}

func (s *spliced) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(s.head)) {
		if n = copy(p, s.head[off:]); n == len(p) {
			return n, nil
		}
	}
	m, err := s.file.ReadAt(p[n:], off+int64(n)+s.skip)
	return n + m, err
}
