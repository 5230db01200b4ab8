package rtp

import (
	"testing"
	"time"
)

// A patch that changes and comes back between two ticks, a short hold, leaves no hole where a packet of the talker was not
// relayed.
func TestHoldShorterThanATick(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	k := talker{ssrc: 7, seq: 100, ts: 1000}
	for i := range 8 {
		r.advance(frameTime / 2)
		if i == 3 {
			r.board.relay[1] = -1
		}
		r.receive(0, r.peers[0], k.next())
		r.board.relay[1] = 0
		r.advance(frameTime / 2)
	}
	out := r.out(1).packets(t)
	for i, p := range out[1:] {
		if seq, ts := p.SequenceNumber-out[i].SequenceNumber, p.Timestamp-out[i].Timestamp; seq != 1 || ts%FrameSamples != 0 || ts == 0 {
			t.Errorf("packet %d: sequence +%d, timestamp +%d", i+1, seq, ts)
		}
	}
	if want := 8; len(out) < want-1 || out[len(out)-1].Timestamp-out[0].Timestamp != uint32(want-1)*FrameSamples {
		t.Errorf("%d packets over %v", len(out), time.Duration(out[len(out)-1].Timestamp-out[0].Timestamp)*sampleTime)
	}
}
