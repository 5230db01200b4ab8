package rtp

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

func TestDigitNormal(t *testing.T) {
	for _, c := range []struct {
		in   Digit
		want Digit
		err  error
	}{
		{Digit{Code: '1'}, Digit{'1', DefaultDigitDuration, DefaultDigitGap}, nil},
		{Digit{Code: ','}, Digit{',', DefaultDigitPause, DefaultDigitGap}, nil},
		{Digit{Code: 'd', Duration: 40 * time.Millisecond, Gap: time.Millisecond}, Digit{'d', 40 * time.Millisecond, time.Millisecond}, nil},
		{Digit{Code: 'E'}, Digit{}, ErrBadDigit},
		{Digit{Code: 0}, Digit{}, ErrBadDigit},
		{Digit{Code: '½'}, Digit{}, ErrBadDigit},
		{Digit{Code: '1', Duration: time.Millisecond}, Digit{}, ErrBadDigit},
		{Digit{Code: '1', Duration: -1}, Digit{}, ErrBadDigit},
		{Digit{Code: '1', Duration: time.Hour}, Digit{}, ErrBadDigit},
		{Digit{Code: '1', Gap: -time.Second}, Digit{}, ErrBadDigit},
	} {
		got, err := c.in.normal(0)
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%q %v %v: %+v %v", c.in.Code, c.in.Duration, c.in.Gap, got, err)
		}
	}
	for i, r := range digitCodes {
		if code, ok := eventCode(r); !ok || int(code) != i {
			t.Errorf("code of %q: %d %v", r, code, ok)
		}
	}
}

// sentDigit is one event as it is on the wire.
type sentDigit struct {
	slot, ts uint32
	event    bool
	marker   bool
	code     uint8
	end      bool
	duration uint16
}

// sendAll runs the digit sender slot by slot until its queue is empty.
func sendAll(t *testing.T, d *digitOut, ts uint32) (out []sentDigit, finished int) {
	t.Helper()
	for n := 0; d.active(); n++ {
		if n > 100_000 {
			t.Fatal("digits never end")
		}
		p, ok, job := d.step(ts)
		if job != nil {
			finished++
		}
		if ok {
			s := sentDigit{slot: ts, ts: p.ts, event: p.event, marker: p.marker}
			if p.event {
				s.code, s.end = p.payload[0], p.payload[1]&0x80 != 0
				s.duration = binary.BigEndian.Uint16(p.payload[2:])
			}
			out = append(out, s)
		}
		ts += FrameSamples
	}
	return out, finished
}

func TestDigitOutPackets(t *testing.T) {
	var d digitOut
	d.queue([]Digit{{'5', 100 * time.Millisecond, 100 * time.Millisecond}, {',', 60 * time.Millisecond, 0}, {'#', 50 * time.Millisecond, 40 * time.Millisecond}})
	got, finished := sendAll(t, &d, 1000)
	s := func(slot, ts uint32, marker bool, code uint8, end bool, duration uint16) sentDigit {
		return sentDigit{slot, ts, true, marker, code, end, duration}
	}
	q := func(slot uint32) sentDigit { return sentDigit{slot: slot, ts: slot} }
	want := []sentDigit{
		s(1000, 1000, true, 5, false, 160), s(1160, 1000, false, 5, false, 320), s(1320, 1000, false, 5, false, 480),
		s(1480, 1000, false, 5, false, 640), s(1640, 1000, false, 5, true, 800), s(1800, 1000, false, 5, true, 800), s(1960, 1000, false, 5, true, 800),
		q(2120), q(2280), q(2440), // gap up to 1000 + 800 + 800
		q(2600), q(2760), q(2920), // pause of 480 samples
		s(3080, 3080, true, 11, false, 160), s(3240, 3080, false, 11, false, 320), s(3400, 3080, false, 11, true, 400),
		s(3560, 3080, false, 11, true, 400), s(3720, 3080, false, 11, true, 400),
	}
	if finished != 1 || len(got) != len(want) {
		t.Fatalf("%d packets, %d finished; want %d and 1: %+v", len(got), finished, len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("packet %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestDigitOutSegments sends an event of 20 s: three segments, E and the marker only where RFC 4733 §2.5.1.3 wants them.
func TestDigitOutSegments(t *testing.T) {
	var d digitOut
	d.queue([]Digit{{'A', 20 * time.Second, 0}})
	got, _ := sendAll(t, &d, 0xFFFFFF00) // across the wrap of the timestamp
	starts, total, ends, markers := []uint32{}, uint32(0), 0, 0
	var last sentDigit
	for i, p := range got {
		if i == 0 || p.ts != last.ts {
			if i > 0 {
				if last.duration != 0xFFFF || last.end {
					t.Errorf("segment ended with %+v", last)
				}
				if p.ts-last.ts != 0xFFFF {
					t.Errorf("segment starts %d after the one before", p.ts-last.ts)
				}
				total += 0xFFFF
			}
			starts = append(starts, p.ts)
		} else if p.duration < last.duration {
			t.Errorf("packet %d: duration falls from %d to %d", i, last.duration, p.duration)
		}
		if p.end {
			ends++
		}
		if p.marker {
			markers++
		}
		last = p
	}
	if total += uint32(last.duration); len(starts) != 3 || total != 160_000 || ends != 3 || markers != 1 {
		t.Errorf("%d segments, %d samples, %d end packets, %d markers", len(starts), total, ends, markers)
	}
}

// TestDigitOutLateTicks loses ticks: durations follow the clock.
func TestDigitOutLateTicks(t *testing.T) {
	var d digitOut
	d.queue([]Digit{{'1', 200 * time.Millisecond, 0}})
	d.step(0)
	p, _, _ := d.step(800)
	if got := binary.BigEndian.Uint16(p.payload[2:]); got != 960 || p.payload[1]&0x80 != 0 {
		t.Errorf("duration %d", got)
	}
	p, _, _ = d.step(4000)
	if got := binary.BigEndian.Uint16(p.payload[2:]); got != 1600 || p.payload[1]&0x80 == 0 {
		t.Errorf("duration %d, flags %x", got, p.payload[1])
	}
}

func TestDigitAbort(t *testing.T) {
	var d digitOut
	d.queue([]Digit{{'1', 40 * time.Millisecond, 20 * time.Millisecond}, {'2', 400 * time.Millisecond, 0}})
	d.queue([]Digit{{'3', 40 * time.Millisecond, 0}})
	for ts := uint32(0); ts < 2000; ts += 160 {
		d.step(ts)
	}
	jobs := d.abort()
	if len(jobs) != 2 || jobs[0].sent != 1 || jobs[1].sent != 0 || d.active() {
		t.Errorf("%d jobs left over", len(jobs))
	}
}

func eventPayload(code uint8, end bool, duration uint16) []byte {
	p := []byte{code, 10, byte(duration >> 8), byte(duration)}
	if end {
		p[1] |= 0x80
	}
	return p
}

func TestDigitIn(t *testing.T) {
	type step struct {
		ms       int
		ssrc, ts uint32
		code     uint8
		end      bool
		duration uint16
	}
	for _, c := range []struct {
		name  string
		steps []step
		want  []heardDigit
	}{
		{"plain, end three times", []step{{0, 1, 100, 5, false, 160}, {20, 1, 100, 5, false, 320}, {40, 1, 100, 5, true, 400},
			{60, 1, 100, 5, true, 400}, {80, 1, 100, 5, true, 400}}, []heardDigit{{'5', 400}}},
		{"only one end packet arrives", []step{{0, 1, 100, 11, true, 800}}, []heardDigit{{'#', 800}}},
		{"same digit twice", []step{{0, 1, 100, 4, true, 400}, {100, 1, 900, 4, true, 400}}, []heardDigit{{'4', 400}, {'4', 400}}},
		{"ends lost, next digit cuts it off", []step{{0, 1, 100, 4, false, 160}, {100, 1, 900, 2, true, 400}}, []heardDigit{{'4', 160}, {'2', 400}}},
		{"stuck", []step{{0, 1, 100, 15, false, 160}, {20, 1, 100, 15, false, 320}, {400, 0, 0, 0, false, 0}}, []heardDigit{{'D', 320}}},
		{"stuck, then its end comes late", []step{{0, 1, 100, 1, false, 160}, {400, 0, 0, 0, false, 0}, {420, 1, 100, 1, true, 800}}, []heardDigit{{'1', 160}}},
		{"not stuck yet", []step{{0, 1, 100, 1, false, 160}, {374, 0, 0, 0, false, 0}}, nil},
		{"late packet of the digit before", []step{{0, 1, 100, 1, true, 400}, {20, 1, 900, 2, false, 160}, {30, 1, 100, 1, true, 400}, {40, 1, 900, 2, true, 320}},
			[]heardDigit{{'1', 400}, {'2', 320}}},
		{"two segments", []step{{0, 1, 100, 10, false, 0xFF00}, {20, 1, 100, 10, false, 0xFFFF}, {40, 1, 100 + 0xFFFF, 10, false, 100}, {60, 1, 100 + 0xFFFF, 10, true, 200}},
			[]heardDigit{{'*', 0xFFFF + 200}}},
		{"new ssrc with the same timestamp", []step{{0, 1, 100, 1, true, 400}, {20, 2, 100, 1, true, 400}}, []heardDigit{{'1', 400}, {'1', 400}}},
		{"other code with the same timestamp", []step{{0, 1, 100, 1, false, 400}, {20, 1, 100, 2, true, 400}}, []heardDigit{{'1', 400}, {'2', 400}}},
		{"flash and tones are no digits", []step{{0, 1, 100, 16, true, 400}, {0, 1, 900, 255, true, 400}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d digitIn
			var got []heardDigit
			for _, s := range c.steps {
				now := time.Duration(s.ms) * time.Millisecond
				if s.ssrc == 0 {
					if h, ok := d.expire(now); ok {
						got = append(got, h)
					}
					continue
				}
				out, n, _ := d.push(now, s.ssrc, s.ts, eventPayload(s.code, s.end, s.duration))
				got = append(got, out[:n]...)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d digits, want %d", len(got), len(c.want))
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("digit %d: %q %d, want %q %d", i, got[i].code, got[i].samples, c.want[i].code, c.want[i].samples)
				}
			}
		})
	}
}

// FuzzDigitIn feeds arbitrary packets: no panic, at most two digits a packet, all of the alphabet, and a repeated final packet
// never tells a digit twice.
func FuzzDigitIn(f *testing.F) {
	f.Add([]byte{0, 0, 0, 100, 5, 0x8a, 1, 0x90})
	f.Add([]byte{0, 0, 0, 100, 5, 10, 0xff, 0xff, 0, 1, 0, 99, 5, 0x8a, 0, 1})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		var d digitIn
		now := time.Duration(0)
		for len(data) >= 4 {
			ts := binary.BigEndian.Uint32(data)
			data = data[4:]
			payload := data[:min(4, len(data))]
			data = data[len(payload):]
			now += 20 * time.Millisecond
			out, n, ok := d.push(now, 1, ts, payload)
			if !ok && n > 0 || n > 2 {
				t.Fatalf("%d digits, %v", n, ok)
			}
			for _, h := range out[:n] {
				if _, known := eventCode(h.code); !known {
					t.Fatal("digit outside the alphabet")
				}
			}
			if ok && payload[1]&0x80 != 0 {
				if _, again, _ := d.push(now, 1, ts, payload); again > 0 {
					t.Fatal("a repeated final packet told a digit twice")
				}
			}
		}
		d.expire(now + time.Second)
		if d.active {
			t.Fatal("event still active")
		}
	})
}
