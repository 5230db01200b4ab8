package callcontrol

// Hold is mixer-first: the patch changes at once. With hold: signal the peer is told as well, and its
// refusal changes no truth.

func (s *step) hold(c *call) {
	if c.phase != PhaseTalking {
		return
	}
	s.setPhase(c, PhaseHeld)
	for i := range c.legs {
		if c.legs[i].state == LegConnected {
			c.legs[i].state = LegHeld
			s.reoffer(&c.legs[i], DirectionSendOnly)
		}
	}
}

// retrieve brings a held call back to the agent; the call in the agent's ear gives way.
func (s *step) retrieve(c *call) {
	if f := s.d.focus(); f != nil && f.id != c.id {
		if f.phase == PhaseTone {
			s.endCall(f, f.cause)
		}
		s.hold(f)
	}
	s.setPhase(c, PhaseTalking)
	s.unheld(c)
	s.d.device.held = ""
}

// unheld makes the legs of a call connected again.
func (s *step) unheld(c *call) {
	for i := range c.legs {
		if c.legs[i].state == LegHeld {
			c.legs[i].state = LegConnected
			s.reoffer(&c.legs[i], DirectionSendRecv)
		}
	}
}

func (s *step) reoffer(l *leg, d Direction) {
	if s.d.config.Hold == HoldSignal {
		s.act(Action{Kind: ActReoffer, Leg: l.id, Direction: d})
	}
}

// deviceMedia follows the phone's own hold key: its offer holds us, so the talk is held; when it comes
// back, that talk is retrieved.
func (s *step) deviceMedia(l *leg, sig *Signal) error {
	l.events = sig.Events
	held := sig.Direction == DirectionSendOnly || sig.Direction == DirectionInactive
	if held == l.peerHold {
		return nil
	}
	l.peerHold = held
	if held {
		if f := s.d.focus(); f != nil && f.phase == PhaseTalking {
			s.hold(f)
			s.d.device.held = f.id
		}
		return nil
	}
	if c := s.d.call(s.d.device.held); c != nil && legal(s.d, KindRetrieve, c, "") == nil {
		s.retrieve(c)
	}
	s.d.device.held = ""
	return nil
}

// heldTooLong ends a call that was held beyond the limit, and what hangs on it.
func (s *step) heldTooLong(c *call) {
	t := s.d.transferOf(c)
	switch {
	case t == nil, t.status == TransferReferring:
		s.endCall(c, CauseHoldLimit)
	case c.id == t.consult:
		s.endCall(c, CauseHoldLimit)
		s.targetGone(t, c, CauseHoldLimit)
	default:
		s.endCall(c, CauseHoldLimit)
		s.customerGone(t, c, CauseHoldLimit)
	}
}
