package rtp

import (
	"net/netip"
	"time"
)

// Codec names the audio codec of a leg. Names are those of RFC 3551 in upper case.
type Codec struct {
	Name      string // "PCMU" or "PCMA"
	ClockRate int    // Hz, 8000
}

// Codecs that an engine carries.
var (
	PCMU = Codec{Name: "PCMU", ClockRate: 8000}
	PCMA = Codec{Name: "PCMA", ClockRate: 8000}
)

// silence is the codec's byte for a zero sample (G.711).
func (c Codec) silence() byte {
	if c.Name == PCMA.Name {
		return 0xD5
	}
	return 0xFF
}

// Params are the negotiated parameters of a leg's media. A zero or unspecified Remote means: send nothing.
type Params struct {
	Remote     netip.AddrPort // where the peer receives RTP, from its SDP
	RemoteRTCP netip.AddrPort // where it receives RTCP; zero = Remote's port + 1
	SendPT     uint8          // audio payload type towards the peer
	RecvPT     uint8          // audio payload type from the peer
	Codec      Codec
	PTime      time.Duration // negotiated packet time; what we make ourselves is always 20 ms

	EventSendPT uint8 // telephone-event payload type towards the peer, 0 = none
	EventRecvPT uint8 // telephone-event payload type from the peer, 0 = none

	Send bool // our direction lets us send
	Recv bool // our direction lets us receive
	// Learn allows a NATed source to be learnt: at most 5 packets or 5 s, then it is locked until Remote changes.
	Learn bool
	// Timeout after which missing RTP is reported once as EventTimeout; 0 = never. It runs also while Recv is false.
	Timeout time.Duration
}

// sameRemote says that what was learnt about the peer's addresses stays true.
func (p Params) sameRemote(q Params) bool {
	return p.Remote == q.Remote && p.RemoteRTCP == q.RemoteRTCP
}

// sameCodec says that what lies in the jitter buffer can still be played.
func (p Params) sameCodec(q Params) bool { return p.Codec == q.Codec && p.RecvPT == q.RecvPT }

// normal unmaps addresses and fills in the RTCP address (RFC 3550 §11).
func (p Params) normal() Params {
	p.Remote = unmap(p.Remote)
	p.RemoteRTCP = unmap(p.RemoteRTCP)
	if !p.RemoteRTCP.IsValid() && reachable(p.Remote) && p.Remote.Port() < 65535 {
		p.RemoteRTCP = netip.AddrPortFrom(p.Remote.Addr(), p.Remote.Port()+1)
	}
	return p
}

func unmap(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Is4In6() {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return a
}

// reachable says that a packet may be sent there: never to a zero, unspecified or multicast address, or to port 0.
func reachable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}
