package sim

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestCheckerFindsFaults(t *testing.T) {
	type packet struct {
		ssrc  uint32
		seq   uint16
		ts    uint32
		at    int // ms
		mark  bool
		event bool
	}
	for name, c := range map[string]struct {
		in   []packet
		want Wire
	}{
		"whole":             {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 160, 20, false, false}, {1, 3, 320, 40, false, false}}, Wire{Packets: 3}},
		"wraps":             {[]packet{{1, 65535, 4294967136, 0, false, false}, {1, 0, 0, 20, false, false}}, Wire{Packets: 2}},
		"lost":              {[]packet{{1, 1, 0, 0, false, false}, {1, 3, 320, 40, false, false}}, Wire{Packets: 2, SequenceGaps: 1}},
		"twice":             {[]packet{{1, 1, 0, 0, false, false}, {1, 1, 0, 1, false, false}}, Wire{Packets: 2, SequenceGaps: 1}},
		"new source":        {[]packet{{1, 1, 0, 0, false, false}, {2, 2, 160, 20, false, false}}, Wire{Packets: 2, SSRCChanges: 1}},
		"timestamp stays":   {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 0, 20, false, false}}, Wire{Packets: 2, TimestampErrors: 1}},
		"timestamp jumps":   {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 8000, 20, false, false}}, Wire{Packets: 2, TimestampErrors: 1}},
		"pause true":        {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 8000, 1000, true, false}}, Wire{Packets: 2}},
		"pause overdone":    {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 16000, 1000, true, false}}, Wire{Packets: 2, TimestampErrors: 1}},
		"one packet late":   {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 8000, 1300, true, false}, {1, 3, 8160, 1300, false, false}}, Wire{Packets: 3}},
		"events in between": {[]packet{{1, 1, 0, 0, false, false}, {1, 2, 160, 20, true, true}, {1, 3, 160, 40, false, true}, {1, 4, 480, 60, false, false}}, Wire{Packets: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			var k checker
			start := time.Now()
			for _, p := range c.in {
				h := &rtp.Header{SSRC: p.ssrc, SequenceNumber: p.seq, Timestamp: p.ts, Marker: p.mark}
				at := start.Add(time.Duration(p.at) * time.Millisecond)
				if p.event {
					k.events(h, at)
				} else {
					k.audio(h, at)
				}
			}
			if k.wire != c.want {
				t.Errorf("got %+v, want %+v", k.wire, c.want)
			}
		})
	}
}

// A stream that is behind the wall clock after a pause, and stays there, is found after the probation.
func TestCheckerFindsStreamThatFellBehind(t *testing.T) {
	var k checker
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	k.audio(&rtp.Header{SequenceNumber: 1}, at(0))
	for i := range probation {
		k.audio(&rtp.Header{SequenceNumber: uint16(i) + 2, Timestamp: 320 + uint32(i)*frame, Marker: i == 0}, at(1000+20*i))
	}
	if k.wire.TimestampErrors != 1 {
		t.Errorf("got %+v, want one timestamp error", k.wire)
	}
}
