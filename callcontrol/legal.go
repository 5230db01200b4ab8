package callcontrol

// legal says whether a verb may be done to a call now; on is one of its legs, or empty (or the
// device's leg) for the call as a whole. It is the only such rule: next refuses by it and the actions of
// every leg come from it.
func legal(d *Desk, k Kind, c *call, on LegID) *Refusal {
	r := legalVerb(d, k, c, on)
	if r != nil && r.State == "" {
		r.State = string(c.phase)
	}
	return r
}

func legalVerb(d *Desk, k Kind, c *call, on LegID) *Refusal {
	switch k {
	case KindAnswer:
		return legalAnswer(d, c)
	case KindReject:
		return allow(c.waiting(), "only a call that rings can be rejected")
	case KindHangup:
		return allow(c.phase != PhaseOffered, "a call that rings is rejected, not hung up")
	case KindHold:
		return allow(c.phase == PhaseTalking, "only a call with the agent in it can be held")
	case KindRetrieve:
		return legalRetrieve(d, c)
	case KindMute:
		return allow(!c.muted && c.talking(), "only a talk that is not muted can be muted")
	case KindUnmute:
		return allow(c.muted && (c.talking() || c.phase == PhaseHeld), "the call is not muted")
	case KindDigits:
		return legalDigits(d, c, on)
	case KindBlind, KindConsult:
		return legalTransfer(d, c)
	case KindSwap:
		o := swapOther(d, c)
		return allow(o != nil, "there is no second call to swap with")
	case KindConference:
		return legalConference(d, c)
	case KindComplete:
		return legalComplete(d, c)
	case KindCancel:
		return legalCancel(d, c)
	case KindBind:
		return nil
	}
	return refuse(CodeBadArgument, "not a verb of a call")
}

func allow(ok bool, message string) *Refusal {
	if ok {
		return nil
	}
	return refuse(CodeNotAllowedInState, message)
}

func (c *call) talking() bool { return c.phase == PhaseTalking || c.phase == PhaseConference }

func legalAnswer(d *Desk, c *call) *Refusal {
	if !c.waiting() {
		return refuse(CodeNotAllowedInState, "only a call that rings can be answered")
	}
	if f := d.focus(); f != nil && f.phase != PhaseTalking {
		return refuse(CodeNotAllowedInState, "the agent's other call cannot be held now")
	}
	if !d.deviceUp() && !d.device.reachable {
		return refuse(CodeNoDevice, "the agent's device is not reachable")
	}
	return nil
}

// legalDial: an agent for whom a call rings, or who is in one, begins no other (invariant 1: he is busy).
func legalDial(d *Desk) *Refusal {
	for i := range d.calls {
		if c := &d.calls[i]; c.agent && c.waiting() {
			return &Refusal{Code: CodeNotAllowedInState, Message: "a call rings: answer or reject it first", State: string(c.phase)}
		}
	}
	if f := d.focus(); f != nil {
		return &Refusal{Code: CodeNotAllowedInState, Message: "hold or end the other call first", State: string(f.phase)}
	}
	return nil
}

func legalRetrieve(d *Desk, c *call) *Refusal {
	if c.phase != PhaseHeld {
		return refuse(CodeNotAllowedInState, "only a held call can be retrieved")
	}
	if t := d.transferOf(c); t != nil && t.status == TransferReferring {
		return refuse(CodeNotAllowedInState, "the transfer is under way")
	}
	if f := d.focus(); f != nil && f.phase != PhaseTalking && f.phase != PhaseTone {
		return refuse(CodeNotAllowedInState, "the agent's other call cannot be held now")
	}
	return nil
}

func legalDigits(d *Desk, c *call, on LegID) *Refusal {
	if !c.talking() {
		return refuse(CodeNotAllowedInState, "digits need a talk")
	}
	for i := range c.legs {
		l := &c.legs[i]
		if far := c.leg(on) != nil; far && l.id != on {
			continue
		}
		if digitsBy(d, l) != "" {
			return nil
		}
	}
	return refuse(CodeUnavailable, "the peer takes neither telephone-events nor INFO")
}

// legalTransfer: blind and consult start from a plain talk, or from a held one while nothing else has
// the agent's attention.
func legalTransfer(d *Desk, c *call) *Refusal {
	if c.phase != PhaseTalking && c.phase != PhaseHeld {
		return refuse(CodeNotAllowedInState, "only a talk or a held call can be transferred")
	}
	if d.transferOf(c) != nil {
		return refuse(CodeNotAllowedInState, "the call is already in a transfer")
	}
	if f := d.focus(); f != nil && f.id != c.id {
		return refuse(CodeNotAllowedInState, "hold or end the other call first")
	}
	if d.legs() >= maxLegs {
		return refuse(CodeBusy, "the desk has too many legs")
	}
	if !d.lineUp {
		return refuse(CodeUnavailable, "the agent's line is not registered")
	}
	return nil
}

func legalConference(d *Desk, c *call) *Refusal {
	t := d.transferOf(c)
	if t == nil || t.status != TransferTalking {
		return refuse(CodeNotAllowedInState, "a conference needs an answered consult call")
	}
	if f := d.focus(); f != nil && f.transfer != t.id {
		return refuse(CodeNotAllowedInState, "hold or end the other call first")
	}
	return nil
}

func legalComplete(d *Desk, c *call) *Refusal {
	t := d.transferOf(c)
	if t == nil || t.kind != TransferConsult {
		return refuse(CodeNotAllowedInState, "there is no consult to complete")
	}
	switch t.status {
	case TransferTalking, TransferConference:
		return nil
	case TransferDialling, TransferAlerting:
		k := d.call(t.consult)
		return allow(k != nil && k.phase == PhaseDialling, "the target is not called yet, or rings for the customer already")
	}
	return refuse(CodeNotAllowedInState, "the transfer is "+string(t.status))
}

func legalCancel(d *Desk, c *call) *Refusal {
	t := d.transferOf(c)
	if t == nil {
		return refuse(CodeNotAllowedInState, "there is no transfer to cancel")
	}
	switch {
	case t.status == TransferReferring, t.status == TransferRecalling:
		return refuse(CodeNotAllowedInState, "the transfer is "+string(t.status))
	case t.peer != "":
		return refuse(CodeNotAllowedInState, "the other party asked for the transfer")
	case t.kind == TransferBlind && !d.canRecall(c):
		return refuse(CodeNoDevice, "the agent cannot take the call back")
	}
	return nil
}

// swapOther is the call that c would change places with: its partner in a consult, or the agent's only
// other call.
func swapOther(d *Desk, c *call) *call {
	var other *call
	for i := range d.calls {
		o := &d.calls[i]
		if o.id == c.id || !o.agent || (o.phase != PhaseTalking && o.phase != PhaseHeld) {
			continue
		}
		if t := d.transferOf(c); t != nil && o.transfer != c.transfer {
			continue
		}
		if other != nil {
			return nil
		}
		other = o
	}
	if other == nil || c.phase == other.phase || (c.phase != PhaseTalking && c.phase != PhaseHeld) {
		return nil
	}
	return other
}

// actions lists what may be done now to a leg of a call.
func actions(d *Desk, c *call, on LegID) []Kind {
	var ks []Kind
	for _, k := range Kinds {
		if k != KindDial && k != KindStatus && legal(d, k, c, on) == nil {
			ks = append(ks, k)
		}
	}
	return ks
}
