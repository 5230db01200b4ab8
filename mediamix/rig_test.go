package mediamix

import (
	"math"
	"testing"
)

// rig drives a board as the media shard does: each slot sends a generator's sound, and what each is sent is recorded.
type rig struct {
	t       testing.TB
	board   *Board
	codec   []Codec
	says    []func(dst []int16) // nil: sends nothing
	lost    func(slot int) bool
	heard   [][]int16 // decoded; a tick in which nothing was sent is silence
	sent    []int     // frames mixed to the slot
	recalls bool      // tell the board what is relayed
	pcm     [FrameSamples]int16
	wire    [FrameSamples]byte
}

func newRig(t testing.TB, codecs ...Codec) *rig {
	r := &rig{t: t, board: NewBoard(len(codecs)), codec: codecs, says: make([]func([]int16), len(codecs)),
		heard: make([][]int16, len(codecs)), sent: make([]int, len(codecs)), lost: func(int) bool { return false }}
	for n, c := range codecs {
		r.board.Join(n, c)
	}
	return r
}

// tones lets slot n send its own tone: 500, 700, 900 … Hz.
func (r *rig) tones(level float64) {
	for n := range r.says {
		r.says[n] = NewGenerator(level, toneOf(n)).Fill
	}
}

func toneOf(n int) float64 { return 500 + 200*float64(n) }

// tick runs one tick. Relayed slots hear the very payload.
func (r *rig) tick() {
	var payloads [MaxSlots][FrameSamples]byte
	for n := range r.says {
		if r.says[n] == nil {
			continue
		}
		r.says[n](r.pcm[:])
		r.codec[n].Encode(payloads[n][:], r.pcm[:])
		for m := range r.says {
			if r.board.RelayFrom(m) == n && r.recalls {
				r.board.Relayed(n, payloads[n][:])
				break
			}
		}
		if r.board.Wants(n) {
			r.board.Frame(n, payloads[n][:], r.lost(n))
		}
	}
	r.board.Tick()
	for n := range r.says {
		clear(r.pcm[:])
		if from := r.board.RelayFrom(n); from >= 0 {
			if r.says[from] != nil {
				r.codec[n].Decode(r.pcm[:], payloads[from][:])
			}
		} else if got := r.board.Mix(n, r.wire[:]); got > 0 {
			if got != FrameSamples {
				r.t.Fatalf("slot %d was sent %d bytes", n, got)
			}
			r.codec[n].Decode(r.pcm[:], r.wire[:])
			r.sent[n]++
		}
		r.heard[n] = append(r.heard[n], r.pcm[:]...)
	}
}

// run runs ticks and gives what was heard in them.
func (r *rig) run(ticks int) [][]int16 {
	from := make([]int, len(r.heard))
	for n := range r.heard {
		from[n] = len(r.heard[n])
	}
	for range ticks {
		r.tick()
	}
	out := make([][]int16, len(r.heard))
	for n := range r.heard {
		out[n] = r.heard[n][from[n]:]
	}
	return out
}

func mask(slots ...int) (m uint32) {
	for _, n := range slots {
		m |= 1 << n
	}
	return m
}

func hears(masks ...uint32) Patch {
	p := Patch{}
	for _, m := range masks {
		p.Hears = append(p.Hears, Hear{Slots: m})
	}
	return p
}

// click is the loudest thing above 2 kHz in sound whose own tones are well below, in dBFS of its peak: a step in the waveform shows up
// there, a soft beginning does not.
func click(pcm []int16) float64 {
	const half = 32
	var taps [2*half + 1]float64
	for i := range taps {
		t := float64(i - half)
		w := 0.42 + 0.5*math.Cos(math.Pi*t/(half+1)) + 0.08*math.Cos(2*math.Pi*t/(half+1))
		taps[i] = -sinc(t*0.5) * 0.5 * w
	}
	taps[half]++
	var peak float64
	for i := half; i < len(pcm)-half; i++ {
		var v float64
		for k, c := range taps {
			v += c * float64(pcm[i+k-half])
		}
		peak = max(peak, math.Abs(v))
	}
	return 20 * math.Log10(max(peak, 1e-3)/32768)
}

// snr compares sound with what it should be, in dB.
func snr(got []int16, want []float64) float64 {
	var signal, noise float64
	for i, w := range want {
		signal += w * w
		noise += (float64(got[i]) - w) * (float64(got[i]) - w)
	}
	return 10 * math.Log10(signal/max(noise, 1e-9))
}
