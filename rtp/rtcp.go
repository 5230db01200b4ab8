package rtp

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtcp"
)

const (
	reportInterval = 5 * time.Second
	maxRTT         = 30 * time.Second
)

// control is the RTCP side of a stream (RFC 3550 §6). It is pure: time comes in as now and ntp.
type control struct {
	next      time.Duration // when the next report is due
	sentCount uint64        // packets sent at the last report

	lastSR   uint32 // middle of the peer's last NTP time
	lastSRAt time.Duration
	hasSR    bool

	rtt          time.Duration
	remoteLoss   float64
	remoteJitter uint32
	bye          bool
}

// sending is what a sender report says of us.
type sending struct {
	ssrc            uint32
	rtpTime         uint32
	packets, octets uint64
	cname           string
}

// plan sets the time of the next report: 5 s, times 0.5 to 1.5 (§6.3.1).
func (c *control) plan(now time.Duration) {
	c.next = now + reportInterval/2 + time.Duration(rand.Int64N(int64(reportInterval)))
}

// report makes a compound of SR or RR, SDES with CNAME and, at the end, BYE.
func (c *control) report(now time.Duration, ntp uint64, s sending, r *reception, bye bool) ([]byte, error) {
	var blocks []rtcp.ReceptionReport
	if r.started {
		block := rtcp.ReceptionReport{
			SSRC: r.ssrc, FractionLost: r.fractionLost(), TotalLost: uint32(min(max(r.lostNow(), 0), 1<<23-1)),
			LastSequenceNumber: r.extendedMax(), Jitter: uint32(r.jitter),
		}
		if c.hasSR {
			block.LastSenderReport = c.lastSR
			block.Delay = uint32(uint64(now-c.lastSRAt) << 16 / uint64(time.Second))
		}
		blocks = append(blocks, block)
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: blocks}
	if s.packets > c.sentCount {
		first = &rtcp.SenderReport{SSRC: s.ssrc, NTPTime: ntp, RTPTime: s.rtpTime,
			PacketCount: uint32(s.packets), OctetCount: uint32(s.octets), Reports: blocks}
	}
	c.sentCount = s.packets
	out := rtcp.CompoundPacket{first, rtcp.NewCNAMESourceDescription(s.ssrc, s.cname)}
	if bye {
		out = append(out, &rtcp.Goodbye{Sources: []uint32{s.ssrc}})
	}
	return out.Marshal()
}

// take reads what the peer reports. wellFormed is false when it is no RTCP; bye is true once, for the SSRC we hear.
func (c *control) take(now time.Duration, ntp uint64, own uint32, r *reception, data []byte) (wellFormed, bye bool) {
	packets, err := rtcp.Unmarshal(data)
	if err != nil {
		return false, false
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if !r.started || p.SSRC == r.ssrc {
				c.hasSR, c.lastSR, c.lastSRAt = true, uint32(p.NTPTime>>16), now
			}
			c.blocks(ntp, own, p.Reports)
		case *rtcp.ReceiverReport:
			c.blocks(ntp, own, p.Reports)
		case *rtcp.Goodbye:
			if r.started && !c.bye && slices.Contains(p.Sources, r.ssrc) {
				c.bye, bye = true, true
			}
		}
	}
	return true, bye
}

func (c *control) blocks(ntp uint64, own uint32, blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		if b.SSRC != own {
			continue
		}
		c.remoteLoss = float64(b.FractionLost) / 256
		c.remoteJitter = b.Jitter
		if b.LastSenderReport == 0 {
			continue
		}
		rtt := time.Duration(int64(int32(uint32(ntp>>16)-b.LastSenderReport-b.Delay)) * int64(time.Second) >> 16)
		if rtt >= 0 && rtt < maxRTT {
			c.rtt = rtt
		}
	}
}

// ntpTime gives t as NTP's 32.32 fixed point seconds since 1900 (RFC 5905 §6).
func ntpTime(t time.Time) uint64 {
	const to1900 = 2208988800
	return uint64(t.Unix()+to1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
