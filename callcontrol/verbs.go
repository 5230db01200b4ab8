package callcontrol

import (
	"errors"
	"slices"
	"time"
)

// check refuses a command whose text must not go further, before any state is looked at.
func (c *Command) check() *Refusal {
	if !slices.Contains(Kinds, c.Kind) {
		return refuse(CodeBadArgument, "no such verb")
	}
	if c.Kind == KindDial || c.Kind == KindBlind || c.Kind == KindConsult {
		if !c.Number.valid() {
			return refuse(CodeBadNumber, "a number has digits, letters, + * # and the marks of a SIP user part; no spaces, no control characters")
		}
	}
	if len(c.Variables) > maxVariables || !textOK(c.Variables) {
		return refuse(CodeBadArgument, "a variable has control characters, is too long, or there are too many")
	}
	if errors.Join(c.Contact.check(), CheckText(c.Reason), CheckText(string(c.ID))) != nil {
		return refuse(CodeBadArgument, "a text has control characters or is too long")
	}
	if !candidatesOK(c.Candidates) {
		return refuse(CodeBadArgument, "a candidate is empty, has control characters, is too long, or there are too many")
	}
	if d := c.DigitDuration; d != 0 && (d < MinDigitDuration || d > maxDigitTime) {
		return refuse(CodeBadArgument, "a digit lasts 40 ms to 10 s")
	}
	if c.DigitGap < 0 || c.DigitGap > maxDigitTime {
		return refuse(CodeBadArgument, "the gap between digits is at most 10 s")
	}
	return nil
}

// Bounds of digits: receivers may miss a shorter one (ITU-T Q.24, RFC 4733 §2.5.1.1), and media sends none.
const (
	MinDigitDuration = 40 * time.Millisecond
	maxDigitTime     = 10 * time.Second
)

// maxVariables bounds the variables of a call.
const maxVariables = 64

func textOK(vars []Variable) bool {
	for _, v := range vars {
		if errors.Join(CheckText(v.Name), CheckText(v.Value)) != nil {
			return false
		}
	}
	return true
}

func (s *step) command(cmd *Command) *Refusal {
	if r := cmd.check(); r != nil {
		return r
	}
	switch cmd.Kind {
	case KindDial:
		return s.cmdDial(cmd)
	case KindStatus:
		return s.cmdStatus(cmd)
	}
	c, r := s.d.resolve(cmd)
	if r != nil {
		return r
	}
	if r := legal(s.d, cmd.Kind, c, cmd.Leg); r != nil {
		return r
	}
	s.result = &Result{Call: c.id, Transfer: c.transfer}
	return s.verb(c, cmd)
}

// verb carries out one that is legal.
func (s *step) verb(c *call, cmd *Command) *Refusal {
	switch cmd.Kind {
	case KindAnswer:
		s.cmdAnswer(c)
	case KindReject:
		s.rejectCall(c, CauseRejected)
	case KindHangup:
		s.cmdHangup(c, cmd.Leg)
	case KindHold:
		s.hold(c)
	case KindRetrieve:
		s.retrieve(c)
	case KindMute, KindUnmute:
		c.muted = cmd.Kind == KindMute
	case KindDigits:
		return s.cmdDigits(c, cmd)
	case KindBlind:
		return s.cmdBlind(c, cmd)
	case KindConsult:
		return s.cmdConsult(c, cmd)
	case KindSwap:
		s.cmdSwap(c)
	case KindConference:
		s.cmdConference(c)
	case KindComplete:
		s.cmdComplete(c)
	case KindCancel:
		s.cmdCancel(c)
	case KindBind:
		s.cmdBind(c, cmd)
	}
	return nil
}

// resolve finds the call that a command is about.
func (d *Desk) resolve(cmd *Command) (*call, *Refusal) {
	id := cmd.Call
	if cmd.Transfer != "" {
		t := d.transferByID(cmd.Transfer)
		if t == nil {
			return nil, refuse(CodeNoSuchTransfer, "there is no such transfer in progress")
		}
		if id == "" {
			id = t.call
		}
	}
	if id == "" && cmd.Leg != "" && !d.isDevice(cmd.Leg) {
		c, _ := d.legOf(cmd.Leg)
		if c == nil {
			return nil, refuse(CodeNoSuchCall, "there is no such leg")
		}
		return c, nil
	}
	if id == "" {
		return d.likely(cmd.Kind, cmd.Leg)
	}
	c := d.call(id)
	if c == nil {
		return nil, refuse(CodeNoSuchCall, "there is no such call")
	}
	if cmd.Leg != "" && c.leg(cmd.Leg) == nil && !d.isDevice(cmd.Leg) {
		return nil, refuse(CodeNoSuchCall, "the call has no such leg")
	}
	return c, nil
}

func (d *Desk) isDevice(id LegID) bool { return d.device.leg != nil && d.device.leg.id == id }

// likely is the call that is meant when none is named: the one in the agent's ear when the verb is
// legal there, else the only one where it is.
func (d *Desk) likely(k Kind, on LegID) (*call, *Refusal) {
	f := d.focus()
	if f != nil && legal(d, k, f, on) == nil {
		return f, nil
	}
	var found *call
	for i := range d.calls {
		if c := &d.calls[i]; c.agent && legal(d, k, c, on) == nil {
			if found != nil {
				return nil, refuse(CodeBadArgument, "several calls could be meant: name one")
			}
			found = c
		}
	}
	switch {
	case found != nil:
		return found, nil
	case f != nil:
		return f, nil
	case len(d.calls) > 0:
		return &d.calls[0], nil
	}
	return nil, refuse(CodeNoSuchCall, "the agent has no call")
}

// cmdStatus sets what the agent says of himself. Ready ends a wrap-up.
func (s *step) cmdStatus(cmd *Command) *Refusal {
	switch cmd.Status {
	case StatusReady:
		s.d.wrapUp = 0
	case StatusPause, StatusOffline:
	default:
		return refuse(CodeBadArgument, "a status is ready, pause or offline")
	}
	s.d.status, s.d.reason = cmd.Status, cmd.Reason
	s.result = &Result{}
	return nil
}
