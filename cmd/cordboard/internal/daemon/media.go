package daemon

import (
	"context"

	"cordboard/callcontrol"
	"cordboard/rtp"
)

// media is callcontrol.Media on the engine's shards and the desks' boards.
type media struct{ d *Daemon }

// Patch implements callcontrol.Media.
func (m media) Patch(agent callcontrol.AgentID, p callcontrol.Patch, done func()) {
	desk := m.d.desk(agent)
	if desk == nil {
		done()
		return
	}
	board, patch := desk.patch(p, m.d.now().sounds.source)
	m.d.engine.Do(desk.group(), func() {
		if board != nil {
			board.SetPatch(patch)
		}
	}, done)
}

// Digits implements callcontrol.Media.
func (m media) Digits(agent callcontrol.AgentID, id callcontrol.LegID, d callcontrol.Digits, done func(error)) {
	l := m.d.leg(agent, id)
	if l == nil {
		done(rtp.ErrClosed)
		return
	}
	_, s, _ := l.current()
	if s == nil {
		done(rtp.ErrNoTelephoneEvent)
		return
	}
	l.mu.Lock()
	l.digits = append(l.digits, done)
	mine := len(l.digits)
	l.mu.Unlock()
	if err := s.Digits(context.Background(), rtpDigits(d)); err != nil {
		l.mu.Lock()
		if len(l.digits) >= mine {
			l.digits = append(l.digits[:mine-1], l.digits[mine:]...)
		}
		l.mu.Unlock()
		done(err)
	}
}

// passKey sends a party's key on to those who hear it mixed. Where packets are relayed the events are among them already
// (RFC 4733 §1.1: a mixer has to make its own).
func (m media) passKey(from *leg, e rtp.Event) {
	board, hearers := from.desk.hearers(from)
	if len(hearers) == 0 {
		return
	}
	var mixed []*leg
	m.d.engine.Do(from.desk.group(), func() {
		for _, l := range hearers {
			if board.RelayFrom(l.slot) != from.slot {
				mixed = append(mixed, l)
			}
		}
	}, func() {
		key := callcontrol.Digits{Text: string(e.Code), Duration: max(e.Duration, rtp.MinDigitDuration)}
		for _, l := range mixed {
			m.Digits(l.desk.agent, l.id, key, func(error) {})
		}
	})
}

// rtpDigits are the events of a string: every digit with the string's duration and gap, ',' the default pause.
func rtpDigits(d callcontrol.Digits) []rtp.Digit {
	var out []rtp.Digit
	for _, r := range d.Text {
		if r == ',' {
			out = append(out, rtp.Digit{Code: r})
			continue
		}
		out = append(out, rtp.Digit{Code: r, Duration: d.Duration, Gap: d.Gap})
	}
	return out
}

var _ callcontrol.Media = media{}
