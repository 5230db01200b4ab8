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

// probation is for how many packets after a pause a stream may look late before it counts as late: single packets are
// late because something on the way to this checker was.
const probation = 50

// checker follows one stream as it arrives.
type checker struct {
	wire    Wire
	started bool
	ssrc    uint32
	seq     uint16
	ts      uint32
	at      time.Time
	event   bool // a telephone-event came since the last audio packet

	first     time.Time // arrival of the first packet
	sum       int64     // timestamp units since the first packet
	best      int64     // earliest that any packet came: sum minus wall clock, in timestamp units
	left      int       // packets of probation
	since     int64     // best since probation began
	suspected int64     // best before it
}

// audio takes an audio packet. A packet's timestamp follows its sequence number; after telephone-events, which share their
// start's timestamp, and after a pause it follows the wall clock.
func (c *checker) audio(h *rtp.Header, now time.Time) {
	if !c.begin(h, now) {
		return
	}
	seq, ts := h.SequenceNumber-c.seq, h.Timestamp-c.ts
	c.sum += int64(int32(ts))
	lead := c.sum - int64(now.Sub(c.first).Seconds()*8000)
	if ts != uint32(seq)*frame {
		paused := h.Marker || c.event || now.Sub(c.at) > 40*time.Millisecond
		if !paused || int32(ts) <= 0 || lead > c.best+wallTolerance {
			c.wire.TimestampErrors++
		}
		if c.left == 0 {
			c.left, c.since, c.suspected = probation, lead, c.best
		}
	}
	c.watch(lead)
	c.seq, c.ts, c.at, c.event = h.SequenceNumber, h.Timestamp, now, false
}

// watch ends a probation: if no packet of it came as early as those before it, the stream fell behind the clock.
func (c *checker) watch(lead int64) {
	c.best = max(c.best, lead)
	if c.left == 0 {
		return
	}
	c.since = max(c.since, lead)
	if c.left--; c.left == 0 && c.since < c.suspected-wallTolerance {
		c.wire.TimestampErrors++
		c.best = c.since
	}
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
		*c = checker{wire: c.wire, started: true, ssrc: h.SSRC, seq: h.SequenceNumber, ts: h.Timestamp, at: now, first: now}
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
