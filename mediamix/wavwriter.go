package mediamix

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
)

// wavHeaderSize is the length of a plain header: RIFF, fmt and data, nothing between.
const wavHeaderSize = 44

// errWAVFull says that a recording has reached the 4 GiB a WAV file can hold (74 hours).
var errWAVFull = errors.New("recording is full: a wav file holds 4 GiB")

// WAVWriter writes a recording: 16 bits, 8 kHz, mono.
type WAVWriter struct {
	w     io.WriteSeeker
	bytes uint32 // of samples
	buf   []byte
}

// NewWAVWriter begins a recording at the current position of w, which must be its start.
func NewWAVWriter(w io.WriteSeeker) (*WAVWriter, error) {
	if _, err := w.Write(wavHeader(1, 1, SampleRate, 16, 0)); err != nil {
		return nil, err
	}
	return &WAVWriter{w: w}, nil
}

// Write appends samples.
func (w *WAVWriter) Write(samples []int16) error {
	if uint64(w.bytes)+2*uint64(len(samples)) > math.MaxUint32-wavHeaderSize {
		return errWAVFull
	}
	w.buf = w.buf[:0]
	for _, s := range samples {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
	}
	n, err := w.w.Write(w.buf)
	w.bytes += uint32(n)
	return err
}

// Close writes the final lengths into the header. It does not close the file.
func (w *WAVWriter) Close() error {
	if _, err := w.w.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := w.w.Write(wavHeader(1, 1, SampleRate, 16, w.bytes)); err != nil {
		return err
	}
	_, err := w.w.Seek(0, io.SeekEnd)
	return err
}

// WriteWAV writes samples as a WAV file (16 bits, 8 kHz, mono), replacing what is there.
func WriteWAV(path string, samples []int16) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := NewWAVWriter(f)
	if err != nil {
		return err
	}
	return errors.Join(w.Write(samples), w.Close())
}

// wavHeader is a plain header for n bytes of samples.
func wavHeader(coding, channels uint16, rate uint32, bits uint16, n uint32) []byte {
	frame := channels * ((bits + 7) / 8)
	h := make([]byte, 0, wavHeaderSize)
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, wavHeaderSize-8+n)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, coding)
	h = binary.LittleEndian.AppendUint16(h, channels)
	h = binary.LittleEndian.AppendUint32(h, rate)
	h = binary.LittleEndian.AppendUint32(h, rate*uint32(frame))
	h = binary.LittleEndian.AppendUint16(h, frame)
	h = binary.LittleEndian.AppendUint16(h, bits)
	h = append(h, "data"...)
	return binary.LittleEndian.AppendUint32(h, n)
}
