package callcontrol

// Transfer by REFER (RFC 3515, RFC 5589): the customer's peer is asked to call the target itself, and
// the daemon leaves the path on success. Meanwhile the customer hears music and the agent waits; on
// failure the customer is taken back.

func (s *step) referBlind(t *transfer, c *call) {
	s.hold(c)
	t.status = TransferReferring
	s.setPhase(c, PhaseReferring)
	s.act(Action{Kind: ActRefer, Leg: c.customer().id, Target: t.target})
}

// referConsult asks with Replaces (RFC 3891): the customer's peer takes our place at the target.
func (s *step) referConsult(t *transfer, c, k *call, agentStays bool) {
	s.hold(c)
	s.hold(k)
	t.status = TransferReferring
	s.setPhase(c, PhaseReferring)
	if !agentStays {
		s.agentLeaves(c)
		s.agentLeaves(k)
	}
	s.act(Action{Kind: ActRefer, Leg: c.customer().id, Target: t.target, Replaces: k.customer().id})
}

// referResult is the answer to REFER, or a NOTIFY with the target's status (RFC 3515 §2.4.5).
func (s *step) referResult(c *call, l *leg, sig *Signal) error {
	t := s.d.transferOf(c)
	if c.phase != PhaseReferring || t == nil || c.customer() != l {
		return errIgnored
	}
	switch {
	case sig.Status >= 300:
		s.referFailed(c, CauseOf(sig.Status))
	case !sig.Final:
		t.accepted = true
	default:
		s.referDone(t, c)
	}
	return nil
}

func (s *step) referDone(t *transfer, c *call) {
	k := s.partner(t, c)
	s.endTransfer(t, TransferCompleted, "")
	s.endCall(c, CauseTransferred)
	if k != nil {
		s.endCall(k, CauseTransferred)
	}
}

// referFailed takes the customer back: to the agent if he waited; else customer and target, both still
// here, are bridged, or the agent is called back.
func (s *step) referFailed(c *call, cause Cause) {
	t := s.d.transferOf(c)
	if t == nil {
		s.endCall(c, cause)
		return
	}
	k := s.partner(t, c)
	switch {
	case !c.agent && k != nil:
		s.merge(t, c, k)
		s.bridge(c)
	case !c.agent:
		s.unheld(c)
		s.recall(c, t, cause)
	case k != nil:
		t.status, t.accepted = TransferTalking, false
		s.setPhase(c, PhaseHeld)
		s.retrieve(c)
	default:
		s.endTransfer(t, TransferFailed, cause)
		s.setPhase(c, PhaseHeld)
		s.retrieve(c)
	}
}

// goneWhileReferring: the customer's peer often leaves by itself once it has the target; the target's
// leg goes when it is replaced.
func (s *step) goneWhileReferring(c *call, l *leg, cause Cause) {
	t := s.d.transferOf(c)
	s.removeLeg(c, l.id, cause)
	switch {
	case t == nil:
		s.endCall(c, cause)
	case t.accepted:
		s.referDone(t, c)
	case t.kind == TransferBlind:
		s.endTransfer(t, TransferCancelled, cause)
		s.endCall(c, cause)
	default:
		s.customerGone(t, c, cause)
	}
}
