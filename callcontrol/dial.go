package callcontrol

import "time"

// mayDial is the policy for every number dialled from the line, however it was asked for.
func (d *Desk) mayDial(n Number, at time.Time) *Refusal {
	p := &d.config.Dial
	switch {
	case !n.valid():
		return refuse(CodeBadNumber, "not a number")
	case p.Allows != nil && !p.Allows(n):
		return refuse(CodeForbidden, "the dial rules do not allow this number")
	case p.MaxCalls > 0 && d.outgoing() >= p.MaxCalls:
		return refuse(CodeBusy, "the line has its most calls already")
	case p.PerSecond > 0 && d.recentDials(at) >= p.PerSecond:
		return refuse(CodeBusy, "too many calls were dialled in the last second")
	case d.legs() >= maxLegs:
		return refuse(CodeBusy, "the desk has too many legs")
	case !d.lineUp:
		return refuse(CodeUnavailable, "the agent's line is not registered")
	}
	return nil
}

func (d *Desk) recentDials(at time.Time) (n int) {
	for _, t := range d.dials {
		if at.Sub(t) < time.Second {
			n++
		}
	}
	return n
}

// countDial remembers a dial for the cap per second, and forgets old ones.
func (s *step) countDial() {
	d := s.d
	keep := d.dials[:0]
	for _, t := range d.dials {
		if s.in.At.Sub(t) < time.Second {
			keep = append(keep, t)
		}
	}
	if d.config.Dial.PerSecond > 0 {
		keep = append(keep, s.in.At)
	}
	d.dials = keep
}

func (s *step) cmdDial(cmd *Command) *Refusal {
	d := s.d
	if d.closed() {
		return refuse(CodeDraining, "the daemon takes no new calls")
	}
	if r := d.mayDial(cmd.Number, s.in.At); r != nil {
		return r
	}
	if r := legalDial(d); r != nil {
		return r
	}
	if !d.deviceUp() && !d.device.reachable {
		return refuse(CodeNoDevice, "the agent's device is not reachable")
	}
	c := s.newCall(cmd.Number, cmd.Variables)
	s.result = &Result{Call: c.id}
	if d.deviceUp() {
		s.dialParty(c)
		s.result.Leg = c.customer().id
	}
	return nil
}

// newCall adds an outgoing call that waits for the device. Pointers to calls are stale after it.
func (s *step) newCall(n Number, vars []Variable) *call {
	d := s.d
	c := call{
		id: CallID(d.newID("c")), interaction: InteractionID(d.newID("i")), direction: Outbound, variables: vars,
		remote: Identity{Number: n}, number: n, started: s.in.At, agent: true,
	}
	if s.in.Internal {
		c.direction = Internal
	}
	s.setPhase(&c, PhaseCalling)
	d.calls = append(d.calls, c)
	return &d.calls[len(d.calls)-1]
}

// dialParty sends the INVITE from the line, now that the agent can hear it.
func (s *step) dialParty(c *call) {
	role := RoleCustomer
	if c.transfer != "" {
		role = RoleTarget
	}
	id := s.inviteLine(c, role, c.number, Identity{})
	s.setPhase(c, PhaseDialling)
	if t := s.d.transferOf(c); t != nil {
		t.leg = id
	}
}

// inviteLine adds an outgoing leg to a call: one dial is one INVITE.
func (s *step) inviteLine(c *call, role Role, n Number, onBehalf Identity) LegID {
	id := LegID(s.d.newID("l"))
	c.legs = append(c.legs, leg{id: id, role: role, state: LegInitiated, party: Identity{Number: n}})
	s.act(Action{Kind: ActInvite, Leg: id, Invite: &Invite{
		Agent: s.d.config.Agent, Leg: id, Call: c.id, Interaction: c.interaction, To: n, From: s.d.config.Identity, OnBehalf: onBehalf,
	}})
	s.countDial()
	return id
}

// callingFailed: the device did not come, so nothing was dialled.
func (s *step) callingFailed(c *call, cause Cause) {
	if t := s.d.transferOf(c); t != nil {
		s.consultFailed(t, c, nil, cause)
		return
	}
	s.endCall(c, cause)
}

// dialFromDevice: the agent dialled on the phone. Its leg is answered at once and hears the progress. A phone that dials while
// a call rings gets 486, whether it rings for it or failed to: the agent answers or rejects that call first.
func (s *step) dialFromDevice(o *Offer) {
	d := s.d
	cause := Cause("")
	switch r := d.mayDial(o.To, s.in.At); {
	case d.closed():
		cause = CauseDraining
	case r != nil:
		cause = causeOfCode(r.Code)
	case d.device.leg != nil, legalDial(d) != nil:
		cause = CauseBusy
	}
	if cause != "" {
		s.refuseOffer(o, cause)
		return
	}
	s.newCall(o.To, o.Variables)
	d.device.leg = &leg{id: o.Leg, role: RoleDevice, state: LegInitiated, party: d.config.Identity, inbound: true, answering: true, info: o.Info}
	d.device.auto, d.device.wait, d.device.lost = false, 0, 0
	s.act(Action{Kind: ActAnswer, Leg: o.Leg})
}

func causeOfCode(c Code) Cause {
	switch c {
	case CodeBadNumber:
		return CauseBadNumber
	case CodeForbidden:
		return CauseForbidden
	case CodeBusy:
		return CauseBusy
	case CodeDraining:
		return CauseDraining
	case CodeNoDevice:
		return CauseNoDevice
	}
	return CauseUnavailable
}
