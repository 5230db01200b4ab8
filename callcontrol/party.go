package callcontrol

// partySignal is what happens at a far leg.
func (s *step) partySignal(c *call, l *leg, sig *Signal) error {
	switch sig.Kind {
	case SignalRinging, SignalEarly:
		return s.partyAlerting(c, l, sig)
	case SignalAnswered:
		return s.partyAnswered(c, l, sig)
	case SignalRejected:
		if !l.live() || l.up() || l.inbound {
			return errIgnored
		}
		s.partyFailed(c, l, causeAfter(l.state, sig.Status))
	case SignalEnded, SignalLost:
		return s.partyEnded(c, l, sig)
	case SignalMedia:
		l.events, l.info = sig.Events, sig.Info
		l.peerHold = sig.Direction == DirectionSendOnly || sig.Direction == DirectionInactive
	case SignalIdentity:
		s.partyIdentity(c, l, sig.Identity)
	case SignalReferResult:
		return s.referResult(c, l, sig)
	case SignalReferRequest:
		s.referred(c, l, sig.Number)
	case SignalDigitsTaken:
		l.infoTaken = true
		s.digitsTaken(l.id)
	case SignalDigit, SignalDigitsDone:
		if sig.Serial != 0 {
			l.info = sig.Info
			s.digitsOver(c, l.id, sig)
		}
		s.digitSignal(c, l.id, sig)
	default:
		return errIgnored
	}
	return nil
}

func (s *step) partyAlerting(c *call, l *leg, sig *Signal) error {
	if l.inbound || (l.state != LegInitiated && l.state != LegAlerting) {
		return errIgnored
	}
	l.state = LegAlerting
	if sig.Kind == SignalEarly {
		l.early, l.events = true, sig.Events
	}
	if t := s.d.transferOf(c); t != nil && t.leg == l.id {
		t.status = TransferAlerting
	}
	return nil
}

func (s *step) partyAnswered(c *call, l *leg, sig *Signal) error {
	if l.up() && l.answering { // it took another leg's place in a talk
		l.answering, l.events, l.info = false, sig.Events, sig.Info
		return nil
	}
	if !l.live() || l.up() || (l.inbound && !l.answering) {
		return errIgnored
	}
	l.state, l.early, l.answering, l.events, l.info = LegConnected, false, false, sig.Events, sig.Info
	switch c.phase {
	case PhaseAnswering, PhaseDialling:
		c.answered = s.in.At
		s.setPhase(c, PhaseTalking)
		if t := s.d.transferOf(c); t != nil {
			t.status = TransferTalking
		}
	case PhaseForwarding:
		s.bridge(c)
	case PhaseReferred:
		s.referredAnswered(c)
	}
	return nil
}

func (s *step) partyEnded(c *call, l *leg, sig *Signal) error {
	if !l.live() {
		return errIgnored
	}
	cause := orCause(sig.Cause, CauseNormal)
	if sig.Kind == SignalLost {
		if !l.up() {
			return errIgnored
		}
		cause = CauseMediaLost
		s.act(Action{Kind: ActHangup, Leg: l.id, Cause: cause})
	}
	if l.up() {
		s.partyGone(c, l, cause)
		return nil
	}
	if l.inbound && sig.ByPeer {
		cause = CauseCancelled
	}
	s.partyFailed(c, l, cause)
	return nil
}

// partyIdentity: who the other party is has changed; the agent's phone is told.
func (s *step) partyIdentity(c *call, l *leg, id Identity) {
	l.party = id
	if c.customer() == l {
		c.remote = id
		id = c.shown()
	}
	if s.d.deviceUp() && c.agent && c.phase == PhaseTalking {
		s.identify(id)
	}
}

// identify tells the agent's phone with whom the agent talks.
func (s *step) identify(id Identity) {
	s.d.device.shows = id
	s.act(Action{Kind: ActIdentify, Leg: s.d.device.leg.id, Identity: id})
}

// partyGone: a connected party hung up, or was hung up. The outcome tables of docs/outcomes.md.
func (s *step) partyGone(c *call, l *leg, cause Cause) {
	t := s.d.transferOf(c)
	switch c.phase {
	case PhaseConference:
		s.leftConference(c, l, cause)
	case PhaseTalking, PhaseHeld:
		s.removeLeg(c, l.id, cause)
		switch {
		case t == nil, c.id == t.consult && t.status == TransferReferring: // replaced by the peer
			s.endCall(c, cause)
		case c.id == t.consult:
			s.targetGone(t, c, cause)
		default:
			s.customerGone(t, c, cause)
		}
	case PhaseForwarding, PhaseRecall:
		s.removeLeg(c, l.id, cause)
		if t != nil {
			s.endTransfer(t, TransferCancelled, cause)
		}
		s.endCall(c, cause)
	case PhaseReferring:
		s.goneWhileReferring(c, l, cause)
	case PhaseReferred:
		s.referredPeerGone(c, l, cause)
	default: // bridged, a tone for the customer, a recall that is being answered
		s.removeLeg(c, l.id, cause)
		s.endCall(c, cause)
	}
}

// partyFailed: a party that was not connected yet will not be.
func (s *step) partyFailed(c *call, l *leg, cause Cause) {
	t := s.d.transferOf(c)
	switch c.phase {
	case PhaseDialling:
		if t != nil {
			s.consultFailed(t, c, l, cause)
			return
		}
		l.state, l.cause, c.cause, c.ender = LegFailed, cause, cause, s.ender(cause)
		s.setPhase(c, PhaseTone)
	case PhaseReferred:
		s.referredFailed(c, l, cause)
	case PhaseForwarding:
		s.removeLeg(c, l.id, cause)
		s.recall(c, t, cause)
	default: // an offer, or one that is being answered
		s.removeLeg(c, l.id, cause)
		s.endCall(c, cause)
	}
}

// removeLeg takes a leg that is gone out of its call.
func (s *step) removeLeg(c *call, id LegID, cause Cause) {
	s.endLeg(id, cause)
	for i := range c.legs {
		if c.legs[i].id == id {
			c.legs = append(c.legs[:i], c.legs[i+1:]...)
			return
		}
	}
}

// dropLeg hangs up a far leg that stays in its call's list until the call ends.
func (s *step) dropLeg(l *leg, cause Cause) {
	kind := ActHangup
	if l.inbound && !l.up() && !l.answering {
		kind = ActReject
	}
	s.act(Action{Kind: kind, Leg: l.id, Cause: cause})
	s.endLeg(l.id, cause)
}

// endCall hangs up every party that is left and ends the call. The device's leg is settled later.
func (s *step) endCall(c *call, cause Cause) {
	if c.phase == PhaseEnded {
		return
	}
	if t := s.d.transferOf(c); t != nil && t.kind == TransferBlind {
		s.endTransfer(t, TransferCancelled, cause)
	}
	for i := range c.legs {
		if c.legs[i].live() {
			s.dropLeg(&c.legs[i], cause)
		} else {
			s.endLeg(c.legs[i].id, c.legs[i].cause)
		}
	}
	c.legs = nil
	s.agentLeaves(c)
	if c.phase != PhaseTone || cause != c.cause { // else the failure that is heard ended it
		c.cause, c.ender = cause, s.ender(cause)
	}
	s.setPhase(c, PhaseEnded)
}

// agentLeaves ends the agent's part in a call and starts the wrap-up after a queue call.
func (s *step) agentLeaves(c *call) {
	if !c.agent {
		return
	}
	c.agent = false
	if c.queue != "" && !c.answered.IsZero() && s.d.config.WrapUp > 0 {
		s.d.epoch++
		s.d.wrapUp = s.d.epoch
	}
}
