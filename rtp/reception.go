package rtp

import "time"

// RFC 3550 A.1 bounds.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// reception keeps the figures of the stream a peer sends (RFC 3550 A.1, A.3, A.8). It is pure.
type reception struct {
	ssrc    uint32
	started bool
	baseSeq uint32
	maxSeq  uint16
	cycles  uint32
	badSeq  uint32 // next expected after a leap, else above 0xFFFF
	seen    seqWindow

	packets, octets uint64
	received        uint64 // since baseSeq, without duplicates
	earlierLost     int64  // of earlier SSRCs or sequences
	earlierExpected uint64
	gaps            uint64
	reordered, dup  uint64
	ssrcChanges     uint64
	transit         int64
	transitSet      bool
	jitter          float64 // samples
	priorExpected   uint64
	priorReceived   uint64
}

// noBadSeq is a value that no sequence number has.
const noBadSeq = 1 << 17

// arrive counts a packet. It is false for a duplicate or a first stray leap of the sequence, which nobody should hear.
// audio says that ts counts for jitter; the packets of an event share one.
func (r *reception) arrive(now time.Duration, ssrc uint32, seq uint16, ts uint32, octets int, audio bool) bool {
	switch {
	case !r.started:
		r.restart(ssrc, seq)
	case ssrc != r.ssrc:
		r.ssrcChanges++
		r.restart(ssrc, seq)
	case !r.follow(seq):
		return false
	}
	r.packets++
	r.received++
	r.octets += uint64(octets)
	if audio {
		r.time(now, ts)
	}
	return true
}

func (r *reception) restart(ssrc uint32, seq uint16) {
	if r.started {
		r.earlierLost += r.lostNow()
		r.earlierExpected += r.expectedNow()
	}
	r.started, r.ssrc = true, ssrc
	r.baseSeq, r.maxSeq, r.cycles, r.badSeq = uint32(seq), seq, 0, noBadSeq
	r.received, r.priorExpected, r.priorReceived = 0, 0, 0
	r.transitSet = false
	r.seen = seqWindow{hi: seq, bits: 1}
}

// follow places seq after those before it.
func (r *reception) follow(seq uint16) bool {
	delta := seq - r.maxSeq
	switch {
	case delta != 0 && delta < maxDropout:
		if delta > 1 {
			r.gaps++
		}
		if seq < r.maxSeq {
			r.cycles += 1 << 16
		}
		r.maxSeq = seq
		r.seen.add(seq)
	case delta != 0 && delta <= 0xFFFF-maxMisorder+1:
		if uint32(seq) != r.badSeq {
			r.badSeq = uint32(seq+1) & 0xFFFF
			return false
		}
		r.restart(r.ssrc, seq) // two in a row: the peer began anew
	default:
		if !r.seen.add(seq) {
			r.dup++
			return false
		}
		r.reordered++
	}
	r.badSeq = noBadSeq
	return true
}

func (r *reception) time(now time.Duration, ts uint32) {
	transit := int64(now/sampleTime) - int64(ts)
	if r.transitSet {
		d := int64(int32(uint32(transit - r.transit)))
		if d < 0 {
			d = -d
		}
		if d < 8000 { // a new start of the source's clock is no jitter
			r.jitter += (float64(d) - r.jitter) / 16
		}
	}
	r.transit, r.transitSet = transit, true
}

func (r *reception) extendedMax() uint32 { return r.cycles + uint32(r.maxSeq) }

func (r *reception) expectedNow() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.extendedMax()-r.baseSeq) + 1
}

func (r *reception) lostNow() int64 { return int64(r.expectedNow()) - int64(r.received) }

func (r *reception) lost() int64 { return r.earlierLost + r.lostNow() }

func (r *reception) expected() uint64 { return r.earlierExpected + r.expectedNow() }

// mark is a moment from which the quality can be told; the zero mark is the beginning of the stream.
type mark struct {
	packets, expected, gaps, late uint64
	lost                          int64
}

func (r *reception) mark(late uint64) mark {
	return mark{packets: r.packets, expected: r.expected(), gaps: r.gaps, late: late, lost: r.lost()}
}

// quality is the share lost since m, and the MOS of what came since then: 0 when nothing did. late is how many packets came
// too late to be played until now, delay what the mouth-to-ear delay is estimated at.
func (r *reception) quality(m mark, late uint64, delay time.Duration) (loss, score float64) {
	now := r.mark(late)
	packets := now.packets - m.packets
	if packets == 0 {
		return 0, 0
	}
	lost, expected := now.lost-m.lost, now.expected-m.expected
	if lost > 0 && expected > 0 {
		loss = float64(lost) / float64(expected)
	}
	unheard := loss + float64(now.late-m.late)/float64(packets)
	return loss, mos(unheard, burstRatio(lost, now.gaps-m.gaps, loss), delay, bplConcealed)
}

// fractionLost is the share of packets lost since it was last asked, as RTCP wants it (A.3).
func (r *reception) fractionLost() uint8 {
	expected := r.expectedNow()
	expectedStep, receivedStep := expected-r.priorExpected, r.received-r.priorReceived
	r.priorExpected, r.priorReceived = expected, r.received
	if expectedStep == 0 || receivedStep >= expectedStep {
		return 0
	}
	return uint8(min((expectedStep-receivedStep)<<8/expectedStep, 255))
}
