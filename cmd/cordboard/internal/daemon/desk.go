package daemon

import (
	"maps"
	"slices"
	"sync"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/mediamix"
	"cordboard/sipua"
)

// desk is the media side of one agent: the board of its legs and who sits in which slot.
type desk struct {
	agent callcontrol.AgentID

	mu     sync.Mutex
	set    *settings
	wanted *settings       // come into force when no party is left; nil: nothing waits
	board  *mediamix.Board // nil while no leg is seated; its inside is owned by the loop of the desk's media shard
	legs   map[callcontrol.LegID]*leg
	slots  []*leg   // of the board, nil without one
	next   int      // slot to try first: a slot rests as long as possible before it is used again
	heard  []uint32 // newest patch: who each slot hears, nil without a board
	phone  string   // the contact at which the device answered last
	codec  string   // of the newest negotiated leg: offered first to the next one, so that packets can be relayed
}

// settings are what is configured for a desk. A leg keeps those it began with.
type settings struct {
	config *configs.Agent // one copy for all who read it, as the trunk
	trunk  *configs.Trunk
}

func newDesk(s *settings) *desk {
	return &desk{agent: callcontrol.AgentID(s.config.Name), set: s, legs: make(map[callcontrol.LegID]*leg)}
}

func (d *desk) settings() *settings {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.set
}

// configure gives the desk other settings, from the end of its running calls on.
func (d *desk) configure(s *settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = s
	d.switchLocked()
}

// waits reports whether other settings wait for the end of calls, and gives those in force.
func (d *desk) waits() (*settings, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.set, d.wanted != nil
}

// switchLocked brings settings that wait into force when no party is left; a device may stay connected. true: it did.
func (d *desk) switchLocked() bool {
	if d.wanted == nil {
		return false
	}
	for _, l := range d.legs {
		if !l.device {
			return false
		}
	}
	d.set, d.wanted = d.wanted, nil
	return true
}

// moved are the legs to a phone, or a contact, that is not the agent's any more.
func (d *desk) moved() (out []*leg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.legs {
		before, now := l.set.config, d.set.config
		if l.device && (mapping.PhoneUser(*before) != mapping.PhoneUser(*now) || before.Device.Contact != now.Device.Contact) {
			out = append(out, l)
		}
	}
	return out
}

// group names the desk to the media engine: its legs share one shard.
func (d *desk) group() string { return string(d.agent) }

func (d *desk) leg(id callcontrol.LegID) *leg {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.legs[id]
}

// all are the live legs; their own locks are taken after the desk's is given back.
func (d *desk) all() []*leg {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.legs))
}

func (d *desk) add(l *leg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.legs[l.id] = l
}

// remove forgets a leg; true when other settings came into force by that.
func (d *desk) remove(l *leg) (switched bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.legs, l.id)
	switched = d.switchLocked()
	for i, s := range d.slots {
		if s == l {
			d.slots[i] = nil
		}
	}
	if !slices.ContainsFunc(d.slots, func(l *leg) bool { return l != nil }) {
		d.board, d.slots, d.heard = nil, nil, nil // thousands of idle desks keep none
	}
	return switched
}

// seat gives a leg a slot of the board, which is made for the first leg; false when all are taken.
func (d *desk) seat(l *leg) (*mediamix.Board, int, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.board == nil {
		d.board = mediamix.NewBoard(mediamix.MaxSlots)
		d.slots, d.heard = make([]*leg, mediamix.MaxSlots), make([]uint32, mediamix.MaxSlots)
	}
	for i := range d.slots {
		n := (d.next + i) % len(d.slots)
		if d.slots[n] == nil {
			d.slots[n] = l
			d.next = n + 1
			return d.board, n, true
		}
	}
	return nil, 0, false
}

func (d *desk) codecInUse() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.codec
}

func (d *desk) useCodec(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.codec = name
}

// bestFirst puts the contact at which the agent answered last before the others.
func (d *desk) bestFirst(list []sipua.Contact) []sipua.Contact {
	d.mu.Lock()
	last := d.phone
	d.mu.Unlock()
	if i := slices.IndexFunc(list, func(c sipua.Contact) bool { return c.ID() == last }); i > 0 {
		return slices.Concat(list[i:i+1], list[:i], list[i+1:])
	}
	return list
}

func (d *desk) answeredAt(c sipua.Contact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.phone = c.ID()
}

// patch translates leg ids into slots of the board, nil without one. Legs that have no slot (not opened yet, or gone) hear
// nothing.
func (d *desk) patch(p callcontrol.Patch, source func(callcontrol.Source) *mediamix.Source) (*mediamix.Board, mediamix.Patch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	slot := make(map[callcontrol.LegID]int, len(d.slots))
	for i, l := range d.slots {
		if l != nil {
			slot[l.id] = i
		}
	}
	out := mediamix.Patch{Hears: make([]mediamix.Hear, len(d.slots))}
	for _, h := range p {
		i, ok := slot[h.Leg]
		if !ok {
			continue
		}
		hear := mediamix.Hear{Source: source(h.Source), Comfort: true}
		for _, from := range h.From {
			if n, ok := slot[from]; ok {
				hear.Slots |= 1 << n
			}
		}
		out.Hears[i] = hear
	}
	for i := range d.heard {
		d.heard[i] = out.Hears[i].Slots
	}
	return d.board, out
}

// hearers are the legs that hear l, and the board on which they do.
func (d *desk) hearers(l *leg) (*mediamix.Board, []*leg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*leg
	for i, other := range d.slots {
		if other == nil || other == l {
			continue
		}
		for slot, from := range d.slots {
			if from == l && d.heard[i]&(1<<slot) != 0 {
				out = append(out, other)
			}
		}
	}
	return d.board, out
}
