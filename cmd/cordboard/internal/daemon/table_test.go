package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cordboard/callcontrol"
)

// patchWatch stands between the desks and the boards and keeps the patch that is in force on each desk.
type patchWatch struct {
	media
	mu    sync.Mutex
	force map[callcontrol.AgentID]callcontrol.Patch
}

func (p *patchWatch) Patch(agent callcontrol.AgentID, patch callcontrol.Patch, done func()) {
	p.media.Patch(agent, patch, func() {
		p.mu.Lock()
		p.force[agent] = patch
		p.mu.Unlock()
		done()
	})
}

// hearing is who hears what, one line a leg: "leg: from, from source". Lines of legs that hear nothing are left out.
type hearing map[callcontrol.LegID]string

func heardLine(from []callcontrol.LegID, s callcontrol.SourceKind) string {
	words := make([]string, 0, len(from)+1)
	for _, l := range from {
		words = append(words, string(l))
	}
	slices.Sort(words)
	if s != callcontrol.SourceNone {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

func (h hearing) add(l callcontrol.LegID, from []callcontrol.LegID, s callcontrol.SourceKind) {
	if line := heardLine(from, s); line != "" {
		h[l] = line
	}
}

// inForce is what the desk's patch says.
func (p *patchWatch) inForce(agent callcontrol.AgentID) hearing {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := hearing{}
	for _, e := range p.force[agent] {
		h.add(e.Leg, e.From, e.Source.Kind)
	}
	return h
}

// onBoard is who hears whom by the seats of the board, without sources: what inForce became on its way to the mixer.
func onBoard(d *desk) hearing {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := hearing{}
	for i, l := range d.slots {
		if l == nil {
			continue
		}
		var from []callcontrol.LegID
		for n, other := range d.slots {
			if other != nil && d.heard[i]&(1<<n) != 0 {
				from = append(from, other.id)
			}
		}
		h.add(l.id, from, callcontrol.SourceNone)
	}
	return h
}

// desks of a snapshot, each as the table sees it.
type deskView struct {
	agent callcontrol.AgentView
	calls []callcontrol.CallView
}

func up(l callcontrol.LegView) bool {
	return l.State == callcontrol.LegConnected || l.State == callcontrol.LegHeld
}

func withAgent(c callcontrol.CallView) bool {
	return slices.ContainsFunc(c.Legs, func(l callcontrol.LegView) bool { return l.Role == callcontrol.RoleDevice })
}

// legsUp are the far legs of a call that talk, all but one.
func legsUp(c callcontrol.CallView, but callcontrol.LegID) (ids []callcontrol.LegID) {
	for _, l := range c.Legs {
		if l.Role != callcontrol.RoleDevice && up(l) && l.ID != but {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// table is who hears whom, written down a second time and from what everybody may see: the design's table, not the machine.
func (d deskView) table() hearing {
	h := hearing{}
	device := d.agent.Device.Leg
	if s := d.agent.Device.State; s != callcontrol.LegConnected && s != callcontrol.LegHeld {
		device = ""
	}
	for _, c := range d.calls {
		d.parties(h, c, device)
		if device != "" && withAgent(c) {
			d.ear(h, c, device)
		}
	}
	return h
}

// ear is what the agent hears of a call.
func (d deskView) ear(h hearing, c callcontrol.CallView, device callcontrol.LegID) {
	switch c.Phase {
	case callcontrol.PhaseTalking, callcontrol.PhaseConference:
		h.add(device, legsUp(c, ""), "")
	case callcontrol.PhaseDialling:
		if last := c.Legs[len(c.Legs)-1]; last.Early {
			h.add(device, []callcontrol.LegID{last.ID}, "")
		} else {
			h.add(device, nil, callcontrol.SourceRingBack)
		}
	case callcontrol.PhaseTone:
		h.add(device, nil, toneOf(c.Cause))
	}
}

// parties is what the far parties of a call hear.
func (d deskView) parties(h hearing, c callcontrol.CallView, device callcontrol.LegID) {
	for _, l := range c.Legs {
		if l.Role == callcontrol.RoleDevice || !up(l) {
			continue
		}
		switch c.Phase {
		case callcontrol.PhaseTalking, callcontrol.PhaseConference, callcontrol.PhaseBridged:
			from := legsUp(c, l.ID)
			muted := slices.ContainsFunc(c.Legs, func(l callcontrol.LegView) bool { return l.Muted })
			agent := withAgent(c) && device != ""
			if agent && !muted {
				from = append(from, device)
			}
			if !agent && len(from) == 0 { // the agent's device is away
				h.add(l.ID, nil, callcontrol.SourceMusic)
				continue
			}
			h.add(l.ID, from, "")
		case callcontrol.PhaseForwarding:
			switch target := c.Legs[len(c.Legs)-1]; {
			case target.Early:
				h.add(l.ID, []callcontrol.LegID{target.ID}, "")
			case target.State == callcontrol.LegAlerting:
				h.add(l.ID, nil, callcontrol.SourceRingBack)
			default:
				h.add(l.ID, nil, callcontrol.SourceMusic)
			}
		case callcontrol.PhaseRecall:
			h.add(l.ID, nil, callcontrol.SourceRingBack)
		case callcontrol.PhaseTone:
			h.add(l.ID, nil, toneOf(c.Cause))
		default:
			h.add(l.ID, nil, callcontrol.SourceMusic)
		}
	}
}

func toneOf(c callcontrol.Cause) callcontrol.SourceKind {
	switch c {
	case callcontrol.CauseBusy, callcontrol.CauseRejected, callcontrol.CauseNoAnswer, callcontrol.CauseUnavailable,
		callcontrol.CauseDeviceLost, callcontrol.CauseNoDevice:
		return callcontrol.SourceBusy
	}
	return callcontrol.SourceCongestion
}

// wrongPatch says how what is in force differs from the table; empty: it does not.
func (d deskView) wrongPatch(inForce, board hearing) string {
	want := d.table()
	if !maps.Equal(want, inForce) {
		return fmt.Sprintf("the table says %v, in force is %v", want, inForce)
	}
	for l, line := range want {
		var from []string
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "l-") {
				from = append(from, word)
			}
		}
		if got := board[l]; got != strings.Join(from, " ") {
			return fmt.Sprintf("%s hears %q on the board, %q by the table", l, got, strings.Join(from, " "))
		}
	}
	return ""
}

// of gives one desk of a snapshot.
func deskOf(s *callcontrol.Snapshot, agent callcontrol.AgentID) deskView {
	var d deskView
	for _, a := range s.Agents {
		if a.ID == agent {
			d.agent = a
		}
	}
	for _, c := range s.Calls {
		if c.Agent == agent {
			d.calls = append(d.calls, c)
		}
	}
	return d
}

func (d deskView) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "busy=%v device=%s/%s", d.agent.Busy, d.agent.Device.Leg, d.agent.Device.State)
	for _, c := range d.calls {
		fmt.Fprintf(&b, "; %s %s %s", c.ID, c.Phase, c.Cause)
		for _, l := range c.Legs {
			fmt.Fprintf(&b, " %s/%s/%s/%s", l.ID, l.Role, l.State, l.Party.Number)
		}
	}
	return b.String()
}
