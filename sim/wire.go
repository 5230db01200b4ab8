package sim

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtp"
)

// Wire counts what is wrong in a received RTP stream (RFC 3550 §5.1).
type Wire struct {
	Packets         int `json:"packets"`
	SSRCChanges     int `json:"ssrc_changes"`
	SequenceGaps    int `json:"sequence_gaps"`
	TimestampErrors int `json:"timestamp_errors"`
}

// frame is the length of a packet's sound in timestamp units: 20 ms at 8 kHz.
const frame = 160

// wallTolerance is how far a timestamp may be from the wall clock after a pause, in timestamp units (60 ms).
const wallTolerance = 3 * frame

// checker follows one stream as it arrives.
type checker struct {
	wire    Wire
	started bool
	ssrc    uint32
	seq     uint16
	ts      uint32
	at      time.Time
	event   bool // a telephone-event came since the last audio packet
}

// audio takes an audio packet. A packet's timestamp follows its sequence number; after telephone-events, which share their
// start's timestamp, and after a marked pause it follows the wall clock.
func (c *checker) audio(h *rtp.Header, now time.Time) {
	if !c.begin(h, now) {
		return
	}
	seq, ts := h.SequenceNumber-c.seq, h.Timestamp-c.ts
	if ts != uint32(seq)*frame {
		elapsed := int64(now.Sub(c.at).Seconds() * 8000)
		off := int64(int32(ts)) - elapsed
		paused := h.Marker || c.event || elapsed > 2*frame
		if !paused || off > wallTolerance || off < -wallTolerance || int32(ts) <= 0 {
			c.wire.TimestampErrors++
		}
	}
	c.seq, c.ts, c.at, c.event = h.SequenceNumber, h.Timestamp, now, false
}

// events takes a telephone-event packet: only its sequence number goes on.
func (c *checker) events(h *rtp.Header, now time.Time) {
	if !c.begin(h, now) {
		return
	}
	c.seq, c.event = h.SequenceNumber, true
}

// begin counts packet, source and sequence; false for the first packet and for one that is late.
func (c *checker) begin(h *rtp.Header, now time.Time) bool {
	c.wire.Packets++
	if !c.started || h.SSRC != c.ssrc {
		if c.started {
			c.wire.SSRCChanges++
		}
		c.started, c.ssrc, c.seq, c.ts, c.at, c.event = true, h.SSRC, h.SequenceNumber, h.Timestamp, now, false
		return false
	}
	switch d := h.SequenceNumber - c.seq; {
	case d == 0 || d > 0x8000: // repeated or late
		c.wire.SequenceGaps++
		return false
	case d > 1:
		c.wire.SequenceGaps++
	}
	return true
}

// digits collects the keys of RFC 4733 events: one key per (timestamp, event).
type digits struct {
	keys string
	seen bool
	ts   uint32
	code byte
}

const keyNames = "0123456789*#ABCD"

func (d *digits) packet(ts uint32, payload []byte) {
	if len(payload) < 4 || int(payload[0]) >= len(keyNames) || d.seen && d.ts == ts && d.code == payload[0] {
		return
	}
	d.seen, d.ts, d.code = true, ts, payload[0]
	d.keys += string(keyNames[payload[0]])
}

// eventPayload is one telephone-event payload (RFC 4733 §2.3).
func eventPayload(code byte, end bool, duration uint16) []byte {
	p := []byte{code, 10, 0, 0}
	if end {
		p[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p[2:], duration)
	return p
}
