package offer

import (
	"strconv"
	"strings"
)

// eventName is the encoding name of DTMF and other events (RFC 4733), eventFmtp the events we send and take: digits.
const (
	eventName = "telephone-event"
	eventRate = 8000
	eventFmtp = "0-15"
)

// firstDynamic is the lowest payload type that has no fixed meaning (RFC 3551 §6).
const firstDynamic, maxType = 96, 127

// static are the payload types that need no rtpmap (RFC 3551 §6, one channel).
var static = map[uint8]Codec{
	0: PCMU, 3: {Name: "GSM", PT: 3, ClockRate: 8000}, 4: {Name: "G723", PT: 4, ClockRate: 8000},
	5: {Name: "DVI4", PT: 5, ClockRate: 8000}, 6: {Name: "DVI4", PT: 6, ClockRate: 16000},
	7: {Name: "LPC", PT: 7, ClockRate: 8000}, 8: PCMA, 9: {Name: "G722", PT: 9, ClockRate: 8000},
	11: {Name: "L16", PT: 11, ClockRate: 44100}, 12: {Name: "QCELP", PT: 12, ClockRate: 8000},
	13: {Name: "CN", PT: 13, ClockRate: 8000}, 15: {Name: "G728", PT: 15, ClockRate: 8000},
	18: {Name: "G729", PT: 18, ClockRate: 8000},
}

// format identifies a codec apart from its payload type.
type format struct {
	name string // lower case
	rate uint32
}

func (c Codec) format() format { return format{strings.ToLower(c.Name), c.ClockRate} }

func (c Codec) isEvent() bool { return strings.EqualFold(c.Name, eventName) }

// parseType reads a payload type of an m= line or an attribute.
func parseType(s string) (uint8, bool) {
	n, err := strconv.ParseUint(s, 10, 8)
	return uint8(n), err == nil && n <= maxType
}

// parseRTPMap reads the value of an rtpmap: "101 telephone-event/8000", "0 PCMU/8000/1". Formats of more than
// one channel are none of ours.
func parseRTPMap(v string) (Codec, bool) {
	typ, enc, _ := strings.Cut(strings.TrimSpace(v), " ")
	pt, ok := parseType(typ)
	if !ok {
		return Codec{}, false
	}
	parts := strings.Split(strings.TrimSpace(enc), "/")
	if len(parts) < 2 || parts[0] == "" || len(parts) > 2 && strings.TrimSpace(parts[2]) != "1" {
		return Codec{}, false
	}
	rate, err := strconv.ParseUint(strings.TrimSpace(parts[1]), 10, 32)
	if err != nil || rate == 0 {
		return Codec{}, false
	}
	return Codec{Name: parts[0], PT: pt, ClockRate: uint32(rate)}, true
}

// find returns the codec of list with this format.
func find(list []Codec, f format) (Codec, bool) {
	for _, c := range list {
		if c.format() == f {
			return c, true
		}
	}
	return Codec{}, false
}

// findEvent returns the telephone-event of list that fits audio of this clock: its own clock first, then 8 kHz,
// which may stand beside audio of another clock.
func findEvent(list []Codec, rate uint32) (Codec, bool) {
	if c, ok := find(list, format{eventName, rate}); ok {
		return c, true
	}
	return find(list, format{eventName, eventRate})
}

// choose returns the codec to use of the peer's list, and ours that matches it: the preferred one if the peer has
// it, otherwise the first in the peer's order (RFC 3264 §6.1).
func choose(peer, ours []Codec, prefer string) (theirs, mine Codec, ok bool) {
	for _, c := range peer {
		m, known := find(ours, c.format())
		if !known || c.isEvent() {
			continue
		}
		if !ok {
			theirs, mine, ok = c, m, true
		}
		if prefer != "" && strings.EqualFold(c.Name, prefer) {
			return c, m, true
		}
	}
	return theirs, mine, ok
}
