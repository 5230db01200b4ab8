package daemon

import (
	"fmt"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// telephony is callcontrol.Telephony on the SIP stack.
type telephony struct{ d *Daemon }

var _ callcontrol.Telephony = telephony{}

// Invite implements callcontrol.Telephony.
func (t telephony) Invite(p callcontrol.Invite) {
	desk := t.d.desk(p.Agent)
	if desk == nil {
		return
	}
	l := t.d.newLeg(desk, p.Leg, p.Device)
	l.asked = true
	if err := t.d.admit(l); err != nil {
		t.fail(l, err)
		return
	}
	if err := l.open(); err != nil {
		t.fail(l, err)
		return
	}
	_, _, local := l.current()
	if p.Device {
		l.ring = newRing(l, t.deviceInvite(desk, p), &local)
		l.ring.start()
		return
	}
	params := t.lineInvite(desk, p)
	params.Offer, params.OnFarewell = &local, l.onFarewell
	l.setDialog(t.d.stack.Invite(params, l.onDialog))
}

// fail ends a leg that could not begin.
func (t telephony) fail(l *leg, err error) {
	t.d.log.Warn("leg not begun", "agent", l.desk.agent, "leg", l.id, "err", err)
	l.close()
	l.signal(callcontrol.Signal{Kind: callcontrol.SignalRejected, Status: 503, Reason: err.Error()})
}

func (t telephony) deviceInvite(desk *desk, p callcontrol.Invite) sipua.InviteParams {
	set := desk.settings()
	return sipua.InviteParams{
		Phone:      mapping.PhoneUser(*set.config),
		From:       outward(p.From),
		AutoAnswer: p.AutoAnswer && set.config.Device.AutoAnswer,
	}
}

func (t telephony) lineInvite(desk *desk, p callcontrol.Invite) sipua.InviteParams {
	set := desk.settings()
	line := set.config.Line
	out := sipua.InviteParams{
		To:    sipua.URI{User: string(p.To)},
		Trunk: line.Trunk,
		Line:  line.User,
		From:  sipua.Identity{Display: line.Display, Number: line.Number},

		OnBehalf: outward(p.OnBehalf),
	}
	if h := set.trunk.Headers.Interaction; h != "" && p.Interaction != "" {
		out.Headers = append(out.Headers, sipua.Header{Name: h, Value: string(p.Interaction)})
	}
	return out
}

// outward is an identity as SIP sends it.
func outward(i callcontrol.Identity) sipua.Identity {
	return sipua.Identity{Display: i.Display, Number: string(i.Number)}
}

// Ring implements callcontrol.Telephony.
func (t telephony) Ring(agent callcontrol.AgentID, id callcontrol.LegID, early bool) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	dialog, _, _ := l.current()
	if !early {
		dialog.Ring(nil)
		return
	}
	if err := l.open(); err != nil {
		t.d.log.Warn("no early media", "agent", agent, "leg", id, "err", err)
		dialog.Ring(nil)
		return
	}
	_, _, local := l.current()
	dialog.Ring(&local)
}

// Answer implements callcontrol.Telephony.
func (t telephony) Answer(agent callcontrol.AgentID, id callcontrol.LegID) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	if err := l.open(); err != nil {
		t.d.log.Error("call not answered", "agent", agent, "leg", id, "err", err)
		dialog, _, _ := l.current()
		dialog.Reject(503, "No Media Ports")
		return
	}
	dialog, _, local := l.current()
	dialog.Answer(local)
}

// Reject implements callcontrol.Telephony.
func (t telephony) Reject(agent callcontrol.AgentID, id callcontrol.LegID, c callcontrol.Cause) {
	if l := t.d.leg(agent, id); l != nil {
		dialog, _, _ := l.current()
		dialog.Reject(callcontrol.StatusOf(c), "")
	}
}

// Hangup implements callcontrol.Telephony.
func (t telephony) Hangup(agent callcontrol.AgentID, id callcontrol.LegID, c callcontrol.Cause) {
	l := t.d.leg(agent, id)
	switch {
	case l == nil:
	case l.ring != nil:
		l.ring.hangup(hangupReason(c))
	default:
		dialog, _, _ := l.current()
		dialog.Hangup(hangupReason(c))
	}
}

// hangupReason is a Reason header value (RFC 3326) for ends that are no plain hang-up.
func hangupReason(c callcontrol.Cause) string {
	switch c {
	case callcontrol.CauseNormal, callcontrol.CauseCancelled, "":
		return ""
	}
	return fmt.Sprintf("SIP;cause=%d;text=%q", callcontrol.StatusOf(c), string(c))
}

// Refer implements callcontrol.Telephony.
func (t telephony) Refer(agent callcontrol.AgentID, id callcontrol.LegID, target callcontrol.Number, replaces callcontrol.LegID) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	dialog, _, _ := l.current()
	uri := sipua.URI{User: string(target), Host: trunkDomain(*l.set.trunk)}
	var other *sipua.DialogID
	if r := t.d.leg(agent, replaces); r != nil {
		if d, _, _ := r.current(); d != nil {
			did := d.ID()
			other = &did
		}
	}
	dialog.Refer(uri, other)
}

// Identify implements callcontrol.Telephony.
func (t telephony) Identify(agent callcontrol.AgentID, id callcontrol.LegID, who callcontrol.Identity) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	dialog, _, _ := l.current()
	dialog.Identity(outward(who))
}

// Reoffer implements callcontrol.Telephony.
func (t telephony) Reoffer(agent callcontrol.AgentID, id callcontrol.LegID, dir callcontrol.Direction) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	l.mu.Lock()
	l.local.Direction = direction(dir)
	dialog, local := l.dialog, l.local
	l.mu.Unlock()
	dialog.Reoffer(local)
}

func direction(d callcontrol.Direction) offer.Direction {
	switch d {
	case callcontrol.DirectionSendOnly:
		return offer.SendOnly
	case callcontrol.DirectionRecvOnly:
		return offer.RecvOnly
	case callcontrol.DirectionInactive:
		return offer.Inactive
	}
	return offer.SendRecv
}

// ReferReply implements callcontrol.Telephony: the first status accepts or refuses the request, later ones tell how the
// new call fares.
func (t telephony) ReferReply(agent callcontrol.AgentID, id callcontrol.LegID, status int) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	l.mu.Lock()
	req := l.refer
	l.mu.Unlock()
	switch {
	case req == nil:
	case status == 202:
		req.Accept()
	case status < 300:
		req.Notify(status)
	default:
		req.Reject(status)
		req.Notify(status)
	}
}
