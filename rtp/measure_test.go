package rtp

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

// Loss that begins late in a long call shows at once in the recent figures, and leaves them once it is over; what came to
// nothing at all is not good.
func TestRecentFigures(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	a := &talker{ssrc: 1}
	run := func(d time.Duration, loseEvery int) Stats {
		for n := range int(d / frameTime) {
			p := a.next()
			if loseEvery == 0 || n%loseEvery != 0 {
				r.receive(0, r.peers[0], p)
			}
			r.advance(frameTime)
		}
		return r.legs[0].Stats()
	}
	if s := r.legs[0].Stats(); s.MOS != 0 || s.RecentMOS != 0 || s.Relaying {
		t.Errorf("before anything came: %+v", s)
	}
	if s := run(time.Second, 0); s.RecentLoss != 0 || s.RecentMOS != s.MOS || s.MOS < 4.3 {
		t.Errorf("after a second: %+v", s)
	}
	run(10*time.Minute, 0)
	s := run(16*time.Second, 4)
	if math.Abs(s.RecentLoss-0.25) > 0.02 || s.RecentMOS > 2.6 || s.LossRatio > 0.01 || s.MOS < 4 {
		t.Errorf("loss at the end of a long call: recent %.3f MOS %.2f, all %.3f MOS %.2f", s.RecentLoss, s.RecentMOS, s.LossRatio, s.MOS)
	}
	lost := s.Lost
	if s = run(16*time.Second, 0); s.RecentLoss != 0 || s.RecentMOS < 4.3 || s.Lost != lost {
		t.Errorf("after it: %+v", s)
	}
	r.advance(16 * time.Second)
	if s = r.legs[0].Stats(); s.RecentMOS != 0 || s.MOS < 4 {
		t.Errorf("silence: %+v", s)
	}
	if !r.legs[1].Stats().Relaying || r.legs[0].Stats().Relaying {
		t.Error("it is not told which leg's packets are relayed")
	}
}

// Figures cost the media loop no memory.
func TestFiguresDoNotAllocate(t *testing.T) {
	m := newMixRig(t)
	l := m.r.legs[0].leg
	var s Stats
	if n := testing.AllocsPerRun(1000, func() { l.remember(); s = l.stats() }); n != 0 {
		t.Errorf("%v allocations for the figures of a leg", n)
	}
	if s.SSRC != l.ssrc {
		t.Errorf("figures of another leg: %+v", s)
	}
}

// Measure asks loops that run, and has the last figures of an engine that has stopped; a loop that hangs holds nobody up.
func TestMeasure(t *testing.T) {
	e, err := New(Config{Bind: loopback, Shards: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	var streams []*Stream
	for _, group := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		s, err := e.Open(OpenParams{Group: group})
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	same := func(when string) {
		t.Helper()
		got, err := e.Measure(context.Background(), streams)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range streams {
			if got[i].SSRC != s.SSRC() {
				t.Errorf("%s: the figures of stream %d are another's", when, i)
			}
		}
	}
	same("running")
	streams[3].Close()
	same("one closed")
	hang := make(chan struct{})
	e.Do("a", func() { <-hang }, nil)
	soon, stop := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer stop()
	if _, err := e.Measure(soon, streams); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a loop hangs: %v", err)
	}
	close(hang)
	same("after it hung")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	same("stopped")
	if none, err := e.Measure(context.Background(), nil); err != nil || len(none) != 0 {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}
