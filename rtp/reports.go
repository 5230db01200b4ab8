package rtp

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// controlPacket takes an RTCP packet.
func (l *leg) controlPacket(now time.Duration, p *packet) {
	if !l.source.control(p.from, l.params.RemoteRTCP) {
		l.count.foreign++
		return
	}
	ok, bye := l.control.take(now, l.shard.ntp(now), l.ssrc, &l.heard, p.data())
	if !ok {
		l.count.malformed++
		return
	}
	l.remoteRTCP = p.from
	if bye {
		l.tell(Event{Kind: EventBye, Addr: p.from}, true)
	}
}

// report sends a compound RTCP packet.
func (l *leg) report(now time.Duration, bye bool) {
	if !reachable(l.remoteRTCP) {
		return
	}
	s := sending{ssrc: l.ssrc, packets: l.count.sent, octets: l.count.sentOctets, cname: l.stream.cname}
	s.rtpTime = l.line.ts + uint32((now-l.line.at)/sampleTime)
	b, err := l.control.report(now, l.shard.ntp(now), s, &l.heard, bye)
	if err == nil {
		err = l.stream.control.send(b, l.remoteRTCP)
	}
	if err != nil {
		l.count.rtcpErrors++
	}
}

// collide answers a peer that uses our SSRC (RFC 3550 §8.2): BYE for the old one, a new one from now on. When the same source
// does it again it sends our own packets back, as echo tests do, and nothing is changed.
func (l *leg) collide(now time.Duration, from netip.AddrPort) {
	if l.looped == from {
		return
	}
	l.looped = from
	l.report(now, true)
	l.setSSRC(rand.Uint32())
	l.line.renew()
	l.log.Debug("ssrc collision", "remote", from)
	l.tell(Event{Kind: EventSSRCCollision, Addr: from}, true)
}

func (l *leg) setSSRC(ssrc uint32) {
	l.ssrc = ssrc
	l.stream.ssrc.Store(ssrc)
}

// stats sums up the leg.
func (l *leg) stats() Stats {
	s, h, c := l.stream, &l.heard, &l.count
	out := Stats{
		PacketsSent: c.sent, OctetsSent: c.sentOctets, PacketsRelayed: c.relayed, SendErrors: c.sendErrors + c.rtcpErrors,
		PacketsReceived: h.packets, OctetsReceived: h.octets,
		Lost: h.lost(), SequenceGaps: h.gaps, Reordered: h.reordered, Duplicate: h.dup,
		Jitter:         time.Duration(h.jitter * float64(sampleTime)),
		ForeignDropped: c.foreign, Malformed: c.malformed + s.oversized.Load(), UnknownPT: c.unknownPT,
		QueueDropped: s.queueDropped.Load(), SwitchDropped: c.overlap, SSRCChanges: h.ssrcChanges,
		EventsDropped: s.eventsDropped.Load(),
		RTT:           l.control.rtt, RemoteLoss: l.control.remoteLoss,
		RemoteJitter: time.Duration(l.control.remoteJitter) * sampleTime,
		SSRC:         l.ssrc, RemoteSSRC: h.ssrc,
		Relaying: !l.closed && l.desk.board.RelayFrom(l.slot) >= 0,
	}
	if j := l.jitter; j != nil {
		out.Late, out.Concealed, out.BufferDelay = j.late, j.lost, j.delay()
	}
	delay := out.RTT/2 + out.BufferDelay + frameTime
	out.LossRatio, out.MOS = h.quality(mark{}, out.Late, delay)
	out.RecentLoss, out.RecentMOS = h.quality(l.marks[0], out.Late, delay)
	return out
}

// remember begins a new recent past: that of figures reaches back to the mark before the last, one to two reports ago.
func (l *leg) remember() {
	var late uint64
	if l.jitter != nil {
		late = l.jitter.late
	}
	l.marks[0], l.marks[1] = l.marks[1], l.heard.mark(late)
}
