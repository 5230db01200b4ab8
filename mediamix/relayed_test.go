package mediamix

import (
	"testing"
)

// A relay that ends does not break off: hold, mute, tone, a third party, a leave. The jitter buffer takes two ticks to
// fill after the switch, as it does in life.
func TestRelayEndsSoftly(t *testing.T) {
	music := MusicSource(NewTrack("m", sine(300, -18, DetectWindow)))
	changes := map[string]func(b *Board){
		"hold":       func(b *Board) { b.SetPatch(Patch{[]Hear{{Comfort: true}, {Source: music}}}) },
		"mute":       func(b *Board) { b.SetPatch(Patch{[]Hear{{Slots: mask(1)}, {Comfort: true}}}) },
		"nothing":    func(b *Board) { b.SetPatch(Patch{}) },
		"tone":       func(b *Board) { b.SetPatch(Patch{[]Hear{{Slots: mask(1), Source: music}, {Slots: mask(0)}}}) },
		"conference": func(b *Board) { b.SetPatch(hears(mask(1, 2), mask(0, 2), mask(0, 1))) },
		"leave":      func(b *Board) { b.Leave(0) },
		"codec":      func(b *Board) { b.Join(0, CodecPCMU) },
	}
	for name, change := range changes {
		for phase := range 12 {
			r := newRig(t, CodecPCMA, CodecPCMA, CodecPCMA)
			r.recalls = true
			for n := range 2 {
				g := NewGenerator(-18, 280+10*float64(n))
				g.Fill(make([]int16, 37*phase))
				r.says[n] = g.Fill
			}
			r.board.SetPatch(hears(mask(1), mask(0)))
			r.run(5)
			if r.board.RelayFrom(0) != 1 || r.board.RelayFrom(1) != 0 {
				t.Fatal("not relayed")
			}
			from := len(r.heard[0]) - FrameSamples
			change(r.board)
			if name == "leave" {
				r.says[0] = nil
			}
			if name == "codec" {
				r.codec[0] = CodecPCMU
			}
			waits := 2
			r.lost = func(int) bool { return waits > 0 }
			r.tick()
			waits--
			r.tick()
			waits--
			r.run(4)
			for n := range r.heard {
				if name == "leave" && n == 0 || name == "mute" && n == 0 {
					continue // sent nothing at once; relayed on
				}
				if db := click(r.heard[n][from:]); db > -40 {
					t.Errorf("%s, slot %d, phase %d: click of %.1f dBFS", name, n, phase, db)
				}
			}
		}
	}
}

// What was relayed long ago, or too little of it, is not recalled: nobody hears old sound again.
func TestOldRelayIsNotHeard(t *testing.T) {
	payload := make([]byte, FrameSamples)
	CodecPCMA.Encode(payload, sine(300, -10, FrameSamples))
	out, pcm := make([]byte, FrameSamples), make([]int16, FrameSamples)
	for name, relayed := range map[string]struct {
		bytes, ticks int
		audible      bool
	}{"fresh": {160, 0, true}, "a tick ago": {160, 2, true}, "long ago": {160, 3, false}, "too little": {159, 0, false}, "much": {1000, 1, true}} {
		b := NewBoard(2)
		b.Join(0, CodecPCMA)
		b.Join(1, CodecPCMA)
		b.SetPatch(hears(mask(1), mask(0)))
		for n := relayed.bytes; n > 0; n -= len(payload) {
			b.Relayed(1, payload[:min(n, len(payload))])
		}
		for range relayed.ticks {
			b.Tick()
		}
		b.SetPatch(Patch{[]Hear{{Comfort: true}}})
		b.Tick()
		CodecPCMA.Decode(pcm, out[:b.Mix(0, out)])
		if audible := Level(pcm) > -40; audible != relayed.audible {
			t.Errorf("%s: heard at %.1f dBFS", name, Level(pcm))
		}
	}
	b := NewBoard(1)
	b.Relayed(0, payload)
	b.Relayed(7, payload)
	b.Join(0, CodecPCMA)
	b.Relayed(0, payload)
	b.Join(0, CodecPCMU)
	if b.Relayed(0, payload[:80]); b.slots[0].recall() {
		t.Error("bytes of the old codec are recalled with the new one's")
	}
}

// Only what was relayed is recalled: the rest of the history is silence, in every codec.
func TestRecallOfLittle(t *testing.T) {
	for _, c := range []Codec{CodecPCMU, CodecPCMA} {
		b := NewBoard(1)
		b.Join(0, c)
		payload := make([]byte, 200)
		c.Encode(payload, sine(300, -10, 200))
		b.Relayed(0, payload)
		s := b.slots[0]
		if !s.recall() || s.recall() {
			t.Fatal("recalls not once")
		}
		if l := Level(s.plc.hist[:plcHistory-200]); l > floorLevel {
			t.Errorf("%s: %.1f dBFS before the first packet", c, l)
		}
		if l := Level(s.plc.hist[plcHistory-200:]); l < -11 {
			t.Errorf("%s: recalled at %.1f dBFS", c, l)
		}
	}
}
