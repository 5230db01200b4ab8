package callcontrol

// want is what the calls need of the agent's device.
type want uint8

const (
	wantNone want = iota
	wantRing      // an offer: ring, and let the agent pick up
	wantUp        // a connected leg, with auto-answer
)

func wantDevice(d *Desk) want {
	w := wantNone
	for i := range d.calls {
		c := &d.calls[i]
		switch {
		case !c.agent || c.phase == PhaseEnded:
		case !c.waiting():
			return wantUp
		case !c.noRing:
			w = wantRing
		}
	}
	if d.config.Connect == Persistent && !d.closed() {
		return wantUp
	}
	return w
}

// settleDevice calls, re-calls or releases the device. Each turn of the loop either ends it or moves
// towards a redial pause, a released leg or fewer calls.
func (s *step) settleDevice() {
	if !s.d.engaged("") {
		s.d.device.lost = 0
	}
	for s.turnDevice() {
	}
}

func (s *step) turnDevice() (again bool) {
	d := s.d
	w, l := wantDevice(d), d.device.leg
	switch {
	case l == nil:
		return s.callDevice(w)
	case w == wantUp && !l.up() && !l.inbound && !d.device.auto,
		w == wantUp && d.device.moved && !d.engaged(""),
		w == wantNone,
		w == wantRing && (l.up() || d.device.auto || l.inbound) && d.config.Connect == OnDemand:
		s.releaseDevice(CauseNormal)
		return true
	}
	return false
}

// callDevice begins a leg to the device where one is wanted and possible.
func (s *step) callDevice(w want) (again bool) {
	d := s.d
	if w != wantUp {
		d.device.lost, d.device.wait = 0, 0
	}
	if w == wantNone {
		return false
	}
	if d.device.ending != "" || d.device.wait != 0 {
		return false
	}
	c := s.deviceCall()
	if !d.device.reachable {
		if w == wantRing || c == nil {
			return false
		}
		s.deviceFailed(CauseNoDevice)
		return true
	}
	inv := Invite{Agent: d.config.Agent, Leg: LegID(d.newID("l")), Device: true, From: d.config.Identity, AutoAnswer: w == wantUp}
	if c != nil {
		inv.Call, inv.Interaction = c.id, c.interaction
		inv.From = c.shown()
	}
	d.device.leg = &leg{id: inv.Leg, role: RoleDevice, state: LegInitiated, party: d.config.Identity}
	d.device.auto, d.device.shows, d.device.named = inv.AutoAnswer, inv.From, c != nil && c.contact.Name != ""
	s.act(Action{Kind: ActInvite, Leg: inv.Leg, Invite: &inv})
	return false
}

// deviceCall is the call for which the device is called: the focus, else a ringing one, else any.
func (s *step) deviceCall() *call {
	if f := s.d.focus(); f != nil {
		return f
	}
	var any *call
	for i := range s.d.calls {
		c := &s.d.calls[i]
		switch {
		case !c.agent || c.phase == PhaseEnded:
		case c.waiting() && !c.noRing:
			return c
		case any == nil && !c.waiting():
			any = c
		}
	}
	return any
}

// releaseDevice hangs the device's leg up. The next INVITE waits until it is gone: a phone that still
// rings would take it for a second call.
func (s *step) releaseDevice(c Cause) {
	d := s.d
	s.act(Action{Kind: ActHangup, Leg: d.device.leg.id, Cause: c})
	d.device.ending = d.device.leg.id
	s.dropDevice(c)
}

// dropDevice forgets a leg that is gone or going.
func (s *step) dropDevice(c Cause) {
	s.endLeg(s.d.device.leg.id, c)
	s.d.device.leg, s.d.device.auto, s.d.device.held = nil, false, ""
	s.d.device.shows, s.d.device.named, s.d.device.moved = Identity{}, false, false
}

// deviceSignal is what happens at the device's leg.
func (s *step) deviceSignal(l *leg, sig *Signal) error {
	switch sig.Kind {
	case SignalRinging, SignalEarly:
		if l.state != LegInitiated {
			return errIgnored
		}
		l.state = LegAlerting
	case SignalAnswered:
		if l.up() {
			return errIgnored
		}
		l.state, l.events, l.info = LegConnected, sig.Events, sig.Info
		s.deviceAnswered()
	case SignalRejected:
		if l.up() {
			return errIgnored
		}
		s.deviceFailed(CauseOf(sig.Status))
	case SignalEnded:
		s.deviceEnded(l, sig)
	case SignalLost:
		if !l.up() {
			return errIgnored
		}
		s.releaseDevice(CauseMediaLost)
		s.deviceGone()
	case SignalMoved:
		if s.d.device.moved {
			return errIgnored
		}
		s.d.device.moved = true
	case SignalMedia:
		return s.deviceMedia(l, sig)
	case SignalDigit, SignalDigitsDone:
		s.digitSignal(s.d.focus(), l.id, sig)
	default:
		return errIgnored
	}
	return nil
}

func (s *step) deviceEnded(l *leg, sig *Signal) {
	switch {
	case !l.up() && l.inbound:
		s.dropDevice(CauseCancelled)
		if f := s.d.focus(); f != nil {
			s.agentHangup(f)
		}
	case !l.up():
		s.deviceFailed(orCause(sig.Cause, CauseFailure))
	case sig.ByPeer:
		s.phoneHangup()
	default:
		s.dropDevice(orCause(sig.Cause, CauseDeviceLost))
		s.deviceGone()
	}
}

func orCause(c, fallback Cause) Cause {
	if c == "" {
		return fallback
	}
	return c
}

// deviceAnswered: the agent's audio is there. The answer of a ringing device is a pick-up.
func (s *step) deviceAnswered() {
	d := s.d
	d.device.lost, d.device.wait = 0, 0
	if f := d.focus(); f != nil {
		switch f.phase {
		case PhaseAnswering:
			s.answerParty(f)
		case PhaseCalling:
			s.dialParty(f)
		}
		return
	}
	if d.device.auto {
		return
	}
	for i := range d.calls {
		if c := &d.calls[i]; c.agent && c.waiting() {
			s.take(c)
			return
		}
	}
}

// deviceFailed: a call-out to the device came to nothing.
func (s *step) deviceFailed(c Cause) {
	d := s.d
	rang := d.device.leg != nil && !d.device.auto && !d.device.leg.inbound
	if d.device.leg != nil {
		s.dropDevice(c)
	}
	switch {
	case rang:
		s.ringFailed(c)
		return
	case d.device.lost > 0:
		s.lostTry()
		return
	}
	f := d.focus()
	if f == nil {
		s.redialLater()
		return
	}
	why := CauseNoDevice
	if c == CauseCongestion { // no media port, too many legs: nothing is wrong with the device
		why = c
	}
	switch f.phase {
	case PhaseCalling:
		s.callingFailed(f, why)
	case PhaseAnswering:
		s.endCall(f, why)
	default:
		s.deviceGone()
	}
	if d.config.Connect == Persistent {
		s.redialLater()
	}
}

func (s *step) redialLater() {
	s.d.epoch++
	s.d.device.wait = s.d.epoch
}

// ringFailed: the phone was rung for an offer and did not take it. A person's refusal refuses the call;
// a failure leaves the offer to the controllers.
func (s *step) ringFailed(c Cause) {
	for i := range s.d.calls {
		o := &s.d.calls[i]
		if !o.agent || !o.waiting() {
			continue
		}
		if c == CauseBusy || c == CauseRejected {
			s.rejectCall(o, c)
			continue
		}
		o.noRing = true
	}
}
