package mediamix

import (
	"testing"

	"github.com/zaf/g711"
)

// The tables are exactly g711: every sample, every byte.
func TestCodecsAreBitIdentical(t *testing.T) {
	var pcm [1]int16
	var payload [1]byte
	for v := -32768; v <= 32767; v++ {
		pcm[0] = int16(v)
		if CodecPCMU.Encode(payload[:], pcm[:]); payload[0] != g711.EncodeUlawFrame(int16(v)) {
			t.Fatalf("PCMU of %d: %#x, want %#x", v, payload[0], g711.EncodeUlawFrame(int16(v)))
		}
		if CodecPCMA.Encode(payload[:], pcm[:]); payload[0] != g711.EncodeAlawFrame(int16(v)) {
			t.Fatalf("PCMA of %d: %#x, want %#x", v, payload[0], g711.EncodeAlawFrame(int16(v)))
		}
	}
	for b := range 256 {
		payload[0] = byte(b)
		if CodecPCMU.Decode(pcm[:], payload[:]); pcm[0] != g711.DecodeUlawFrame(byte(b)) {
			t.Fatalf("PCMU %#x: %d, want %d", b, pcm[0], g711.DecodeUlawFrame(byte(b)))
		}
		if CodecPCMA.Decode(pcm[:], payload[:]); pcm[0] != g711.DecodeAlawFrame(byte(b)) {
			t.Fatalf("PCMA %#x: %d, want %d", b, pcm[0], g711.DecodeAlawFrame(byte(b)))
		}
	}
}

// What was decoded codes to itself, so any number of mixes in a row costs nothing (µ-law's second zero excepted).
func TestCodecsRoundTrip(t *testing.T) {
	for _, c := range []Codec{CodecPCMU, CodecPCMA} {
		var pcm [1]int16
		for b := range 256 {
			in, out := [1]byte{byte(b)}, [1]byte{}
			c.Decode(pcm[:], in[:])
			c.Encode(out[:], pcm[:])
			if out != in && !(c == CodecPCMU && pcm[0] == 0) {
				t.Errorf("%s %#x comes back as %#x", c, in, out)
			}
		}
	}
}

func TestCodecLengths(t *testing.T) {
	pcm, payload := make([]int16, 10), make([]byte, 7)
	if n := CodecPCMA.Encode(payload, pcm); n != 7 {
		t.Errorf("encoded %d, want 7", n)
	}
	if n := CodecPCMU.Decode(pcm, payload); n != 7 {
		t.Errorf("decoded %d, want 7", n)
	}
	if n := Codec(0).Decode(pcm, payload) + Codec(9).Encode(payload, pcm); n != 0 {
		t.Errorf("unknown codecs coded %d", n)
	}
}

func TestParseCodec(t *testing.T) {
	for name, want := range map[string]Codec{"PCMU": CodecPCMU, "pcma": CodecPCMA, "Pcmu": CodecPCMU, "": 0, "PCM": 0, "PCMX": 0, "G722": 0, "PCMA/8000": 0} {
		got, ok := ParseCodec(name)
		if got != want || ok != (want != 0) {
			t.Errorf("ParseCodec(%q) = %v, %v", name, got, ok)
		}
	}
	if CodecPCMU.String() != "PCMU" || CodecPCMA.String() != "PCMA" || Codec(7).String() != "none" {
		t.Error("names")
	}
}
