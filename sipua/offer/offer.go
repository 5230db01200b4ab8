// Package offer holds one dialog's session descriptions: it mends and parses what peers send, builds what we
// send, and negotiates audio by the offer/answer model (RFC 3264). It knows SDP (RFC 8866) and no SIP.
package offer

import "net/netip"

// Codec is one RTP payload format as named in an rtpmap (RFC 8866 §6.6).
type Codec struct {
	Name      string // encoding name, matched without regard to case: "PCMU", "PCMA"
	PT        uint8  // payload type, 0–127
	ClockRate uint32 // Hz
	Fmtp      string // format parameters as on the wire, without the payload type; empty: none
}

// PCMU and PCMA are G.711 with their static payload types (RFC 3551 §6).
var (
	PCMU = Codec{Name: "PCMU", PT: 0, ClockRate: 8000}
	PCMA = Codec{Name: "PCMA", PT: 8, ClockRate: 8000}
)

// Local is our side of a stream: where we receive, and what we can do.
type Local struct {
	Addr      netip.Addr // address we receive RTP on; RTCP is on Port+1
	Port      uint16     // RTP port
	Codecs    []Codec    // in order of preference, without telephone-event; empty: PCMA, PCMU
	EventPT   uint8      // payload type we propose for telephone-event/8000 (RFC 4733); 0: none
	Direction Direction  // ours; the zero value is SendRecv
	PTime     int        // packet time we ask for, in ms; 0: 20
	Prefer    string     // name of a codec to take if it is offered at all; empty: the offerer's order decides
}

// Negotiated is what one offer and its answer agreed on, seen from our side.
type Negotiated struct {
	Remote      netip.AddrPort // where we send RTP; unspecified address (0.0.0.0): send nothing
	RemoteRTCP  netip.AddrPort // where we send RTCP (RFC 3605 or port+1); zero or unspecified: nowhere
	Codec       Codec          // chosen codec; PT is the one we send with
	RecvPT      uint8          // payload type of the same codec in packets we receive
	EventSendPT uint8          // telephone-event payload type we send with; 0: none agreed
	EventRecvPT uint8          // telephone-event payload type we receive; 0: none agreed
	Direction   Direction      // ours after negotiation
	Peer        Direction      // what the peer wants for itself; c=0.0.0.0 counts as not receiving
	PTime       int            // packet time for what we send, in ms
}

// PeerHolds reports whether the peer does not want to hear us (hold by a=sendonly, a=inactive or c=0.0.0.0).
func (n Negotiated) PeerHolds() bool { return !n.Peer.Recv() }
