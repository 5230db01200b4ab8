package callcontrol

import "strings"

// maxDigits bounds one string of digits.
const maxDigits = 64

// validDigits accepts 0-9 * # A-D and ',' for a pause.
func validDigits(s string) bool {
	return s != "" && len(s) <= maxDigits && strings.Trim(s, "0123456789*#ABCD,") == ""
}

// digitsBy is how digits reach a party: ActDigits as telephone-events, ActInfo, or empty for no way.
func digitsBy(d *Desk, l *leg) ActionKind {
	mode := d.config.DTMF
	switch {
	case !l.up():
		return ""
	case mode != DTMFInfo && l.events:
		return ActDigits
	case mode != DTMFRFC4733 && l.info:
		return ActInfo
	}
	return ""
}

// cmdDigits sends one string once to the named party, else to every party of the call that can take
// it.
func (s *step) cmdDigits(c *call, cmd *Command) *Refusal {
	if !validDigits(cmd.Digits) {
		return refuse(CodeBadArgument, "digits are 0-9 * # A-D and ',' for a pause, at most 64")
	}
	d := Digits{Text: cmd.Digits, Duration: cmd.DigitDuration, Gap: cmd.DigitGap}
	for i := range c.legs {
		l := &c.legs[i]
		if c.leg(cmd.Leg) != nil && l.id != cmd.Leg {
			continue
		}
		if by := digitsBy(s.d, l); by != "" {
			s.act(Action{Kind: by, Leg: l.id, Digits: d})
			s.result = &Result{Call: c.id, Leg: l.id}
		}
	}
	return nil
}

// digitSignal tells a key that a party pressed, or the end of digits that were sent.
func (s *step) digitSignal(c *call, l LegID, sig *Signal) {
	e := Event{Kind: EventDigit, Leg: l, Digit: sig.Digits}
	if sig.Kind == SignalDigitsDone {
		e = Event{Kind: EventDigitsSent, Leg: l}
		if sig.Cause != "" {
			e.Kind, e.Cause, e.Reason = EventDigitsFailed, sig.Cause, sig.Reason
		}
	}
	if c != nil {
		e.CallID = c.id
	}
	s.events = append(s.events, e)
}
