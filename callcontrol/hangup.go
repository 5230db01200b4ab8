package callcontrol

// cmdHangup: the agent hangs up. On a far leg of a talk it drops that party, as if it had hung up
// itself; on the call (or the device's leg) it is the agent who leaves.
func (s *step) cmdHangup(c *call, on LegID) {
	l := c.leg(on)
	t := s.d.transferOf(c)
	switch {
	case l != nil && t != nil && c.agent && c.id == t.consult && c.phase == PhaseDialling:
		s.cmdCancel(c)
		return
	case l == nil || !c.agent || !l.up():
		s.agentHangup(c)
		return
	}
	s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseNormal})
	s.partyGone(c, l, CauseNormal)
}

// agentHangup: the agent leaves a call. In a consult the outcome tables of docs/outcomes.md hold.
func (s *step) agentHangup(c *call) {
	t := s.d.transferOf(c)
	switch c.phase {
	case PhaseConference:
		s.leaveConference(c)
	case PhaseReferring:
		s.agentLeaves(c)
		if k := s.partner(t, c); k != nil {
			s.agentLeaves(k)
		}
	case PhaseRecall:
		s.tellCustomer(c, CauseRejected)
	case PhaseForwarding:
		if t != nil {
			s.endTransfer(t, TransferCancelled, CauseNormal)
		}
		s.endCall(c, CauseNormal)
	default:
		if t == nil || !s.leaveConsult(t) {
			s.endCall(c, cancelledBefore(c))
		}
	}
}

// cancelledBefore is the cause of a call that its agent ends.
func cancelledBefore(c *call) Cause {
	if c.phase == PhaseCalling || c.phase == PhaseDialling {
		return CauseCancelled
	}
	if c.phase == PhaseTone {
		return c.cause
	}
	return CauseNormal
}

// phoneHangup: the agent's phone said BYE. He leaves the call he is in, else the newest held one; what
// stays held is not left alone: the phone rings for it.
func (s *step) phoneHangup() {
	d := s.d
	s.dropDevice(CauseNormal)
	c := d.focus()
	if c == nil {
		for i := range d.calls {
			if d.calls[i].agent && d.calls[i].phase == PhaseHeld {
				c = &d.calls[i]
			}
		}
	}
	if c != nil {
		s.agentHangup(c)
	}
	for i := range d.calls {
		if c := &d.calls[i]; c.agent && c.phase == PhaseHeld && d.transferOf(c) == nil {
			s.setPhase(c, PhaseRecall)
			s.unheld(c)
			c.noRing = false
		}
	}
	if d.config.Connect == Persistent {
		s.redialLater()
	}
}

// tellCustomer plays the tone of a cause to a customer who is left without agent and target, and
// releases him when it is over.
func (s *step) tellCustomer(c *call, cause Cause) {
	if t := s.d.transferOf(c); t != nil {
		s.endTransfer(t, TransferFailed, orCause(t.cause, cause))
	}
	s.agentLeaves(c)
	s.unheld(c)
	c.cause, c.ender = cause, s.ender(cause)
	s.setPhase(c, PhaseTone)
}

func (s *step) release() error {
	d := s.d
	if len(d.calls) == 0 && d.device.leg == nil && d.draining {
		return errIgnored
	}
	d.draining = true
	s.endAll(CauseDraining)
	return nil
}

// endAll ends every call, and frees the agent.
func (s *step) endAll(c Cause) {
	d := s.d
	for i := range d.transfer {
		s.endTransfer(&d.transfer[i], TransferCancelled, c)
	}
	for i := range d.calls {
		s.endCall(&d.calls[i], c)
	}
	if d.device.leg != nil {
		s.releaseDevice(c)
	}
	d.wrapUp = 0
}
