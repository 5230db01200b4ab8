package callcontrol

import (
	"slices"
	"strings"
)

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

// untaken is a string of digits sent by INFO to parties of whom none has taken a digit yet. Whether they do is only known
// from their answers (many allow the method and refuse the digits), so the command waits for one.
type untaken struct {
	serial uint64
	legs   []LegID // that may still take it
	result Result
}

// cmdDigits sends one string once to the named party, else to every party of the call that can take
// it.
func (s *step) cmdDigits(c *call, cmd *Command) *Refusal {
	if !validDigits(cmd.Digits) {
		return refuse(CodeBadArgument, "digits are 0-9 * # A-D and ',' for a pause, at most 64")
	}
	d := Digits{Text: cmd.Digits, Duration: cmd.DigitDuration, Gap: cmd.DigitGap}
	sure := cmd.Digits[0] == ',' // nobody waits out a pause for the answer
	var open []LegID
	for i := range c.legs {
		l := &c.legs[i]
		if c.leg(cmd.Leg) != nil && l.id != cmd.Leg {
			continue
		}
		by := digitsBy(s.d, l)
		if by == "" {
			continue
		}
		if d.Serial = 0; by == ActInfo {
			if s.serial == 0 {
				s.d.serial++
				s.serial = s.d.serial
			}
			d.Serial = s.serial
			open = append(open, l.id)
		}
		sure = sure || by == ActDigits || l.infoTaken
		s.act(Action{Kind: by, Leg: l.id, Digits: d})
		s.result = &Result{Call: c.id, Leg: l.id}
	}
	if sure {
		s.serial = 0
	} else {
		s.d.untaken = append(s.d.untaken, untaken{serial: s.serial, legs: open, result: *s.result})
	}
	return nil
}

// digitsTaken: a party takes digits by INFO. What was sent to it is as good as queued telephone-events.
func (s *step) digitsTaken(id LegID) {
	s.d.untaken = slices.DeleteFunc(s.d.untaken, func(u untaken) bool {
		if !slices.Contains(u.legs, id) {
			return false
		}
		s.late = append(s.late, Action{Kind: ActReply, Serial: u.serial, Result: u.result})
		return true
	})
}

// digitsOver: a string to a party has ended. If no other party may take it, the command is refused.
func (s *step) digitsOver(c *call, id LegID, sig *Signal) {
	code := CodeUnavailable
	switch {
	case sig.Cause == "":
		s.digitsTaken(id)
		return
	case sig.Status != 0:
		code = CodePeerRefused
	case sig.Cause == CauseCongestion:
		code = CodeBusy
	}
	refusal := &Refusal{Code: code, Message: sig.Reason, State: string(c.phase)}
	s.dropUntaken(refusal, func(u *untaken, leg LegID) bool { return u.serial == sig.Serial && leg == id })
}

// settleDigits refuses what was sent to parties that are gone.
func (s *step) settleDigits() {
	s.dropUntaken(refuse(CodeUnavailable, "the party left before it took a digit"), func(_ *untaken, leg LegID) bool {
		_, l := s.d.legOf(leg)
		return l == nil || !l.up()
	})
}

// dropUntaken takes parties out that will not take a string; the command of a string without any is refused.
func (s *step) dropUntaken(r *Refusal, gone func(*untaken, LegID) bool) {
	kept := s.d.untaken[:0]
	for _, u := range s.d.untaken {
		u.legs = slices.DeleteFunc(u.legs, func(l LegID) bool { return gone(&u, l) })
		if len(u.legs) > 0 {
			kept = append(kept, u)
			continue
		}
		s.late = append(s.late, Action{Kind: ActReply, Serial: u.serial, Refusal: r})
	}
	s.d.untaken = kept
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
