package callcontrol

import (
	"cmp"
	"slices"

	"cordboard/journal"
)

// Mirror is everything live as a reader of events keeps it: a snapshot, to which the events after it are applied. It is then what a
// new snapshot would be, but for the figures of media, of which no event tells. It is not safe for concurrent use.
type Mirror struct {
	Live
	Agents map[AgentID]AgentView
	Cursor journal.Cursor // everything is true at
}

// NewMirror begins with a snapshot.
func NewMirror(s Snapshot) *Mirror {
	m := &Mirror{Cursor: s.Cursor, Agents: make(map[AgentID]AgentView, len(s.Agents))}
	m.Calls, m.Transfers = make(map[CallID]CallView, len(s.Calls)), make(map[TransferID]TransferView, len(s.Transfers))
	for _, a := range s.Agents {
		m.Agents[a.ID] = a
	}
	for _, c := range s.Calls {
		m.Calls[c.ID] = c.withoutMedia()
	}
	for _, t := range s.Transfers {
		m.Transfers[t.ID] = t
	}
	return m
}

func (v CallView) withoutMedia() CallView {
	v.Legs = slices.Clone(v.Legs)
	for i := range v.Legs {
		v.Legs[i].Media = nil
	}
	return v
}

// Apply takes the next event, which is at a cursor. One that the mirror has already changes nothing. After a gap a mirror is
// begun anew, with a new snapshot.
func (m *Mirror) Apply(at journal.Cursor, e *Event) {
	if at.Epoch == m.Cursor.Epoch && at.Seq <= m.Cursor.Seq {
		return
	}
	m.Cursor = at
	m.Live.Apply(e)
	switch {
	case e.Kind == EventAgentRemoved:
		delete(m.Agents, e.Agent)
	case e.State != nil:
		m.Agents[e.State.ID] = *e.State
	}
}

// Draining reports whether the daemon takes no new calls, by what it says of its agents.
func (m *Mirror) Draining() bool {
	draining := Why{Code: WhyDraining, Text: whyDaemonDrains} // the same code also means a single agent
	for _, a := range m.Agents {
		if slices.Contains(a.Why, draining) {
			return true
		}
	}
	return false
}

// Snapshot is the mirror as a snapshot, everything in the order of ids.
func (m *Mirror) Snapshot() Snapshot {
	return Snapshot{
		Cursor:    m.Cursor,
		Agents:    sorted(m.Agents, func(a, b AgentView) int { return cmp.Compare(a.ID, b.ID) }),
		Calls:     sorted(m.Calls, func(a, b CallView) int { return cmp.Compare(a.ID, b.ID) }),
		Transfers: sorted(m.Transfers, func(a, b TransferView) int { return cmp.Compare(a.ID, b.ID) }),
		Draining:  m.Draining(),
	}
}
