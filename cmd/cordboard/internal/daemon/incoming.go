package daemon

import (
	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/sipua"
)

// onInvite gives a new incoming dialog a leg and offers it to its desk.
func (d *Daemon) onInvite(dialog *sipua.Dialog, in sipua.Incoming) {
	agent, ok := d.agentOf(in)
	desk := d.desk(agent)
	if !ok || desk == nil {
		dialog.Handle(func(sipua.DialogEvent) {})
		dialog.Reject(404, "")
		return
	}
	l := d.newLeg(desk, d.board.NewLegID(), in.Phone != "")
	l.setDialog(dialog)
	l.setReceived(in.Received)
	dialog.Handle(l.onDialog)
	dialog.OnFarewell(l.onFarewell)
	err := d.room(desk, l)
	if err == nil {
		err = d.admit(l)
	}
	if err != nil {
		d.log.Warn("call refused", "agent", agent, "leg", l.id, "err", err)
		dialog.Reject(503, "")
		return
	}
	d.board.Incoming(d.offerOf(l, dialog, in))
}

func (d *Daemon) agentOf(in sipua.Incoming) (callcontrol.AgentID, bool) {
	if in.Phone != "" {
		return d.AgentOfPhone(in.Phone)
	}
	return d.AgentOfLine(in.Trunk, in.Line)
}

func (d *Daemon) offerOf(l *leg, dialog *sipua.Dialog, in sipua.Incoming) callcontrol.Offer {
	o := callcontrol.Offer{
		Kind: callcontrol.OfferLine, Leg: l.id, Agent: l.desk.agent, Trunk: in.Trunk, Line: in.Line, Phone: in.Phone,
		From: identity(in.Caller), Info: dialog.AllowsInfo(),
	}
	if in.Phone != "" {
		o.Kind = callcontrol.OfferDevice
		if n, err := callcontrol.ParseNumber(in.RequestURI.User); err == nil {
			o.To = n
		}
		return o
	}
	o.Internal = d.Internal(o.From.Number)
	for _, div := range append(append([]sipua.Diversion(nil), in.Diversion...), in.History...) {
		o.Diversion = append(o.Diversion, identity(div.Identity))
	}
	if in.Replaces != nil {
		o.Replaces = d.legOf(l.desk, in.Replaces)
	}
	readHeaders(&o, l.set.trunk.Headers, in.Headers)
	return o
}

// readHeaders takes queue, interaction and variables out of the headers that the trunk's map names. Text that must not
// reach an event is left out.
func readHeaders(o *callcontrol.Offer, m configs.Headers, headers []sipua.Header) {
	for _, h := range headers {
		if callcontrol.CheckText(h.Value) != nil {
			continue
		}
		if equalName(h.Name, m.Queue) {
			o.Queue = h.Value
		}
		if equalName(h.Name, m.Interaction) {
			o.Interaction = callcontrol.InteractionID(h.Value)
		}
		for header, name := range m.Variables {
			if equalName(h.Name, header) {
				o.Variables = append(o.Variables, callcontrol.Variable{Name: name, Value: h.Value})
			}
		}
	}
}

// identity keeps what may go on: a number or name that is not clean is left out.
func identity(i sipua.Identity) callcontrol.Identity {
	var out callcontrol.Identity
	if i.Private {
		return out
	}
	if n, err := callcontrol.ParseNumber(i.Number); err == nil {
		out.Number = n
	}
	if callcontrol.CheckText(i.Display) == nil {
		out.Display = i.Display
	}
	return out
}

func (d *Daemon) legOf(desk *desk, dialog *sipua.Dialog) callcontrol.LegID {
	want := dialog.ID()
	for _, l := range desk.all() {
		if have, _, _ := l.current(); have != nil && have.ID() == want {
			return l.id
		}
	}
	return ""
}
