package callcontrol

// offer is a new leg from the line or from the device.
func (s *step) offer(o *Offer) error {
	if s.knows(o.Leg) || o.Leg == "" {
		return errIgnored
	}
	switch {
	case o.Replaces != "":
		s.replace(o)
	case o.Kind == OfferDevice:
		s.dialFromDevice(o)
	case o.Kind == OfferLine:
		s.offerLine(o)
	default:
		return errIgnored
	}
	return nil
}

func (s *step) knows(id LegID) bool {
	_, l := s.d.legOf(id)
	return l != nil || (s.d.device.leg != nil && s.d.device.leg.id == id) || s.d.device.ending == id
}

// refuseOffer rejects a new leg and leaves a record.
func (s *step) refuseOffer(o *Offer, c Cause) {
	s.act(Action{Kind: ActReject, Leg: o.Leg, Cause: c})
	s.events = append(s.events, Event{Kind: EventRefused, Leg: o.Leg, Cause: c, Remote: o.From})
}

// maxWaiting bounds the calls that ring at a desk at one time.
const maxWaiting = 2

func (s *step) offerLine(o *Offer) {
	if c := s.refusal(o); c != "" {
		s.refuseOffer(o, c)
		return
	}
	d := s.d
	dir := Inbound
	if o.Internal {
		dir = Internal
	}
	c := call{
		id: CallID(d.newID("c")), interaction: o.Interaction, direction: dir, queue: o.Queue, variables: o.Variables,
		remote: o.From, diversion: o.Diversion, started: s.in.At, agent: true,
		legs: []leg{{id: o.Leg, role: RoleCustomer, state: LegAlerting, party: o.From, inbound: true, info: o.Info}},
	}
	if c.interaction == "" {
		c.interaction = InteractionID(d.newID("i"))
	}
	s.setPhase(&c, PhaseOffered)
	d.calls = append(d.calls, c)
	s.act(Action{Kind: ActRing, Leg: o.Leg})
}

// refusal is why an offer is not taken, empty when it is.
func (s *step) refusal(o *Offer) Cause {
	d := s.d
	waiting := 0
	for i := range d.calls {
		if d.calls[i].waiting() {
			waiting++
		}
	}
	switch {
	case d.closed():
		return CauseDraining
	case d.status == StatusOffline, d.status == StatusPause && o.Queue != "":
		return CauseUnavailable
	case !d.deviceUp() && !d.device.reachable:
		return CauseNoDevice
	case d.legs() >= maxLegs:
		return CauseBusy
	case d.wrapUp != 0 && (o.Queue != "" || d.config.CallWaiting == CallWaitingBusy):
		return CauseBusy
	case d.engaged("") && (d.config.CallWaiting == CallWaitingBusy || waiting >= maxWaiting):
		return CauseBusy
	}
	return ""
}

// replace puts a new leg in the place of one that the peer names (RFC 3891): the other end of an
// attended transfer made by the PBX. The call and its id stay.
func (s *step) replace(o *Offer) {
	c, l := s.d.legOf(o.Replaces)
	if l == nil || !l.up() || c.phase == PhaseReferring {
		s.refuseOffer(o, CauseUnavailable)
		return
	}
	old := l.id
	s.act(Action{Kind: ActHangup, Leg: old, Cause: CauseReplaced})
	s.endLeg(old, CauseReplaced)
	*l = leg{id: o.Leg, role: l.role, state: l.state, party: o.From, inbound: true, answering: true, info: o.Info, events: l.events}
	s.act(Action{Kind: ActAnswer, Leg: o.Leg})
	if t := s.d.transferOf(c); t != nil {
		if t.leg == old {
			t.leg = o.Leg
		}
		if t.peer == old {
			t.peer = o.Leg
		}
	}
	s.partyIdentity(c, l, o.From)
}
