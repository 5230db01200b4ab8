package callcontrol

import "slices"

// publish tells what this step changed, found by comparing the desk before and after it: nothing that
// changes can be forgotten, and nothing is told that did not happen.
func (s *step) publish() {
	before, after := viewOf(s.before), viewOf(s.d)
	s.publishCalls(before.calls, after.calls)
	for i := range s.d.transfer {
		v := transferView(s.d, &s.d.transfer[i])
		if !slices.Contains(before.transfers, v) {
			s.event(Event{Kind: EventTransferChanged, CallID: v.Call, Cause: v.Cause, Transfer: &v})
		}
	}
	s.publishEnded(before.calls)
	if !before.agent.equal(&after.agent) {
		s.event(Event{Kind: EventAgentChanged, State: &after.agent})
	}
	for _, e := range s.events {
		s.event(e)
	}
}

func (s *step) event(e Event) {
	e.At, e.Agent = s.in.At, s.d.config.Agent
	s.act(Action{Kind: ActPublish, Event: &e})
}

func (s *step) publishCalls(before, after []CallView) {
	legs := make(map[LegID]LegState)
	for i := range before {
		for _, l := range before[i].Legs {
			legs[l.ID] = l.State
		}
	}
	for i := range after {
		v := &after[i]
		old := slices.IndexFunc(before, func(w CallView) bool { return w.ID == v.ID })
		kinds := 0
		if old < 0 {
			s.event(Event{Kind: EventCallStarted, CallID: v.ID, Call: v})
		}
		for _, l := range v.Legs {
			if legs[l.ID] != l.State {
				s.event(Event{Kind: legEvents[l.State], CallID: v.ID, Leg: l.ID, Cause: l.Cause, Call: v})
				legs[l.ID] = l.State // the device's leg is in several calls: told once
				kinds++
			}
		}
		if old >= 0 && kinds == 0 && !v.equal(&before[old]) {
			s.event(Event{Kind: EventCallChanged, CallID: v.ID, Call: v})
		}
	}
}

var legEvents = map[LegState]EventKind{
	LegInitiated: EventLegInitiated, LegAlerting: EventLegAlerting, LegConnected: EventLegConnected, LegHeld: EventLegHeld,
	LegFailed: EventLegFailed, LegEnded: EventLegEnded,
}

// publishEnded tells the legs and then the calls that are gone.
func (s *step) publishEnded(before []CallView) {
	live := make(map[LegID]bool)
	if s.d.device.leg != nil {
		live[s.d.device.leg.id] = true
	}
	for i := range s.d.calls {
		for j := range s.d.calls[i].legs {
			live[s.d.calls[i].legs[j].id] = true
		}
	}
	for i := range before {
		for _, l := range before[i].Legs {
			if !live[l.ID] {
				live[l.ID] = true
				s.event(Event{Kind: EventLegEnded, CallID: before[i].ID, Leg: l.ID, Cause: s.causes[l.ID], Remote: l.Party})
			}
		}
	}
	for i := range s.d.calls {
		if c := &s.d.calls[i]; c.phase == PhaseEnded {
			v := callView(s.d, c)
			s.event(Event{Kind: EventCallEnded, CallID: c.id, Cause: c.cause, Call: &v})
		}
	}
}
