package callcontrol

// A peer's REFER (RFC 3515): the customer, or the PBX for him, asks to put another party in his place.
// It is off unless ReferPeer is set, only for a plain talk or hold, and the number obeys the same policy
// as one that the agent dials. The new party is called from the line; the agent hears the progress, the
// peer music. The answer puts the new party in the peer's place within the same call; a failure changes nothing.

func (s *step) referred(c *call, l *leg, n Number) {
	t := s.d.transferOf(c)
	plain := c.agent && t == nil && l.up() && (c.phase == PhaseTalking || c.phase == PhaseHeld && s.d.focus() == nil)
	switch r := s.d.mayDial(n, s.in.At); {
	case !s.d.config.ReferPeer, !plain:
		s.referReply(l, 603)
		return
	case r != nil:
		s.referReply(l, StatusOf(causeOfCode(r.Code)))
		s.events = append(s.events, Event{Kind: EventRefused, CallID: c.id, Leg: l.id, Reason: string(r.Code), Remote: Identity{Number: n}})
		return
	}
	s.unheld(c)
	peer := l.id
	id := s.newTransfer(c, TransferBlind, n)
	s.referReply(l, 202)
	s.d.transferByID(id).leg = s.inviteLine(c, RoleTarget, n, c.remote) // l is stale from here
	s.d.transferByID(id).peer = peer
	s.setPhase(c, PhaseReferred)
}

func (s *step) referReply(l *leg, status int) {
	s.act(Action{Kind: ActReferReply, Leg: l.id, Status: status})
}

// referredAnswered: the new party is there; the peer that asked has done its part.
func (s *step) referredAnswered(c *call) {
	t := s.d.transferOf(c)
	if l := c.leg(t.peer); l != nil {
		s.referReply(l, 200)
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: CauseTransferred})
		s.removeLeg(c, l.id, CauseTransferred)
	}
	s.endTransfer(t, TransferCompleted, "")
	s.setPhase(c, PhaseTalking)
	s.newCustomer(c)
}

// newCustomer makes the only party that is left the call's other party.
func (s *step) newCustomer(c *call) {
	l := c.customer()
	l.role = RoleCustomer
	s.partyIdentity(c, l, l.party)
}

// referredFailed: the new party does not come; the peer is told, the talk goes on.
func (s *step) referredFailed(c *call, l *leg, cause Cause) {
	t := s.d.transferOf(c)
	s.removeLeg(c, l.id, cause)
	if p := c.leg(t.peer); p != nil {
		s.referReply(p, StatusOf(cause))
	}
	s.endTransfer(t, TransferFailed, cause)
	s.setPhase(c, PhaseTalking)
}

// referredPeerGone: many peers leave as soon as the request is accepted. The agent's talk is now a dial
// to the new party.
func (s *step) referredPeerGone(c *call, l *leg, cause Cause) {
	t := s.d.transferOf(c)
	s.removeLeg(c, l.id, orCause(cause, CauseTransferred))
	s.endTransfer(t, TransferCompleted, "")
	s.newCustomer(c)
	s.setPhase(c, PhaseDialling)
}
