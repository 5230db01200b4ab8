package callcontrol

// cmdConsult holds the customer and calls the target for a private talk.
func (s *step) cmdConsult(c *call, cmd *Command) *Refusal {
	if r := s.d.mayDial(cmd.Number, s.in.At); r != nil {
		return r
	}
	s.hold(c)
	id := c.id
	t := s.newTransfer(c, TransferConsult, cmd.Number)
	k := s.newCall(cmd.Number, cmd.Variables)
	c = s.d.call(id)
	k.interaction, k.transfer, k.from = c.interaction, t, c.id
	k.queue = c.queue
	s.d.transferByID(t).consult = k.id
	s.result = &Result{Call: k.id, Transfer: t}
	if s.d.deviceUp() {
		s.dialParty(k)
		s.result.Leg = k.customer().id
	}
	return nil
}

func (s *step) newTransfer(c *call, kind TransferKind, target Number) TransferID {
	id := TransferID(s.d.newID("t"))
	s.d.transfer = append(s.d.transfer, transfer{id: id, kind: kind, status: TransferDialling, call: c.id, target: target})
	c.transfer = id
	return id
}

// endTransfer makes a transfer final and frees its calls of it.
func (s *step) endTransfer(t *transfer, status TransferStatus, cause Cause) {
	if t.final() {
		return
	}
	t.status, t.cause = status, cause
	for i := range s.d.calls {
		if s.d.calls[i].transfer == t.id {
			s.d.calls[i].transfer = ""
		}
	}
}

// partner is the other call of a consult, nil when there is none (any more).
func (s *step) partner(t *transfer, c *call) *call {
	if t == nil {
		return nil
	}
	other := t.consult
	if c.id == t.consult {
		other = t.call
	}
	if other == c.id {
		return nil
	}
	return s.d.call(other)
}

// consultFailed: the target is busy, does not answer or rejects. return: auto retrieves the customer;
// manual lets the agent hear why, while the customer waits for retrieve.
func (s *step) consultFailed(t *transfer, k *call, l *leg, cause Cause) {
	c := s.partner(t, k)
	s.endTransfer(t, TransferFailed, cause)
	if s.d.config.ConsultReturn == ReturnManual && l != nil {
		l.state, l.cause, k.cause, k.ender = LegFailed, cause, cause, s.ender(cause)
		s.setPhase(k, PhaseTone)
		return
	}
	if l != nil {
		s.removeLeg(k, l.id, cause)
	}
	s.endCall(k, cause)
	s.back(c)
}

// back returns the agent to the customer by the policy.
func (s *step) back(c *call) {
	if c != nil && s.d.config.ConsultReturn == ReturnAuto {
		s.resume(c)
	}
}

// resume retrieves a held call on the desk's own account, unless the agent is in another one.
func (s *step) resume(c *call) {
	if c.agent && c.phase == PhaseHeld && s.d.focus() == nil {
		s.retrieve(c)
	}
}

// targetGone: the target of an answered consult hung up. Back to the customer; one who is being talked
// to already is not disturbed.
func (s *step) targetGone(t *transfer, k *call, cause Cause) {
	c := s.partner(t, k)
	s.endTransfer(t, TransferFailed, cause)
	s.endCall(k, cause)
	s.back(c)
}

// customerGone: the customer hung up in a consult. Before the target's answer the consult is cancelled;
// after it agent and target go on as a plain call.
func (s *step) customerGone(t *transfer, c *call, cause Cause) {
	k := s.partner(t, c)
	answered := t.status == TransferTalking || t.status == TransferReferring
	s.endTransfer(t, TransferCancelled, cause)
	s.endCall(c, cause)
	switch {
	case k == nil:
	case !answered:
		s.endCall(k, CauseCancelled)
	case !k.agent:
		s.endCall(k, cause)
	default:
		k.customer().role = RoleCustomer
		s.resume(k)
	}
}

// leaveConsult: the agent hangs up in a consult. Before the answer it becomes a blind transfer in
// progress; after it the transfer completes. false: nothing to transfer to.
func (s *step) leaveConsult(t *transfer) bool {
	c, k := s.d.call(t.call), s.d.call(t.consult)
	if t.kind != TransferConsult || c == nil || k == nil {
		return false
	}
	switch {
	case t.status == TransferTalking:
		s.complete(t, c, k, false)
	case k.phase == PhaseDialling && len(k.legs) > 0:
		s.forward(t, c, k)
	default: // the device was still being called: nothing was dialled
		s.endTransfer(t, TransferCancelled, CauseCancelled)
		s.endCall(k, CauseCancelled)
		s.endCall(c, CauseNormal)
	}
	return true
}

// forward turns an unanswered consult into a blind transfer in progress: the target's leg rings on, for
// the customer now.
func (s *step) forward(t *transfer, c, k *call) {
	s.merge(t, c, k)
	s.agentLeaves(c)
	s.unheld(c)
	s.setPhase(c, PhaseForwarding)
}

// merge moves the target's leg into the customer's call; the consult call ends. Leg and call ids stay.
func (s *step) merge(t *transfer, c, k *call) {
	c.legs = append(c.legs, k.legs...)
	k.legs = nil
	c.muted = c.muted || k.muted
	c.from, k.to = k.id, c.id
	k.agent, k.transfer, k.cause, k.ender = false, "", CauseTransferred, EnderAgent
	s.setPhase(k, PhaseEnded)
	t.consult = k.id
}

// cmdSwap changes places between the agent's two calls.
func (s *step) cmdSwap(c *call) {
	o := swapOther(s.d, c)
	if c.phase == PhaseTalking {
		c = o
	}
	s.retrieve(c)
}

// cmdComplete joins customer and target and frees the agent.
func (s *step) cmdComplete(c *call) {
	t := s.d.transferOf(c)
	s.result = &Result{Call: t.call, Transfer: t.id}
	if t.status == TransferConference {
		s.leaveConference(c)
		return
	}
	cust, k := s.d.call(t.call), s.d.call(t.consult)
	if t.status == TransferTalking {
		f := s.d.focus()
		s.complete(t, cust, k, f == nil || f.transfer == t.id)
		return
	}
	s.forward(t, cust, k)
}

// complete carries out an answered consult transfer, by the trunk's way.
func (s *step) complete(t *transfer, c, k *call, agentStays bool) {
	if s.d.config.Transfer == TransferRefer {
		s.referConsult(t, c, k, agentStays)
		return
	}
	s.merge(t, c, k)
	s.bridge(c)
}

// bridge: customer and target talk without the agent, both anchored here.
func (s *step) bridge(c *call) {
	s.agentLeaves(c)
	s.unheld(c)
	c.muted = false
	s.setPhase(c, PhaseBridged)
	if t := s.d.transferOf(c); t != nil {
		s.endTransfer(t, TransferCompleted, "")
	}
	if len(c.legs) < 2 {
		return
	}
	a, b := &c.legs[0], &c.legs[1]
	s.act(Action{Kind: ActIdentify, Leg: a.id, Identity: b.party})
	s.act(Action{Kind: ActIdentify, Leg: b.id, Identity: a.party})
}

// cmdCancel gives a transfer up and returns to the customer.
func (s *step) cmdCancel(c *call) {
	t := s.d.transferOf(c)
	s.result = &Result{Call: t.call, Transfer: t.id}
	switch {
	case t.status == TransferConference:
		l := c.leg(t.leg)
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseNormal})
		s.leftConference(c, l, CauseNormal)
	case t.kind == TransferConsult && s.d.call(t.consult) != nil:
		cust, k := s.d.call(t.call), s.d.call(t.consult)
		s.endTransfer(t, TransferCancelled, CauseCancelled)
		s.endCall(k, CauseCancelled)
		s.back(cust)
	default:
		s.takeBackEarly(t, c)
	}
}
