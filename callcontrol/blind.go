package callcontrol

// cmdBlind passes the customer on at once, by the trunk's way.
func (s *step) cmdBlind(c *call, cmd *Command) *Refusal {
	if r := s.d.mayDial(cmd.Number, s.in.At); r != nil {
		return r
	}
	id := s.newTransfer(c, TransferBlind, cmd.Number)
	t := s.d.transferByID(id)
	s.result = &Result{Call: c.id, Transfer: id}
	if s.d.config.Transfer == TransferRefer {
		s.referBlind(t, c)
		return nil
	}
	s.agentLeaves(c)
	s.unheld(c)
	c.muted = false
	t.leg = s.inviteLine(c, RoleTarget, cmd.Number, c.remote)
	s.result.Leg = t.leg
	s.setPhase(c, PhaseForwarding)
	return nil
}

// canRecall reports whether the agent can be called back for a call: the device is there, and no other
// call is in the way.
func (d *Desk) canRecall(c *call) bool {
	if !d.deviceUp() && !d.device.reachable {
		return false
	}
	return d.config.CallWaiting == CallWaitingWait || (!d.engaged(c.id) && d.wrapUp == 0) || (!d.engaged(c.id) && d.wrapUpOf(c))
}

// wrapUpOf: a wrap-up that began when this very call was passed on does not keep the agent from it.
func (d *Desk) wrapUpOf(c *call) bool { return c.queue != "" && !c.answered.IsZero() }

// recall: the target did not take the call. The agent's device rings for it, while the customer hears
// ring-back; an agent who cannot be reached leaves the customer to the cause.
func (s *step) recall(c *call, t *transfer, cause Cause) {
	if t != nil {
		t.cause = cause
	}
	if !s.d.canRecall(c) {
		s.tellCustomer(c, cause)
		return
	}
	c.agent, c.noRing = true, false
	if t != nil {
		t.status = TransferRecalling
	}
	s.setPhase(c, PhaseRecall)
}

// takeBack: the agent answers a recall. The customer is still there.
func (s *step) takeBack(c *call) {
	if t := s.d.transferOf(c); t != nil {
		s.endTransfer(t, TransferFailed, t.cause)
	}
	s.d.wrapUp = 0
	s.setPhase(c, PhaseTalking)
	if l := c.customer(); l != nil {
		c.remote = l.party
	}
}

// takeBackEarly: the agent cancels a transfer in progress and gets the customer back at once.
func (s *step) takeBackEarly(t *transfer, c *call) {
	for i := len(c.legs) - 1; i > 0; i-- {
		l := &c.legs[i]
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseCancelled})
		s.removeLeg(c, l.id, CauseCancelled)
	}
	s.endTransfer(t, TransferCancelled, CauseCancelled)
	if f := s.d.focus(); f != nil {
		if f.phase != PhaseTalking {
			c.agent, c.noRing = true, false
			s.setPhase(c, PhaseRecall)
			return
		}
		s.hold(f)
	}
	c.agent = true
	s.d.wrapUp = 0
	s.setPhase(c, PhaseTalking)
}
