package rtp

import (
	"net/netip"
	"testing"
	"time"
)

func TestSourcePolicy(t *testing.T) {
	sdp := netip.MustParseAddrPort("192.0.2.1:4000")
	nat := netip.MustParseAddrPort("203.0.113.7:61000")
	bad := netip.MustParseAddrPort("198.51.100.66:1234")
	none := netip.AddrPort{}
	type step struct {
		from netip.AddrPort
		ms   int
		seq  uint16
		want verdict
	}
	for _, c := range []struct {
		name   string
		sdp    netip.AddrPort
		learn  bool
		steps  []step
		target netip.AddrPort
	}{
		{"from the SDP", sdp, false, []step{{sdp, 0, 1, accepted}, {bad, 1, 2, foreign}, {sdp, 2, 3, accepted}}, sdp},
		{"no learning", sdp, false, []step{{nat, 0, 1, foreign}, {nat, 20, 2, foreign}, {nat, 40, 3, foreign}, {nat, 60, 4, foreign}, {sdp, 80, 1, accepted}}, sdp},
		{"learnt in three, then locked", sdp, true, []step{{nat, 0, 1, foreign}, {nat, 20, 2, foreign}, {nat, 40, 3, learnt}, {nat, 60, 4, accepted},
			{sdp, 80, 1, foreign}, {bad, 100, 5, foreign}}, nat},
		{"the SDP's source wins at any time", sdp, true, []step{{nat, 0, 1, foreign}, {nat, 20, 2, foreign}, {sdp, 30, 9, accepted}, {nat, 40, 3, foreign}, {nat, 60, 4, foreign}}, sdp},
		{"not in sequence", sdp, true, []step{{bad, 0, 1, foreign}, {bad, 1, 5, foreign}, {bad, 2, 9, foreign}, {bad, 3, 20, foreign}, {bad, 4, 30, foreign},
			{nat, 5, 1, foreign}, {nat, 6, 2, foreign}, {nat, 7, 3, foreign}, {sdp, 8, 4, accepted}}, sdp},
		{"five packets spent between two sources", sdp, true, []step{{bad, 0, 1, foreign}, {nat, 1, 1, foreign}, {bad, 2, 2, foreign}, {nat, 3, 2, foreign}, {bad, 4, 3, foreign},
			{nat, 5, 3, foreign}, {nat, 6, 4, foreign}, {nat, 7, 5, foreign}}, sdp},
		{"last of five completes the run", sdp, true, []step{{bad, 0, 1, foreign}, {bad, 1, 7, foreign}, {nat, 2, 1, foreign}, {nat, 3, 2, foreign}, {nat, 4, 3, learnt}}, nat},
		{"five seconds over", sdp, true, []step{{nat, 1000, 1, foreign}, {nat, 1020, 2, foreign}, {nat, 6001, 3, foreign}, {nat, 6020, 4, foreign}, {nat, 6040, 5, foreign}}, sdp},
		{"the time runs from the first packet", sdp, true, []step{{nat, 60_000, 1, foreign}, {nat, 60_020, 2, foreign}, {nat, 60_040, 3, learnt}}, nat},
		{"nothing negotiated", none, false, []step{{bad, 0, 1, foreign}, {bad, 1, 2, foreign}, {bad, 2, 3, foreign}}, none},
		{"only learning", none, true, []step{{nat, 0, 1, foreign}, {nat, 1, 2, foreign}, {nat, 2, 3, learnt}}, nat},
		{"only learning, window spent", none, true, []step{{bad, 0, 1, foreign}, {bad, 0, 3, foreign}, {bad, 0, 5, foreign}, {bad, 0, 7, foreign}, {bad, 0, 9, foreign},
			{nat, 1, 1, foreign}, {nat, 1, 2, foreign}, {nat, 2, 3, foreign}}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sourcePolicy
			s.set(c.sdp, c.learn)
			for i, st := range c.steps {
				if got := s.check(time.Duration(st.ms)*time.Millisecond, st.from, 7, st.seq); got != st.want {
					t.Errorf("packet %d from %v: %v, want %v", i, st.from, got, st.want)
				}
				s.allow(c.learn) // an Update with the same remote opens no new window
			}
			if got := s.target(); got != c.target {
				t.Errorf("sends to %v, want %v", got, c.target)
			}
		})
	}
}

func TestSourcePermissionChanges(t *testing.T) {
	sdp, nat := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("203.0.113.7:61000")
	var s sourcePolicy
	s.set(sdp, false)
	s.allow(true)
	s.check(0, nat, 1, 1)
	s.allow(false)
	for seq := range uint16(10) {
		if s.check(0, nat, 1, seq) != foreign {
			t.Fatal("learnt after the permission was taken back")
		}
	}
	s.set(sdp, true)
	for seq := range uint16(3) {
		s.check(0, nat, 1, seq)
	}
	s.allow(false)
	if s.check(0, nat, 1, 4) != accepted {
		t.Error("a locked source was let go without renegotiation")
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]bool{"192.0.2.1:5": true, "[2001:db8::1]:5": true, "0.0.0.0:5": false, "[::]:5": false,
		"192.0.2.1:0": false, "224.0.0.1:5": false, "[ff02::1]:5": false, "127.0.0.1:9": true} {
		if got := reachable(netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if reachable(netip.AddrPort{}) {
		t.Error("zero address is reachable")
	}
}
