package rtp

import (
	"math"
	"testing"
	"time"
)

func TestReception(t *testing.T) {
	type pkt struct {
		ssrc uint32
		seq  uint16
		ok   bool
	}
	for _, c := range []struct {
		name                    string
		in                      []pkt
		packets                 uint64
		lost                    int64
		gaps, reordered, dup, n uint64
	}{
		{"in order over the wrap", []pkt{{1, 65534, true}, {1, 65535, true}, {1, 0, true}, {1, 1, true}}, 4, 0, 0, 0, 0, 0},
		{"two holes", []pkt{{1, 1, true}, {1, 3, true}, {1, 7, true}}, 3, 4, 2, 0, 0, 0},
		{"late packet fills its hole", []pkt{{1, 1, true}, {1, 3, true}, {1, 2, true}}, 3, 0, 1, 1, 0, 0},
		{"late packet from before the wrap", []pkt{{1, 65534, true}, {1, 0, true}, {1, 65535, true}}, 3, 0, 1, 1, 0, 0},
		{"duplicates", []pkt{{1, 1, true}, {1, 1, false}, {1, 2, true}, {1, 1, false}}, 2, 0, 0, 0, 2, 0},
		{"a stray leap is not heard", []pkt{{1, 1, true}, {1, 30000, false}, {1, 2, true}}, 2, 0, 0, 0, 0, 0},
		{"two in a row are a new start", []pkt{{1, 1, true}, {1, 30000, false}, {1, 30001, true}, {1, 30002, true}}, 3, 0, 0, 0, 0, 0},
		{"other ssrc", []pkt{{1, 1, true}, {1, 3, true}, {2, 9000, true}, {2, 9001, true}}, 4, 1, 1, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r reception
			for i, p := range c.in {
				if ok := r.arrive(0, p.ssrc, p.seq, 0, 160, true); ok != p.ok {
					t.Errorf("packet %d heard: %v", i, ok)
				}
			}
			if r.packets != c.packets || r.lost() != c.lost || r.gaps != c.gaps || r.reordered != c.reordered || r.dup != c.dup || r.ssrcChanges != c.n {
				t.Errorf("packets %d lost %d gaps %d reordered %d dup %d ssrcs %d", r.packets, r.lost(), r.gaps, r.reordered, r.dup, r.ssrcChanges)
			}
		})
	}
}

func TestReceptionJitter(t *testing.T) {
	var r reception
	for n := range 2000 {
		at := time.Duration(n) * frameTime
		if n%2 == 1 {
			at += 10 * time.Millisecond // every transit differs by 10 ms: jitter tends to 10 ms
		}
		r.arrive(at, 1, uint16(n), uint32(n)*160+0xFFFFF000, 160, true)
	}
	if got := r.jitter / 8; math.Abs(got-10) > 0.1 {
		t.Errorf("jitter %.2f ms, want 10", got)
	}
	before := r.jitter
	r.arrive(41*time.Second, 1, 2000, 5, 160, true) // a new start of the clock is no jitter
	if r.jitter != before {
		t.Errorf("jitter %v after the clock began anew, was %v", r.jitter, before)
	}
}

func TestFractionLost(t *testing.T) {
	var r reception
	for n := range 100 {
		if n%4 != 1 {
			r.arrive(0, 1, uint16(n), 0, 160, true)
		}
	}
	if f := r.fractionLost(); f != 64 {
		t.Errorf("fraction %d/256, want 64", f)
	}
	r.arrive(0, 1, 100, 0, 160, true)
	if f := r.fractionLost(); f != 0 {
		t.Errorf("fraction %d/256 after a whole interval", f)
	}
	if got, _ := r.quality(mark{}, 0, 0); math.Abs(got-25.0/101) > 1e-9 {
		t.Errorf("loss ratio %v", got)
	}
}

func TestSeqWindow(t *testing.T) {
	var w seqWindow
	w.start(10)
	for _, c := range []struct {
		seq   uint16
		fresh bool
	}{{9, false}, {10, false}, {11, true}, {11, false}, {80, true}, {79, true}, {79, false}, {17, true}, {16, false}, {65535, false}, {20000, true}, {19999, true}, {11, false}} {
		if got := w.add(c.seq); got != c.fresh {
			t.Errorf("%d fresh: %v", c.seq, got)
		}
	}
}

func TestMOS(t *testing.T) {
	for _, c := range []struct {
		loss  float64
		delay time.Duration
		bpl   float64
		want  float64
	}{
		{0, 0, bplConcealed, 4.41},
		{0.05, 20 * time.Millisecond, bplConcealed, 3.92}, // the figures of the quality bars
		{0.05, 20 * time.Millisecond, bplBare, 2.17},
		{0, 400 * time.Millisecond, bplConcealed, 3.05},
		{1, 0, bplBare, 1},
		{-1, 0, bplBare, 4.41},
		{0, time.Hour, bplBare, 1},
	} {
		if got := mos(c.loss, 1, c.delay, c.bpl); math.Abs(got-c.want) > 0.06 {
			t.Errorf("loss %v, delay %v, Bpl %v: MOS %.2f, want %.2f", c.loss, c.delay, c.bpl, got, c.want)
		}
	}
	last := 5.0
	for loss := 0.0; loss <= 1; loss += 0.01 {
		m := mos(loss, 1, 0, bplConcealed)
		if m > last || m < 1 || m > 4.5 {
			t.Fatalf("MOS %v at loss %v after %v", m, loss, last)
		}
		last = m
	}
	if b := burstRatio(10, 10, 0.1); b != 1 {
		t.Errorf("burst ratio of single losses %v", b)
	}
	if b := burstRatio(40, 10, 0.1); math.Abs(b-3.6) > 1e-9 {
		t.Errorf("burst ratio of runs of four %v", b)
	}
}
