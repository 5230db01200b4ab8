package callcontrol

// cmdAnswer: the controller answers. A ringing device is cancelled and called again with auto-answer; a
// connected one takes the call at once. The agent's present talk is held.
func (s *step) cmdAnswer(c *call) {
	if f := s.d.focus(); f != nil {
		s.hold(f)
	}
	s.take(c)
}

// take gives a ringing call to the agent: by command, or because the ringing phone was picked up.
func (s *step) take(c *call) {
	if c.phase == PhaseRecall {
		s.takeBack(c)
		return
	}
	s.setPhase(c, PhaseAnswering)
	if s.d.deviceUp() {
		s.answerParty(c)
	}
}

// answerParty sends the answer to the calling party once the agent's audio is there.
func (s *step) answerParty(c *call) {
	if l := c.customer(); l != nil && l.inbound && !l.up() && !l.answering {
		l.answering = true
		s.act(Action{Kind: ActAnswer, Leg: l.id})
	}
}

// ringNoAnswer: the offer rang in vain. The PBX goes on by its own rules.
func (s *step) ringNoAnswer(c *call) {
	if s.d.config.RingNoAnswerThen == NoAnswerPause {
		s.d.status, s.d.reason = StatusPause, "ring_no_answer"
	}
	s.rejectCall(c, CauseNoAnswer)
}

// rejectCall refuses an offer, or declines a recall: then the customer is told by cause.
func (s *step) rejectCall(c *call, cause Cause) {
	if c.phase == PhaseRecall {
		s.tellCustomer(c, cause)
		return
	}
	s.endCall(c, cause)
}
