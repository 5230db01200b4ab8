package rtp

import (
	"net/netip"
	"time"
)

// EventKind says what an [Event] tells.
type EventKind uint8

// Kinds of events.
const (
	// EventDigit: the peer sent one RFC 4733 event; Code and Duration are set. Emitted when it ended.
	EventDigit EventKind = iota + 1
	// EventDigitsDone: what one call of Digits queued has been sent (Err nil), or was cut short (Err says why). One for
	// each successful call, in order.
	EventDigitsDone
	// EventTimeout: no RTP for Params.Timeout; once for each silence.
	EventTimeout
	// EventSourceLocked: another source than the SDP's was learnt and locked; Addr is set.
	EventSourceLocked
	// EventFirstPacket: first accepted RTP packet since Open or since Remote changed; Addr is set.
	EventFirstPacket
	// EventSSRCCollision: the peer used our SSRC, ours was changed (RFC 3550 §8.2).
	EventSSRCCollision
	// EventBye: the peer's RTCP said BYE for the SSRC we hear.
	EventBye
)

var eventNames = [...]string{
	EventDigit: "digit", EventDigitsDone: "digits_done", EventTimeout: "timeout", EventSourceLocked: "source_locked",
	EventFirstPacket: "first_packet", EventSSRCCollision: "ssrc_collision", EventBye: "bye",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) && k > 0 {
		return eventNames[k]
	}
	return "unknown"
}

// Event is something that happened to a stream. Which fields are set is said at the kind.
type Event struct {
	Kind     EventKind
	Code     rune           // digit, one of 0-9*#A-D
	Duration time.Duration  // of the digit
	Addr     netip.AddrPort // source
	Sent     int            // EventDigitsDone: digits (not pauses) that were sent whole
	Err      error          // EventDigitsDone
}
