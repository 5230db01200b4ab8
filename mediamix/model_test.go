package mediamix

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// Random legs, patches, losses and unheard mixes against a plain model of the rules: whatever came before, two ticks
// after the last change each slot is relayed, mixed or silent exactly as its patch says, sample by sample.
func TestBoardFollowsItsPatch(t *testing.T) {
	sources := []*Source{nil, nil, MusicSource(NewTrack("m", counting(FrameSamples))), ToneSource(Busy, "uk")}
	rapid.Check(t, func(rt *rapid.T) {
		const slots = 5
		b := NewBoard(slots)
		var codecs [slots]Codec
		patch := Patch{Hears: make([]Hear, slots)}
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			n := rapid.IntRange(0, slots-1).Draw(rt, "slot")
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			case 0:
				b.Leave(n)
				codecs[n] = 0
			case 1, 2:
				codecs[n] = rapid.SampledFrom([]Codec{CodecPCMU, CodecPCMA}).Draw(rt, "codec")
				b.Join(n, codecs[n])
			default:
				for i := range patch.Hears {
					patch.Hears[i] = Hear{
						Slots:   rapid.Uint32Range(0, 1<<slots-1).Draw(rt, "mask"),
						Source:  rapid.SampledFrom(sources).Draw(rt, "source"),
						Comfort: rapid.Bool().Draw(rt, "comfort"),
					}
				}
				b.SetPatch(patch)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "ticks") {
				randomTick(rt, b, slots)
			}
		}
		for range 4 {
			b.Tick()
			for n := range slots {
				b.Mix(n, make([]byte, FrameSamples))
			}
		}
		verify(rt, b, codecs[:], patch)
	})
}

func randomTick(rt *rapid.T, b *Board, slots int) {
	for n := range slots {
		if rapid.Bool().Draw(rt, "sends") {
			b.Frame(n, make([]byte, rapid.SampledFrom([]int{0, 80, 160, 240}).Draw(rt, "size")), rapid.Bool().Draw(rt, "lost"))
		}
	}
	for n := range slots {
		if from := b.RelayFrom(n); from >= 0 && rapid.Bool().Draw(rt, "told") {
			b.Relayed(from, make([]byte, rapid.SampledFrom([]int{0, 80, 160, 500}).Draw(rt, "relayed")))
		}
	}
	b.Tick()
	for n := range slots {
		if rapid.Bool().Draw(rt, "taken") {
			b.Mix(n, make([]byte, FrameSamples))
		}
	}
}

// verify sends a constant per slot (which any codec keeps) and adds up what the patch lets each slot hear.
func verify(rt *rapid.T, b *Board, codecs []Codec, patch Patch) {
	var level [8]int32
	var payload [FrameSamples]byte
	var pcm [FrameSamples]int16
	for tick := range 3 {
		for n, c := range codecs {
			if c == 0 {
				continue
			}
			for i := range pcm {
				pcm[i] = int16(1000 << n)
			}
			c.Encode(payload[:], pcm[:])
			c.Decode(pcm[:], payload[:])
			level[n] = int32(pcm[0])
			b.Frame(n, payload[:], false)
		}
		b.Tick()
		for n, c := range codecs {
			h := patch.Hears[n]
			var from []int
			var sum int32
			for m := range codecs {
				if m != n && codecs[m] != 0 && h.Slots>>m&1 != 0 {
					from = append(from, m)
					sum += level[m]
				}
			}
			wantRelay := -1
			if c != 0 && len(from) == 1 && h.Source == nil && codecs[from[0]] == c {
				wantRelay = from[0]
			}
			if got := b.RelayFrom(n); got != wantRelay {
				rt.Fatalf("slot %d relays from %d, want %d", n, got, wantRelay)
			}
			size := b.Mix(n, payload[:])
			silent := c == 0 || wantRelay >= 0 || len(from) == 0 && h.Source == nil && !h.Comfort
			if (size == 0) != silent {
				rt.Fatalf("slot %d was sent %d bytes, silent %v", n, size, silent)
			}
			if tick == 0 || size == 0 || h.Source != nil || len(from) == 0 {
				continue
			}
			c.Decode(pcm[:], payload[:])
			var one [1]byte
			var want [1]int16
			c.Encode(one[:], []int16{int16(min(sum, 32767))})
			c.Decode(want[:], one[:])
			for i, v := range pcm {
				if v != want[0] {
					rt.Fatalf("slot %d hears %d at %d, want %d", n, v, i, want[0])
				}
			}
		}
	}
	for m := range codecs {
		wanted := false
		for n, c := range codecs {
			wanted = wanted || c != 0 && m != n && codecs[m] != 0 && patch.Hears[n].Slots>>m&1 != 0 && b.RelayFrom(n) < 0
		}
		if b.Wants(m) != wanted {
			rt.Fatalf("wants %d = %v", m, b.Wants(m))
		}
	}
}

// Whatever order a board is driven in, it does not fail and never decodes what nobody hears.
func FuzzBoard(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 2, 3, 0x60, 4, 4, 5, 4})
	f.Add([]byte{0, 0, 0x10, 0x11, 0x32, 0x12, 4, 2, 4, 0x13, 4, 1, 4})
	f.Fuzz(func(t *testing.T, ops []byte) {
		b := NewBoard(4)
		payload, out := make([]byte, 400), make([]byte, FrameSamples)
		src := []*Source{nil, MusicSource(NewTrack("m", counting(77))), ToneSource(RingBack, "us"), MusicSource(NewTrack("", nil))}
		for _, op := range ops[:min(len(ops), 500)] {
			n := int(op >> 4 & 3)
			switch op & 7 {
			case 0:
				b.Join(n, CodecPCMU+Codec(op>>6&1))
			case 1:
				b.Leave(n)
			case 2, 3:
				p := Patch{Hears: make([]Hear, 4)}
				for i := range p.Hears {
					p.Hears[i] = Hear{Slots: uint32(bits.RotateLeft8(op, i)), Source: src[(i+int(op>>3))%4], Comfort: op&8 != 0}
				}
				b.SetPatch(p)
			case 4, 5:
				b.Tick()
				for i := range 4 {
					if got := b.Mix(i, out); got != 0 && got != FrameSamples || got != 0 && b.slots[i] == nil {
						t.Fatalf("mixed %d", got)
					}
				}
			case 6:
				b.Relayed(n, payload[:int(op)])
			default:
				b.Frame(n, payload[:int(op)], op&8 != 0)
			}
			for i := range 4 {
				if b.slots[i] == nil && (b.Wants(i) || b.RelayFrom(i) >= 0) {
					t.Fatal("an empty slot is heard")
				}
				if from := b.RelayFrom(i); from == i || from >= 0 && b.slots[from] == nil {
					t.Fatalf("relays from %d to %d", from, i)
				}
			}
		}
	})
}
