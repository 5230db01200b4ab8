package callcontrol

import "slices"

// callView is a call with what may be done to each of its legs now.
func callView(d *Desk, c *call) CallView {
	v := CallView{
		ID: c.id, Interaction: c.interaction, Agent: d.config.Agent, Line: d.config.Line, Direction: c.direction, Phase: c.phase,
		Queue: c.queue, Variables: c.variables, Remote: c.remote, Diversion: c.diversion, Contact: c.contact, Candidates: c.candidates,
		Transfer: c.transfer, TransferredFrom: c.from, TransferredTo: c.to, Cause: c.cause, EndedBy: c.ender, Started: c.started, Answered: c.answered,
	}
	if c.agent && d.device.leg != nil {
		l := legView(d, c, d.device.leg)
		l.Muted = c.muted
		v.Legs = append(v.Legs, l)
	}
	for i := range c.legs {
		v.Legs = append(v.Legs, legView(d, c, &c.legs[i]))
	}
	return v
}

func legView(d *Desk, c *call, l *leg) LegView {
	return LegView{
		ID: l.id, Role: l.role, State: l.state, Party: l.party, Early: l.early, PeerHold: l.peerHold, Cause: l.cause,
		Actions: actions(d, c, l.id),
	}
}

func transferView(d *Desk, t *transfer) TransferView {
	return TransferView{
		ID: t.id, Kind: t.kind, Status: t.status, Agent: d.config.Agent, Call: t.call, Consult: t.consult, Target: t.target,
		Leg: t.leg, Cause: t.cause,
	}
}

func agentView(d *Desk) AgentView {
	v := AgentView{
		ID: d.config.Agent, Name: d.config.Name, Line: d.config.Line, Trunk: d.config.Trunk,
		Registered: d.lineUp, LineReason: d.lineWhy, Status: d.status, Reason: d.reason, WrapUp: d.wrapUp != 0,
		Busy: d.busy(), Why: why(d),
		Device: DeviceView{Connect: d.config.Connect, Reachable: d.device.reachable, Reason: d.device.why, Lost: d.device.lost > 0},
	}
	if l := d.device.leg; l != nil {
		v.Device.Leg, v.Device.State = l.id, l.state
	}
	for i := range d.calls {
		if d.calls[i].phase != PhaseEnded {
			v.Calls = append(v.Calls, d.calls[i].id)
		}
	}
	return v
}

// deskView is everything of a desk that adapters may see.
type deskView struct {
	agent     AgentView
	draining  bool
	retired   bool
	calls     []CallView
	transfers []TransferView
}

// empty reports whether the desk has no leg.
func (v *deskView) empty() bool { return len(v.calls) == 0 && v.agent.Device.Leg == "" }

func viewOf(d *Desk) deskView {
	v := deskView{agent: agentView(d), draining: d.draining, retired: d.retired}
	for i := range d.calls {
		if d.calls[i].phase != PhaseEnded {
			v.calls = append(v.calls, callView(d, &d.calls[i]))
		}
	}
	for i := range d.transfer {
		if !d.transfer[i].final() {
			v.transfers = append(v.transfers, transferView(d, &d.transfer[i]))
		}
	}
	return v
}

func (v *CallView) equal(w *CallView) bool {
	return v.Phase == w.Phase && v.Interaction == w.Interaction && v.Remote == w.Remote && v.Contact == w.Contact && v.Transfer == w.Transfer &&
		v.TransferredFrom == w.TransferredFrom && v.TransferredTo == w.TransferredTo && v.Cause == w.Cause && v.EndedBy == w.EndedBy &&
		v.Answered.Equal(w.Answered) && v.Queue == w.Queue && slices.Equal(v.Variables, w.Variables) && slices.Equal(v.Candidates, w.Candidates) && slices.EqualFunc(v.Legs, w.Legs, LegView.equal)
}

// equal leaves out Media: it changes with every packet, and no event tells of it.
func (l LegView) equal(m LegView) bool {
	return l.ID == m.ID && l.Role == m.Role && l.State == m.State && l.Party == m.Party && l.Early == m.Early && l.PeerHold == m.PeerHold &&
		l.Muted == m.Muted && l.Cause == m.Cause && slices.Equal(l.Actions, m.Actions)
}

func (v *AgentView) equal(w *AgentView) bool {
	return v.Name == w.Name && v.Line == w.Line && v.Trunk == w.Trunk && v.Registered == w.Registered && v.LineReason == w.LineReason && v.Device == w.Device && v.Status == w.Status && v.Reason == w.Reason &&
		v.WrapUp == w.WrapUp && v.Busy == w.Busy && slices.Equal(v.Why, w.Why) && slices.Equal(v.Calls, w.Calls)
}
