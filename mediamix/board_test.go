package mediamix

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestRelayDecision(t *testing.T) {
	ring := ToneSource(RingBack, "ua")
	for _, c := range []struct {
		name   string
		codecs []Codec
		hear   Hear // of slot 0
		want   int
	}{
		{"one slot, same codec", []Codec{CodecPCMA, CodecPCMA, CodecPCMA}, Hear{Slots: mask(1)}, 1},
		{"another one", []Codec{CodecPCMU, CodecPCMA, CodecPCMU}, Hear{Slots: mask(2)}, 2},
		{"comfort does not matter", []Codec{CodecPCMA, CodecPCMA}, Hear{Slots: mask(1), Comfort: true}, 1},
		{"its own bit does not count", []Codec{CodecPCMA, CodecPCMA}, Hear{Slots: mask(0, 1)}, 1},
		{"slots not joined do not count", []Codec{CodecPCMA, CodecPCMA, 0}, Hear{Slots: mask(1, 2, 31)}, 1},
		{"other codec", []Codec{CodecPCMA, CodecPCMU}, Hear{Slots: mask(1)}, -1},
		{"two slots", []Codec{CodecPCMA, CodecPCMA, CodecPCMA}, Hear{Slots: mask(1, 2)}, -1},
		{"a slot and a tone", []Codec{CodecPCMA, CodecPCMA}, Hear{Slots: mask(1), Source: ring}, -1},
		{"a tone", []Codec{CodecPCMA, CodecPCMA}, Hear{Source: ring}, -1},
		{"itself", []Codec{CodecPCMA, CodecPCMA}, Hear{Slots: mask(0)}, -1},
		{"nothing", []Codec{CodecPCMA, CodecPCMA}, Hear{}, -1},
		{"nobody there", []Codec{CodecPCMA, 0}, Hear{Slots: mask(1)}, -1},
		{"not joined itself", []Codec{0, CodecPCMA}, Hear{Slots: mask(1)}, -1},
	} {
		b := NewBoard(len(c.codecs))
		for n, codec := range c.codecs {
			b.Join(n, codec)
		}
		b.SetPatch(Patch{Hears: []Hear{c.hear}})
		if got := b.RelayFrom(0); got != c.want {
			t.Errorf("%s: relay from %d, want %d", c.name, got, c.want)
		}
		for n := range c.codecs {
			// What is relayed, or not heard by anyone, is not decoded.
			want := c.want < 0 && c.codecs[0] != 0 && n != 0 && c.codecs[n] != 0 && c.hear.Slots>>n&1 != 0
			if b.Wants(n) != want {
				t.Errorf("%s: wants %d = %v", c.name, n, b.Wants(n))
			}
		}
	}
}

// The whole table of who hears whom, by tones: what each hears is what the patch says, its own tone is never in it, each
// at the level it was sent with, silence is silent. All pairs of codecs.
func TestHeardIsThePatch(t *testing.T) {
	music := NewTrack("test", sine(1500, -20, DetectWindow))
	freqs := []float64{toneOf(0), toneOf(1), toneOf(2), 1500}
	m := MusicSource(music)
	states := []struct {
		name  string
		patch Patch
		heard [3][]float64
	}{
		{"talking", hears(mask(1), mask(0)), [3][]float64{{700}, {500}, {}}},
		{"held", Patch{[]Hear{{Comfort: true}, {Source: m}}}, [3][]float64{{}, {1500}, {}}},
		{"muted", Patch{[]Hear{{Slots: mask(1)}, {Comfort: true}}}, [3][]float64{{700}, {}, {}}},
		{"consult", Patch{[]Hear{{Slots: mask(2)}, {Source: m}, {Slots: mask(0)}}}, [3][]float64{{900}, {1500}, {500}}},
		{"swapped", Patch{[]Hear{{Slots: mask(1)}, {Slots: mask(0)}, {Source: m}}}, [3][]float64{{700}, {500}, {1500}}},
		{"conference", hears(mask(1, 2), mask(0, 2), mask(0, 1)), [3][]float64{{700, 900}, {500, 900}, {500, 700}}},
		{"conference, agent muted", hears(mask(1, 2), mask(2), mask(1)), [3][]float64{{700, 900}, {900}, {700}}},
		{"everybody on music", Patch{[]Hear{{Source: m}, {Source: m}, {Source: m}}}, [3][]float64{{1500}, {1500}, {1500}}},
		{"completed", hears(0, mask(2), mask(1)), [3][]float64{{}, {900}, {700}}},
	}
	for _, codecs := range [][]Codec{{CodecPCMA, CodecPCMA, CodecPCMA}, {CodecPCMU, CodecPCMA, CodecPCMU}, {CodecPCMA, CodecPCMU, CodecPCMU}} {
		r := newRig(t, codecs...)
		r.tones(-20)
		for _, s := range states {
			r.board.SetPatch(s.patch)
			r.run(5)
			for n, pcm := range r.run(20) {
				name := fmt.Sprintf("%s, slot %d, %v", s.name, n, codecs)
				if got := Heard(pcm, freqs, -60); !slices.Equal(got, s.heard[n]) {
					t.Errorf("%s: heard %v, want %v", name, got, s.heard[n])
				}
				for i, level := range Detect(pcm, s.heard[n]) {
					if math.Abs(level+20) > 1 {
						t.Errorf("%s: %v Hz at %.1f dBFS, sent at -20", name, s.heard[n][i], level)
					}
				}
				if len(s.heard[n]) == 0 && Level(pcm) > -60 {
					t.Errorf("%s: silence is %.1f dBFS", name, Level(pcm))
				}
			}
		}
	}
}

// The mix of three noises is the ideal sum, coded once more.
func TestMixQuality(t *testing.T) {
	for _, codec := range []Codec{CodecPCMU, CodecPCMA} {
		r := newRig(t, codec, codec, codec)
		seed := uint32(7)
		sent := make([][]int16, 3)
		for n := range r.says {
			r.says[n] = func(dst []int16) {
				for i := range dst {
					seed = seed*1664525 + 1013904223
					dst[i] = int16(seed>>16) / 4
				}
				sent[n] = append(sent[n], dst...)
			}
		}
		r.board.SetPatch(hears(mask(1, 2), mask(0, 2), mask(0, 1)))
		r.run(2)
		from := len(sent[0])
		heard := r.run(50)
		for n := range heard {
			want := make([]float64, len(heard[n]))
			var one [1]byte
			var v [1]int16
			for i := range want {
				var sum float64
				for m := range sent {
					if m != n {
						codec.Encode(one[:], sent[m][from+i:from+i+1])
						codec.Decode(v[:], one[:])
						sum += float64(v[0])
					}
				}
				v[0] = int16(math.Round(min(max(sum, -32768), 32767)))
				codec.Encode(one[:], v[:])
				codec.Decode(v[:], one[:])
				want[i] = float64(v[0])
			}
			if db := snr(heard[n], want); db < 35 {
				t.Errorf("%s slot %d: %.1f dB", codec, n, db)
			}
		}
	}
}

// Full-scale tones in step are held at full scale; wrapped, the sum would change sign.
func TestMixSaturates(t *testing.T) {
	tone := sine(500, 0, DetectWindow)
	for name, hear := range map[string]Hear{
		"two slots":          {Slots: mask(1, 2)},
		"three slots":        {Slots: mask(1, 2, 3)},
		"a slot and a track": {Slots: mask(1), Source: MusicSource(NewTrack("t", tone))},
	} {
		r := newRig(t, CodecPCMU, CodecPCMU, CodecPCMU, CodecPCMU)
		for n := 1; n < 4; n++ {
			r.says[n] = NewGenerator(0, 500).Fill
		}
		r.board.SetPatch(Patch{[]Hear{hear}})
		r.run(10)
		for i, v := range r.run(10)[0] {
			if s := tone[i%DetectWindow]; s > 2000 && v <= 0 || s < -2000 && v >= 0 {
				t.Fatalf("%s, sample %d: sum of %d and more is %d", name, i, s, v)
			}
			if s := tone[i%DetectWindow]; s > 17000 && v < 31000 {
				t.Fatalf("%s, sample %d: sum of %d and more is %d, not full scale", name, i, s, v)
			}
		}
	}
}

// Joins, leaves and patch changes at any moment do not click: the patch is changed while loud low tones sound.
func TestNoClicks(t *testing.T) {
	music := MusicSource(NewTrack("m", sine(300, -18, DetectWindow)))
	conference := hears(mask(1, 2), mask(0, 2), mask(0, 1))
	changes := map[string]func(b *Board){
		"third hears nothing": func(b *Board) { b.SetPatch(hears(mask(1), mask(0))) },
		"all apart":           func(b *Board) { b.SetPatch(Patch{}) },
		"music for one":       func(b *Board) { b.SetPatch(Patch{[]Hear{{Source: music}, {Slots: mask(0, 2)}, {Slots: mask(0, 1)}}}) },
		"leave":               func(b *Board) { b.Leave(2) },
		"leave and new join":  func(b *Board) { b.Leave(2); b.Join(2, CodecPCMU) },
		"back again":          func(b *Board) { b.SetPatch(conference) },
		"tone over talk": func(b *Board) {
			b.SetPatch(Patch{[]Hear{{Slots: mask(1, 2), Source: ToneSource(CallWaiting, "ua")}, {Slots: mask(0, 2)}, {Slots: mask(0, 1)}}})
		},
	}
	for name, change := range changes {
		for phase := range 12 {
			r := newRig(t, CodecPCMU, CodecPCMU, CodecPCMU)
			for n := range r.says {
				g := NewGenerator(-18, 280+10*float64(n))
				g.Fill(make([]int16, 37*phase))
				r.says[n] = g.Fill
			}
			r.board.SetPatch(conference)
			r.run(4)
			if name == "back again" {
				r.board.SetPatch(Patch{})
				r.run(3)
			}
			from := len(r.heard[0]) - FrameSamples
			change(r.board)
			if r.board.slot(2) == nil || name == "leave and new join" {
				r.says[2] = nil
			}
			r.run(4)
			for n := range r.heard {
				if name == "leave" && n == 2 || name == "leave and new join" && n == 2 {
					continue // the one who left is sent nothing at once
				}
				if db := click(r.heard[n][from:]); db > -40 {
					t.Errorf("%s, slot %d, phase %d: click of %.1f dBFS", name, n, phase, db)
				}
			}
		}
	}
}

// click sees what it is meant to see.
func TestClickIsSeen(t *testing.T) {
	pcm := sine(300, -14, 800)
	for i := range pcm[:400] {
		pcm[i] = 0
	}
	steady := click(sine(300, -14, 800))
	clear(pcm[:405])
	if cut := click(pcm); cut < -35 || steady > -60 {
		t.Errorf("cut %.1f dBFS, steady %.1f dBFS", cut, steady)
	}
}

// What fades out is waited for, then packets are relayed again.
func TestRelayAfterFade(t *testing.T) {
	r := newRig(t, CodecPCMA, CodecPCMA, CodecPCMA)
	r.tones(-20)
	r.board.SetPatch(hears(mask(1, 2), mask(0), mask(0)))
	r.run(3)
	r.board.SetPatch(hears(mask(1), mask(0), mask(0)))
	if r.board.RelayFrom(0) != -1 || !r.board.Wants(1) || !r.board.Wants(2) {
		t.Error("relays before the leaver has faded")
	}
	r.tick()
	if r.board.RelayFrom(0) != 1 || r.board.Wants(1) || r.board.Wants(2) {
		t.Error("does not relay after the fade")
	}

	// From one relay to another nothing is waited for.
	r.board.SetPatch(hears(mask(2), mask(0), mask(0)))
	if r.board.RelayFrom(0) != 2 {
		t.Error("does not relay the other at once")
	}

	// A leg that cannot be sent to asks for no Mix; the board does not wait for it for ever.
	r.board.SetPatch(hears(mask(1, 2), mask(0), mask(0)))
	r.run(3)
	r.board.SetPatch(hears(mask(1), mask(0), mask(0)))
	for range 3 {
		r.board.Tick()
	}
	if r.board.RelayFrom(0) != 1 {
		t.Error("waits for a mix that nobody takes")
	}
}

func TestSlotsOutsideTheBoard(t *testing.T) {
	b := NewBoard(2)
	for _, n := range []int{-1, 2, 99} {
		b.Join(n, CodecPCMA)
		b.Frame(n, make([]byte, FrameSamples), false)
		b.Leave(n)
		if b.RelayFrom(n) != -1 || b.Wants(n) || b.Mix(n, make([]byte, FrameSamples)) != 0 {
			t.Errorf("slot %d answers", n)
		}
	}
	if NewBoard(-1) == nil || len(NewBoard(1000).slots) != MaxSlots {
		t.Error("sizes")
	}
	b.Join(0, CodecPCMA)
	b.SetPatch(Patch{[]Hear{{Comfort: true}, {}, {Slots: 3}}})
	b.Tick()
	if b.Mix(0, make([]byte, 10)) != 0 {
		t.Error("mixed into a buffer that is too short")
	}
}

// Sound from before a pause in listening does not come back when the slot is heard again.
func TestOldSoundIsNotConcealed(t *testing.T) {
	r := newRig(t, CodecPCMU, CodecPCMA)
	r.tones(-10)
	r.board.SetPatch(hears(mask(1)))
	r.run(5)
	r.board.SetPatch(Patch{})
	r.run(3)
	r.says[1] = nil
	r.board.SetPatch(hears(mask(1)))
	if pcm := r.run(3)[0]; Level(pcm) > -70 {
		t.Errorf("%.1f dBFS of old sound", Level(pcm))
	}
}

// Nothing heard: nothing is sent, or faint noise with Comfort.
func TestComfort(t *testing.T) {
	for _, codec := range []Codec{CodecPCMU, CodecPCMA} {
		r := newRig(t, codec, codec)
		r.board.SetPatch(Patch{[]Hear{{}, {Comfort: true}}})
		pcm := r.run(50)
		if r.sent[0] != 0 || r.sent[1] != 50 {
			t.Errorf("%s: sent %v frames", codec, r.sent)
		}
		if level := Level(pcm[1]); level > -62 || level < -78 {
			t.Errorf("%s: comfort noise of %.1f dBFS", codec, level)
		}
	}
}

// A patch holds for a slot that joins later, and a leg that comes back does not inherit the old one's music.
func TestJoinAfterPatch(t *testing.T) {
	track := NewTrack("count", counting(5*FrameSamples))
	b := NewBoard(2)
	b.SetPatch(Patch{[]Hear{{Source: MusicSource(track)}}})
	b.Join(0, CodecPCMA)
	mix := func() { b.Tick(); b.Mix(0, make([]byte, FrameSamples)) }
	mix()
	mix()
	if pos := b.slots[0].playing.pos; pos != 2*FrameSamples {
		t.Fatalf("music at %d", pos)
	}
	b.Join(0, CodecPCMU)
	if b.slots[0].codec != CodecPCMU || b.slots[0].playing.pos != 2*FrameSamples {
		t.Error("a change of codec restarts the music")
	}
	b.Leave(0)
	b.Join(0, CodecPCMU)
	mix()
	if pos := b.slots[0].playing.pos; pos != FrameSamples {
		t.Errorf("new leg's music at %d", pos)
	}
}

// Each leg has its own place in each track, and goes on there: hold, retrieve, hold.
func TestMusicPlaces(t *testing.T) {
	a, other := NewTrack("a", counting(100*FrameSamples)), NewTrack("other", counting(100*FrameSamples))
	r := newRig(t, CodecPCMU, CodecPCMU)
	hold := func(x, y *Track) {
		p := Patch{Hears: make([]Hear, 2)}
		if x != nil {
			p.Hears[0].Source = MusicSource(x)
		}
		if y != nil {
			p.Hears[1].Source = MusicSource(y)
		}
		r.board.SetPatch(p)
	}
	at := func(slot int) int { return r.board.slots[slot].playing.pos / FrameSamples }
	hold(a, nil)
	r.run(10)
	hold(a, a) // the second leg starts at the beginning, the first goes on
	r.run(5)
	if at(0) != 15 || at(1) != 5 {
		t.Fatalf("at %d and %d", at(0), at(1))
	}
	hold(nil, a)
	r.run(7)
	hold(a, a)
	r.run(1)
	if at(0) != 17 || at(1) != 13 { // one frame went by while it faded out
		t.Fatalf("after a second hold at %d and %d", at(0), at(1))
	}
	hold(other, a)
	r.run(4)
	if at(0) != 4 {
		t.Fatalf("other track at %d", at(0))
	}
	hold(a, a)
	r.run(1)
	if at(0) != 19 {
		t.Fatalf("back to the first track at %d", at(0))
	}
	for i := range 3 * maxPlaces {
		hold(NewTrack(fmt.Sprint(i), counting(FrameSamples)), nil)
		r.run(2)
	}
	if n := len(r.board.slots[0].places); n > maxPlaces {
		t.Errorf("%d places kept", n)
	}
}

// A call that is patched while its peer sends nothing, or packets of odd sizes.
func TestOddFrames(t *testing.T) {
	b := NewBoard(3)
	for n := range 3 {
		b.Join(n, CodecPCMA)
	}
	b.SetPatch(hears(mask(1, 2)))
	out := make([]byte, FrameSamples)
	for _, size := range []int{0, 1, 80, 159, 160, 161, 240, 1500} {
		b.Frame(1, make([]byte, size), false)
		b.Tick()
		if n := b.Mix(0, out); n != FrameSamples {
			t.Errorf("payload of %d: sent %d", size, n)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	r := newRig(t, CodecPCMA, CodecPCMU, CodecPCMA, CodecPCMU)
	payload, out := make([]byte, FrameSamples), make([]byte, FrameSamples)
	music := MusicSource(DefaultTrack())
	patches := []Patch{
		hears(mask(1, 2, 3), mask(0, 2, 3), mask(0, 1, 3), mask(0, 1, 2)),
		{[]Hear{{Source: music}, {Source: ToneSource(RingBack, "us")}, {Comfort: true}, {Slots: mask(0)}}},
		hears(mask(1), mask(0)),
	}
	i := 0
	allocs := testing.AllocsPerRun(300, func() {
		if i%10 == 0 {
			r.board.SetPatch(patches[i/10%len(patches)])
		}
		i++
		for n := range 4 {
			r.board.Frame(n, payload, i%7 == n)
		}
		r.board.Tick()
		for n := range 4 {
			r.board.Mix(n, out)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a tick", allocs)
	}
}

// sine is a steady tone; a multiple of DetectWindow loops without a seam.
func sine(hz, level float64, n int) []int16 {
	pcm := make([]int16, n)
	NewGenerator(level, hz).Fill(pcm)
	return pcm
}

func counting(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i)
	}
	return pcm
}
