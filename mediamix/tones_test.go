package mediamix

import (
	"math"
	"slices"
	"testing"
	"time"
)

// burst is a piece of a rendered tone that sounds.
type burst struct{ from, to int } // ms

// bursts finds where pcm sounds, from its envelope over 5 ms.
func bursts(pcm []int16) (out []burst) {
	const step = SampleRate / 200
	sounding := false
	for i := 0; i+step <= len(pcm); i += step {
		loud := Level(pcm[i:i+step]) > -40
		at := i * 1000 / SampleRate
		switch {
		case loud && !sounding:
			out = append(out, burst{from: at})
		case !loud && sounding:
			out[len(out)-1].to = at
		}
		sounding = loud
	}
	if sounding {
		out = out[:len(out)-1]
	}
	return out
}

// heardSource plays src through a board, in pieces of 20 ms.
func heardSource(t *testing.T, src *Source, d time.Duration) []int16 {
	r := newRig(t, CodecPCMU)
	r.board.SetPatch(Patch{[]Hear{{Source: src}}})
	return r.run(int(d / (20 * time.Millisecond)))[0]
}

func TestCadences(t *testing.T) {
	for _, c := range []struct {
		tone   Tone
		region string
		freqs  []float64
		want   []burst // in the first 6 s, those that end
	}{
		{RingBack, "ua", []float64{425}, []burst{{0, 1000}, {5000, 6000}}},
		{RingBack, "us", []float64{440, 480}, []burst{{0, 2000}}},
		{RingBack, "uk", []float64{400, 450}, []burst{{0, 400}, {600, 1000}, {3000, 3400}, {3600, 4000}}},
		{RingBack, "de", []float64{425}, []burst{{0, 1000}, {5000, 6000}}},
		{RingBack, "nowhere", []float64{425}, []burst{{0, 1000}, {5000, 6000}}},
		{Busy, "us", []float64{480, 620}, []burst{{0, 500}, {1000, 1500}, {2000, 2500}, {3000, 3500}, {4000, 4500}, {5000, 5500}}},
		{Congestion, "uk", []float64{400}, []burst{{0, 400}, {750, 975}, {1500, 1900}, {2250, 2475}, {3000, 3400}, {3750, 3975}, {4500, 4900}, {5250, 5475}}},
		{CallWaiting, "ua", []float64{425}, []burst{{0, 200}, {5200, 5400}}},
		{HoldBeep(3 * time.Second), "us", []float64{440}, []burst{{2800, 3000}, {5800, 6000}}},
	} {
		pcm := heardSource(t, ToneSource(c.tone, c.region), 6020*time.Millisecond)
		got := bursts(pcm)
		if len(got) != len(c.want) {
			t.Errorf("tone %d %s: bursts %v, want %v", c.tone, c.region, got, c.want)
			continue
		}
		for i, b := range got {
			if abs(b.from-c.want[i].from) > 10 || abs(b.to-c.want[i].to) > 10 {
				t.Errorf("tone %d %s: burst %v, want %v", c.tone, c.region, b, c.want[i])
			}
		}
		first := pcm[c.want[0].from*8 : c.want[0].to*8]
		if heard := Heard(first[:max(len(first)/DetectWindow, 1)*DetectWindow], c.freqs, -40); !slices.Equal(heard, c.freqs) {
			t.Errorf("tone %d %s: heard %v, want %v", c.tone, c.region, heard, c.freqs)
		}
	}
}

// Every region has every tone, within the limits of E.180: it begins with sound, has pauses, is not too loud, does not
// click at its edges.
func TestRegions(t *testing.T) {
	for _, must := range []string{"ua", "us", "uk", "de", DefaultRegion} {
		if !KnownRegion(must) {
			t.Errorf("no region %s", must)
		}
	}
	if KnownRegion("nowhere") || !slices.IsSorted(Regions()) {
		t.Error("regions")
	}
	for _, region := range Regions() {
		for _, tone := range []Tone{RingBack, Busy, Congestion, CallWaiting, HoldBeep(2 * time.Second)} {
			src := ToneSource(tone, region)
			pcm := make([]int16, src.plan.cycle+SampleRate/2)
			src.plan.render(pcm, 0)
			if len(bursts(pcm)) == 0 {
				t.Errorf("%s tone %d: no sound", region, tone)
			}
			if pause := src.plan.cycle; pause < 300*8 || pause > 16*SampleRate {
				t.Errorf("%s tone %d: cycle of %d ms", region, tone, pause/8)
			}
			var peak int16
			for _, v := range pcm {
				peak = max(peak, v)
			}
			if db := 20 * math.Log10(float64(peak)/32768); db > toneLevel+4 || db < softLevel-1 {
				t.Errorf("%s tone %d: peak at %.1f dBFS", region, tone, db)
			}
			if db := click(pcm[:min(len(pcm), 3*SampleRate)]); db > -40 {
				t.Errorf("%s tone %d: click of %.1f dBFS", region, tone, db)
			}
		}
	}
	if len(bursts(heardSource(t, ToneSource(Tone(77), "ua"), time.Second))) != 0 {
		t.Error("an unknown tone sounds")
	}
}

// The same tone patched again goes on; another one, or a later one, starts anew.
func TestToneGoesOnOverPatches(t *testing.T) {
	r := newRig(t, CodecPCMU)
	patch := func(src *Source) { r.board.SetPatch(Patch{[]Hear{{Source: src}}}) }
	pos := func() int { return r.board.slots[0].playing.pos / FrameSamples }
	patch(ToneSource(RingBack, "ua"))
	r.run(10)
	patch(ToneSource(RingBack, "ua"))
	r.run(5)
	if pos() != 15 {
		t.Errorf("at %d, want 15", pos())
	}
	patch(ToneSource(Busy, "ua"))
	r.run(3)
	if pos() != 3 {
		t.Errorf("busy at %d", pos())
	}
	patch(nil)
	r.run(3)
	patch(ToneSource(RingBack, "ua"))
	r.run(2)
	if pos() != 2 {
		t.Errorf("ring-back again at %d", pos())
	}
}

func TestHoldBeepLimits(t *testing.T) {
	for every, want := range map[time.Duration]int{0: 2, -time.Hour: 2, 1400 * time.Millisecond: 2, 15 * time.Second: 15, time.Hour: 600} {
		if got := ToneSource(HoldBeep(every), "ua").plan.cycle / SampleRate; got != want {
			t.Errorf("HoldBeep(%v) every %d s, want %d", every, got, want)
		}
	}
}

func abs(v int) int { return max(v, -v) }
