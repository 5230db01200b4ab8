package callcontrol

import (
	"slices"
	"time"
)

// TimerKind says what a timer is for.
type TimerKind string

// Timers.
const (
	TimerCall   TimerKind = "call"    // the phase of a call lasts too long
	TimerDevice TimerKind = "device"  // the device does not answer a call-out
	TimerEnding TimerKind = "ending"  // the device's old leg does not go away
	TimerRedial TimerKind = "redial"  // call the device again
	TimerWrapUp TimerKind = "wrap_up" // the agent's time after a queue call is over
)

// Timer is a running timer. The epoch makes it unique: an expiry that is not running any more is
// stale and ignored.
type Timer struct {
	Kind  TimerKind     `json:"kind"`
	ID    string        `json:"id,omitempty"` // call or leg
	Epoch uint64        `json:"epoch,omitempty"`
	After time.Duration `json:"after"`
}

// endingTime is how long the next INVITE to a device waits for its old leg to go.
const endingTime = 2 * time.Second

// redialTime is the pause before a persistent device is called again.
const redialTime = 10 * time.Second

// grace is what a phase gets beyond the timer that should end it.
const grace = 5 * time.Second

// wantedTimers is the one place that says which timers run in a state. It makes invariant 2 hold by
// construction: nothing alerts, waits or plays to a party without one.
func wantedTimers(d *Desk) []Timer {
	var w []Timer
	for i := range d.calls {
		c := &d.calls[i]
		if after := phaseTime(d, c); after > 0 {
			w = append(w, Timer{TimerCall, string(c.id), c.epoch, after})
		}
	}
	if l := d.device.leg; l != nil && !l.up() && (d.device.auto || l.inbound) {
		w = append(w, Timer{TimerDevice, string(l.id), 0, d.config.DeviceAnswer})
	}
	if d.device.ending != "" {
		w = append(w, Timer{TimerEnding, string(d.device.ending), 0, endingTime})
	}
	if d.device.wait != 0 {
		after := redialTime
		if d.device.lost > 0 {
			after = d.config.LostInterval
		}
		w = append(w, Timer{TimerRedial, "", d.device.wait, after})
	}
	if d.wrapUp != 0 {
		w = append(w, Timer{TimerWrapUp, "", d.wrapUp, d.config.WrapUp})
	}
	return w
}

func phaseTime(d *Desk, c *call) time.Duration {
	cfg := &d.config
	switch c.phase {
	case PhaseOffered:
		return cfg.RingNoAnswer
	case PhaseAnswering, PhaseCalling:
		return cfg.DeviceAnswer + endingTime + grace
	case PhaseDialling:
		if c.transfer != "" {
			return cfg.ConsultNoAnswer
		}
		return cfg.DialNoAnswer
	case PhaseTone:
		return cfg.Tone
	case PhaseHeld:
		return cfg.HoldLimit
	case PhaseForwarding, PhaseReferred:
		return cfg.BlindNoAnswer
	case PhaseRecall:
		return cfg.BlindRecall
	case PhaseReferring:
		return cfg.ReferTimeout
	}
	return 0 // talking, conference, bridged: each party hears another one
}

func (s *step) settleTimers() {
	want := wantedTimers(s.d)
	for _, t := range s.d.timers {
		if !slices.Contains(want, t) {
			s.act(Action{Kind: ActStopTimer, Timer: t})
		}
	}
	for _, t := range want {
		if !slices.Contains(s.d.timers, t) {
			s.act(Action{Kind: ActStartTimer, Timer: t})
		}
	}
	s.d.timers = want
}

func (s *step) timer(t Timer) error {
	i := slices.Index(s.d.timers, t)
	if i < 0 {
		return errIgnored
	}
	s.d.timers = slices.Delete(s.d.timers, i, i+1)
	d := s.d
	switch t.Kind {
	case TimerCall:
		if c := d.call(CallID(t.ID)); c != nil {
			s.phaseOver(c)
		}
	case TimerDevice:
		s.releaseDevice(CauseNoAnswer)
		s.deviceFailed(CauseNoAnswer)
	case TimerEnding:
		d.device.ending = ""
	case TimerRedial:
		d.device.wait = 0
	case TimerWrapUp:
		d.wrapUp = 0
	}
	return nil
}

// phaseOver is what the end of a phase's time means.
func (s *step) phaseOver(c *call) {
	switch c.phase {
	case PhaseOffered:
		s.ringNoAnswer(c)
	case PhaseAnswering:
		s.endCall(c, CauseNoDevice)
	case PhaseCalling:
		s.callingFailed(c, CauseNoDevice)
	case PhaseDialling:
		l := c.customer()
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseNoAnswer})
		s.partyFailed(c, l, CauseNoAnswer)
	case PhaseTone:
		s.endCall(c, c.cause)
	case PhaseHeld:
		s.heldTooLong(c)
	case PhaseForwarding, PhaseReferred:
		l := &c.legs[len(c.legs)-1]
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseNoAnswer})
		s.partyFailed(c, l, CauseNoAnswer)
	case PhaseRecall:
		s.tellCustomer(c, CauseNoAnswer)
	case PhaseReferring:
		s.referFailed(c, CauseTimeout)
	}
}
