package rtp

import (
	"encoding/binary"
	"time"
)

// digitTimeout ends an event whose final packets were all lost.
const digitTimeout = 375 * time.Millisecond

// heardDigit is one whole event.
type heardDigit struct {
	code    rune
	samples uint32
}

// digitIn turns the packets of RFC 4733 events into whole digits, each told once: an event is known by SSRC, timestamp
// and code. It is pure: time comes in as now.
type digitIn struct {
	active  bool
	code    uint8
	ssrc    uint32
	ts      uint32 // of the present segment
	before  uint32 // samples of earlier segments
	samples uint32 // of the present segment
	last    time.Duration

	ended   bool // ssrc, doneTS, doneCode tell the last event that ended
	doneTS  uint32
	doneSrc uint32
}

// push takes an event payload. It returns up to two digits that ended with it: one cut off by the next, and itself.
func (d *digitIn) push(now time.Duration, ssrc, ts uint32, payload []byte) (out [2]heardDigit, n int, ok bool) {
	if len(payload) < 4 || int(payload[0]) >= len(digitCodes) {
		return out, 0, false
	}
	code, end := payload[0], payload[1]&0x80 != 0
	samples := uint32(binary.BigEndian.Uint16(payload[2:]))
	if d.ended && ssrc == d.doneSrc && int32(ts-d.doneTS) <= 0 {
		return out, 0, true // repeated or late packets of what was told already
	}
	if d.active && (ssrc != d.ssrc || ts != d.ts || code != d.code) {
		switch {
		case ssrc == d.ssrc && int32(ts-d.ts) < 0:
			return out, 0, true // late packet of an earlier segment
		case ssrc == d.ssrc && code == d.code && ts-d.ts == 0xFFFF && d.samples == 0xFFFF:
			d.before += d.samples
			d.ts, d.samples = ts, 0
		default:
			out[n] = d.finish()
			n++
		}
	}
	if !d.active {
		d.active, d.code, d.ssrc, d.ts, d.before, d.samples = true, code, ssrc, ts, 0, 0
	}
	d.samples = max(d.samples, samples)
	d.last = now
	if end {
		out[n] = d.finish()
		n++
	}
	return out, n, true
}

// expire ends an event of which nothing came for 375 ms.
func (d *digitIn) expire(now time.Duration) (heardDigit, bool) {
	if !d.active || now-d.last < digitTimeout {
		return heardDigit{}, false
	}
	return d.finish(), true
}

func (d *digitIn) finish() heardDigit {
	d.active = false
	d.ended, d.doneSrc, d.doneTS = true, d.ssrc, d.ts
	return heardDigit{code: rune(digitCodes[d.code]), samples: d.before + d.samples}
}
