package callcontrol

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Live is what is alive by the events so far: a fold of them. The zero Live is that of no events.
type Live struct {
	Calls     map[CallID]CallView
	Transfers map[TransferID]TransferView
}

// Apply takes the next event. What it is not about stays as it is.
func (l *Live) Apply(e *Event) {
	if l.Calls == nil {
		l.Calls, l.Transfers = make(map[CallID]CallView), make(map[TransferID]TransferView)
	}
	switch {
	case e.Kind == EventCallEnded:
		delete(l.Calls, e.CallID)
	case e.Call != nil:
		l.Calls[e.Call.ID] = *e.Call
	}
	if t := e.Transfer; t != nil {
		if t.Status.final() {
			delete(l.Transfers, t.ID)
		} else {
			l.Transfers[t.ID] = *t
		}
	}
}

// inheritBatch is how many events of an earlier run are told at once.
const inheritBatch = 1024

// Inherit tells that what an earlier run of the daemon left alive has ended, with CauseGatewayRestart, and how every agent
// begins in this one: readers go on in the journal where they were, and what they knew of agents is not so any more. pause,
// when it is set, is called between some thousand events, for a journal that needs time. It must be called before Run, and
// errs after it.
func (s *Switchboard) Inherit(ctx context.Context, l Live, pause func()) error {
	if s.started.Load() {
		return errors.New("callcontrol: the switchboard runs already")
	}
	now := time.Now()
	events := l.ends(now)
	if s.deps.Journal.Last().Seq > 0 {
		for _, r := range s.roster.all() {
			v := s.pub.views[r.agent].agent
			events = append(events, Event{At: now, Kind: EventAgentChanged, Agent: r.agent, State: &v})
		}
	}
	for batch := range slices.Chunk(events, inheritBatch) {
		s.pub.publish(ctx, publication{events: batch})
		if pause != nil {
			pause()
		}
	}
	return ctx.Err()
}

// ends are the events that end all of it: of transfers first, of a call after those of its legs.
func (l *Live) ends(now time.Time) []Event {
	var out []Event
	for _, t := range sorted(l.Transfers, func(a, b TransferView) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Status, t.Cause = TransferFailed, CauseGatewayRestart
		out = append(out, Event{At: now, Kind: EventTransferChanged, Agent: t.Agent, CallID: t.Call, Cause: t.Cause, Transfer: &t})
	}
	told := make(map[LegID]bool) // the device's leg is in several calls
	for _, c := range sorted(l.Calls, func(a, b CallView) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID)) }) {
		for _, g := range c.Legs {
			if !told[g.ID] {
				told[g.ID] = true
				out = append(out, Event{At: now, Kind: EventLegEnded, Agent: c.Agent, CallID: c.ID, Leg: g.ID, Cause: CauseGatewayRestart, Remote: g.Party})
			}
		}
		c.Phase, c.Cause, c.EndedBy, c.Legs = PhaseEnded, CauseGatewayRestart, EnderGateway, nil
		out = append(out, Event{At: now, Kind: EventCallEnded, Agent: c.Agent, CallID: c.ID, Cause: c.Cause, Call: &c})
	}
	return out
}

// sorted are the values of a map in an order.
func sorted[K comparable, V any](m map[K]V, order func(a, b V) int) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, order)
	return out
}
