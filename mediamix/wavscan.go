package mediamix

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// check refuses what cannot be decoded.
func (h *wavInfo) check() error {
	const convert = "convert it, for example: sox in.wav -r 8000 -c 1 -b 16 out.wav"
	bad := func(detail string, args ...any) error {
		return &TrackError{Err: ErrWAVCoding, Detail: fmt.Sprintf(detail, args...), Fix: convert}
	}
	switch {
	case h.coding == codingPCM && (h.bits == 8 || h.bits == 16 || h.bits == 24 || h.bits == 32):
	case h.coding == codingFloat && h.bits == 32:
	case (h.coding == codingALaw || h.coding == codingMuLaw) && h.bits == 8:
	default:
		return bad("format %d with %d bits", h.coding, h.bits)
	}
	if h.channels < 1 || h.channels > 8 {
		return bad("%d channels", h.channels)
	}
	if h.rate < 4000 || h.rate > 384000 {
		return bad("%d Hz", h.rate)
	}
	frames := h.length / int64(h.frame())
	if frames == 0 {
		return &TrackError{Err: ErrTrackEmpty, Fix: "use a recording of at least one second"}
	}
	if frames > int64(MaxTrack/time.Second)*int64(h.rate) {
		return &TrackError{Err: ErrTrackTooLong, Detail: (time.Duration(frames/int64(h.rate)) * time.Second).String(),
			Fix: "cut it to " + MaxTrack.String() + ", for example: sox in.wav out.wav trim 0 1800"}
	}
	h.length = frames * int64(h.frame())
	return nil
}

// frame is the length of one sample of all channels in bytes.
func (h *wavInfo) frame() int { return int(h.channels) * int(h.bits) / 8 }

// The codings of the fmt chunk (RFC 2361).
const (
	codingPCM        = 1
	codingFloat      = 3
	codingALaw       = 6
	codingMuLaw      = 7
	codingExtensible = 0xFFFE
)

// wavInfo is what the chunks of a WAV file say, and where its samples are.
type wavInfo struct {
	coding, channels, bits uint16
	rate                   uint32
	offset, length         int64
}

// scanWAV walks the chunks of a file.
func scanWAV(r io.ReaderAt, size int64) (*wavInfo, error) {
	var head [12]byte
	if n, err := r.ReadAt(head[:], 0); n < len(head) {
		if err != io.EOF {
			return nil, err
		}
		return nil, &TrackError{Err: ErrNotWAV, Detail: fmt.Sprintf("only %d bytes", n), Fix: "name a wav file"}
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, &TrackError{Err: ErrNotWAV, Detail: fmt.Sprintf("it begins with %q", head[:4]),
			Fix: "convert it, for example: sox IN -r 8000 -c 1 -b 16 out.wav"}
	}
	broken := func(detail string) error {
		return &TrackError{Err: ErrWAVBroken, Detail: detail, Fix: "make the file again, or convert it with sox"}
	}
	var h wavInfo
	for at, chunks := int64(len(head)), 0; ; chunks++ {
		var chunk [8]byte
		if n, err := r.ReadAt(chunk[:], at); n < len(chunk) {
			if err != io.EOF {
				return nil, err
			}
			return nil, broken("it has no data chunk")
		}
		if chunks == 1000 {
			return nil, broken("more than 1000 chunks before the samples")
		}
		at += int64(len(chunk))
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			var f [26]byte
			n, err := r.ReadAt(f[:min(length, int64(len(f)))], at)
			if err != nil && err != io.EOF {
				return nil, err
			}
			if n < 16 {
				return nil, broken("its fmt chunk is too short")
			}
			h.readFormat(f[:n])
		case "data":
			if h.coding == 0 {
				return nil, broken("its samples come before the fmt chunk")
			}
			// Recorders that were killed leave a length of 0 or of 4 GiB behind: what is there counts.
			if h.offset, h.length = at, length; length == 0 || length > size-at {
				h.length = max(size-at, 0)
			}
			return &h, nil
		}
		at += length + length&1
	}
}

func (h *wavInfo) readFormat(f []byte) {
	h.coding = binary.LittleEndian.Uint16(f)
	h.channels = binary.LittleEndian.Uint16(f[2:])
	h.rate = binary.LittleEndian.Uint32(f[4:])
	h.bits = binary.LittleEndian.Uint16(f[14:])
	if h.coding == codingExtensible && len(f) >= 26 {
		h.coding = binary.LittleEndian.Uint16(f[24:]) // the sub-format's first two bytes
	}
}
