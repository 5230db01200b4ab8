package rtp

import (
	"net/netip"
	"time"
)

// Bounds of learning.
const (
	learnPackets = 5
	learnTime    = 5 * time.Second
	learnRun     = 3 // consecutive packets of one source that prove it
)

// sourceState says where the policy stands:
//
//	closed ─▶ sdp ──────────▶ locked   packet from the SDP's address
//	           ╰▶ learning ─▶ locked   3 packets in sequence from one other source; 5 packets or 5 s without: to the SDP's
//
// Only a changed Remote (renegotiation) leaves locked.
type sourceState uint8

const (
	sourceClosed   sourceState = iota + 1 // nothing negotiated: accept nothing
	sourceSDP                             // waiting for the first packet; only the SDP's source counts
	sourceLearning                        // as sourceSDP, other sources may prove themselves
	sourceLocked
)

// verdict on a packet's source.
type verdict uint8

const (
	foreign verdict = iota + 1
	accepted
	learnt // accepted, and now locked to another address than the SDP's
)

// sourcePolicy decides from where RTP is taken: the address of the SDP first; a NATed source only where allowed, within
// 5 packets or 5 s, and then locked. It is pure. (RTP bleed, CVE-2017-14099.)
type sourcePolicy struct {
	state sourceState
	sdp   netip.AddrPort
	addr  netip.AddrPort // locked to
	cand  netip.AddrPort
	ssrc  uint32
	seq   uint16
	run   int
	spent int
	since time.Duration
}

// set starts anew for a changed remote.
func (s *sourcePolicy) set(remote netip.AddrPort, learn bool) {
	*s = sourcePolicy{state: sourceSDP, sdp: remote}
	switch {
	case learn:
		s.state = sourceLearning
	case !reachable(remote):
		s.state = sourceClosed
	}
}

// allow follows a changed permission to learn while nothing is locked yet.
func (s *sourcePolicy) allow(learn bool) {
	switch {
	case learn && s.spent == 0 && (s.state == sourceSDP || s.state == sourceClosed):
		s.state = sourceLearning
	case !learn && s.state == sourceLearning:
		s.endLearning()
	}
}

func (s *sourcePolicy) endLearning() {
	s.state = sourceSDP
	if !reachable(s.sdp) {
		s.state = sourceClosed
	}
}

// hopeless says, without looking into the packet, that it can only be foreign.
func (s *sourcePolicy) hopeless(from netip.AddrPort) bool {
	switch s.state {
	case sourceLocked:
		return from != s.addr
	case sourceSDP:
		return from != s.sdp
	case sourceLearning:
		return false
	}
	return true
}

// check judges a well-formed RTP packet of a negotiated payload type.
func (s *sourcePolicy) check(now time.Duration, from netip.AddrPort, ssrc uint32, seq uint16) verdict {
	if s.state == sourceLearning && s.spent > 0 && now-s.since > learnTime {
		s.endLearning()
	}
	if s.hopeless(from) {
		return foreign
	}
	if s.state == sourceLocked {
		return accepted
	}
	if from == s.sdp {
		s.state, s.addr = sourceLocked, from
		return accepted
	}
	return s.learn(now, from, ssrc, seq)
}

func (s *sourcePolicy) learn(now time.Duration, from netip.AddrPort, ssrc uint32, seq uint16) verdict {
	if s.spent == 0 {
		s.since = now
	}
	s.spent++
	if from == s.cand && ssrc == s.ssrc && seq == s.seq+1 {
		s.run++
	} else {
		s.cand, s.ssrc, s.run = from, ssrc, 1
	}
	s.seq = seq
	if s.run >= learnRun {
		s.state, s.addr = sourceLocked, from
		return learnt
	}
	if s.spent >= learnPackets {
		s.endLearning()
	}
	return foreign
}

// target is where our packets go: to the locked source, which is symmetric RTP (RFC 4961), else to the SDP's address.
func (s *sourcePolicy) target() netip.AddrPort {
	if s.state == sourceLocked {
		return s.addr
	}
	return s.sdp
}

// control says whether RTCP from that source belongs to the peer. Its port may be anything behind a NAT.
func (s *sourcePolicy) control(from, sdp netip.AddrPort) bool {
	if s.state == sourceLocked && s.addr != s.sdp {
		return from.Addr() == s.addr.Addr()
	}
	return from == sdp
}
