package mediamix

import "github.com/zaf/g711"

// Codec is how a leg's sound is coded on the wire. The zero value is no codec.
type Codec uint8

// The codecs a board can decode and encode (RFC 3551 §4.5.14, ITU-T G.711).
const (
	CodecPCMU Codec = iota + 1
	CodecPCMA
)

// ParseCodec gives the codec of an SDP encoding name, in any case (RFC 4855); false for one not known here.
func ParseCodec(name string) (Codec, bool) {
	if len(name) != 4 {
		return 0, false
	}
	for i := range 3 {
		if name[i]&^0x20 != "PCM"[i] {
			return 0, false
		}
	}
	switch name[3] &^ 0x20 {
	case 'U':
		return CodecPCMU, true
	case 'A':
		return CodecPCMA, true
	}
	return 0, false
}

// String is the SDP encoding name.
func (c Codec) String() string {
	switch c {
	case CodecPCMU:
		return "PCMU"
	case CodecPCMA:
		return "PCMA"
	}
	return "none"
}

// Encode codes as many samples as fit into dst, one byte each, and returns how many. Unknown codecs code nothing.
func (c Codec) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	dst, pcm = dst[:n], pcm[:n]
	switch c {
	case CodecPCMU:
		for i, s := range pcm {
			dst[i] = pcmuFromLinear[uint16(s)>>2]
		}
	case CodecPCMA:
		for i, s := range pcm {
			dst[i] = pcmaFromLinear[uint16(s)>>4]
		}
	default:
		return 0
	}
	return n
}

// Decode turns as many payload bytes into samples as fit into dst and returns how many. Unknown codecs decode nothing.
func (c Codec) Decode(dst []int16, payload []byte) int {
	n := min(len(dst), len(payload))
	dst, payload = dst[:n], payload[:n]
	switch c {
	case CodecPCMU:
		for i, b := range payload {
			dst[i] = linearFromPCMU[b]
		}
	case CodecPCMA:
		for i, b := range payload {
			dst[i] = linearFromPCMA[b]
		}
	default:
		return 0
	}
	return n
}

// The tables are filled from g711's functions for one sample: its functions for slices allocate per call. A-law looks
// only at the upper 12 bits of a sample and µ-law at the upper 14, so the tables are that small and stay in cache.
var (
	linearFromPCMU = decodeTable(g711.DecodeUlawFrame)
	linearFromPCMA = decodeTable(g711.DecodeAlawFrame)
	pcmuFromLinear = [1 << 14]byte(encodeTable(2, g711.EncodeUlawFrame))
	pcmaFromLinear = [1 << 12]byte(encodeTable(4, g711.EncodeAlawFrame))
)

func decodeTable(decode func(uint8) int16) (t [256]int16) {
	for i := range t {
		t[i] = decode(uint8(i))
	}
	return t
}

func encodeTable(shift int, encode func(int16) uint8) []byte {
	t := make([]byte, 1<<16>>shift)
	for i := range t {
		t[i] = encode(int16(uint16(i << shift)))
	}
	return t
}
