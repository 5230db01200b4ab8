package mediamix

import (
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	pcm, out := sine(700, -10, FrameSamples), make([]byte, FrameSamples)
	for _, c := range []Codec{CodecPCMU, CodecPCMA} {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Encode(out, pcm)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	pcm, in := make([]int16, FrameSamples), make([]byte, FrameSamples)
	for i := range in {
		in[i] = byte(i)
	}
	for _, c := range []Codec{CodecPCMU, CodecPCMA} {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Decode(pcm, in)
			}
		})
	}
}

// BenchmarkThreePartyTick is one 20 ms tick of a conference of three: 50 of them are one second.
func BenchmarkThreePartyTick(b *testing.B) {
	r := newRig(b, CodecPCMA, CodecPCMA, CodecPCMA)
	r.board.SetPatch(hears(mask(1, 2), mask(0, 2), mask(0, 1)))
	var in [3][FrameSamples]byte
	for n := range in {
		CodecPCMA.Encode(in[n][:], sine(toneOf(n), -20, FrameSamples))
	}
	out := make([]byte, FrameSamples)
	b.ReportAllocs()
	for b.Loop() {
		for n := range in {
			r.board.Frame(n, in[n][:], false)
		}
		r.board.Tick()
		for n := range in {
			r.board.Mix(n, out)
		}
	}
}

// BenchmarkMusicTick is one tick of a leg on hold.
func BenchmarkMusicTick(b *testing.B) {
	r := newRig(b, CodecPCMA)
	out := make([]byte, FrameSamples)
	for name, src := range map[string]*Source{"music": MusicSource(DefaultTrack()), "tone": ToneSource(RingBack, "us")} {
		b.Run(name, func(b *testing.B) {
			r.board.SetPatch(Patch{[]Hear{{Source: src}}})
			b.ReportAllocs()
			for b.Loop() {
				r.board.Tick()
				r.board.Mix(0, out)
			}
		})
	}
}

// BenchmarkConceal is the most a lost frame costs: the first of a loss, with its search for the pitch.
func BenchmarkConceal(b *testing.B) {
	var c concealer
	pcm := voice(73, 4*FrameSamples)
	frame := *frameAt(pcm, 0)
	c.good(&frame)
	b.ReportAllocs()
	for b.Loop() {
		c.made = 0
		c.conceal(&frame)
	}
}

func BenchmarkResample(b *testing.B) {
	in := make([]float32, 44100)
	b.ReportAllocs()
	for b.Loop() {
		r := newResampler(44100)
		r.flush(r.write(nil, in))
	}
}
