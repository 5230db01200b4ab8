package callcontrol

// cmdConference makes one talk of the two: agent, customer and target hear each other.
func (s *step) cmdConference(c *call) {
	t := s.d.transferOf(c)
	cust, k := s.d.call(t.call), s.d.call(t.consult)
	s.merge(t, cust, k)
	s.unheld(cust)
	t.status = TransferConference
	s.setPhase(cust, PhaseConference)
	s.result = &Result{Call: cust.id, Transfer: t.id}
}

// leaveConference: the agent goes, customer and target go on.
func (s *step) leaveConference(c *call) { s.bridge(c) }

// leftConference: customer or target goes, the agent and the other one go on.
func (s *step) leftConference(c *call, l *leg, cause Cause) {
	status := TransferCancelled
	if t := s.d.transferOf(c); t != nil {
		if t.leg == l.id {
			status = TransferFailed
		}
		s.endTransfer(t, status, cause)
	}
	s.removeLeg(c, l.id, cause)
	if len(c.legs) == 0 {
		s.endCall(c, cause)
		return
	}
	c.remote, c.legs[0].role = c.legs[0].party, RoleCustomer
	s.setPhase(c, PhaseTalking)
}
