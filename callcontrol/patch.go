package callcontrol

import "slices"

// SourceKind is a sound that is not a party.
type SourceKind string

// Sources.
const (
	SourceNone        SourceKind = ""
	SourceMusic       SourceKind = "music" // of Source.Queue, else the default track
	SourceRingBack    SourceKind = "ring_back"
	SourceBusy        SourceKind = "busy"
	SourceCongestion  SourceKind = "congestion"
	SourceHoldBeep    SourceKind = "hold_beep"    // a short beep each DeskConfig.HoldBeep
	SourceCallWaiting SourceKind = "call_waiting" // mixed over what is heard
)

// Source is a sound fed to a leg.
type Source struct {
	Kind  SourceKind `json:"kind,omitempty"`
	Queue string     `json:"queue,omitempty"` // music
}

// Hear is what one leg hears: the sum of the legs in From and the source. Both empty: silence
// (comfort noise keeps the stream running).
type Hear struct {
	Leg    LegID   `json:"leg"`
	From   []LegID `json:"from,omitempty"`
	Source Source  `json:"source,omitzero"`
}

// Patch is who hears whom among the legs of a desk, ordered as the legs were created. A leg that is not in it hears
// nothing and is heard by nobody.
type Patch []Hear

func (p Patch) equal(q Patch) bool {
	return slices.EqualFunc(p, q, func(a, b Hear) bool {
		return a.Leg == b.Leg && a.Source == b.Source && slices.Equal(a.From, b.From)
	})
}

// patchOf is the table of who hears whom (A agent, C customer, T target, M music):
//
//	state                                A hears             C hears         T hears
//	talking                              C                   A               –
//	held                                 nothing, or a beep  M               –
//	muted                                C                   nothing         –
//	consult dialling, alerting           ring-back or T      M               –
//	consult talking                      T                   M               A
//	swapped to customer                  C                   A               M
//	conference                           C+T                 A+T             A+C
//	bridged (completed)                  –                   T               C
//	forwarding                           –                   M, ring-back, T –
//	recall                               –                   ring-back       –
//	referring                            nothing             M               M
//	referred                             ring-back or T      M               –
//	tone                                 busy, congestion    the same, when he is left alone
//	the agent's device is away           –                   M               M
//
// While a call waits, A hears the call-waiting tone as well.
func patchOf(d *Desk) Patch {
	p := make(Patch, 0, 1+d.legs())
	if d.deviceUp() {
		p = append(p, deviceHears(d))
	}
	for i := range d.calls {
		c := &d.calls[i]
		for j := range c.legs {
			if l := &c.legs[j]; l.up() || l.early {
				p = append(p, partyHears(d, c, l))
			}
		}
	}
	return p
}

func deviceHears(d *Desk) Hear {
	h := Hear{Leg: d.device.leg.id}
	f := d.focus()
	switch {
	case f == nil:
		h.Source = idleSource(d)
	case f.phase == PhaseDialling, f.phase == PhaseReferred:
		h.hearAlerting(&f.legs[len(f.legs)-1])
	case f.phase == PhaseTone:
		h.Source.Kind = toneOf(f.cause)
	case f.talking():
		h.From = f.others("")
	}
	if h.Source.Kind == SourceNone && slices.ContainsFunc(d.calls, func(c call) bool { return c.agent && c.waiting() }) {
		h.Source.Kind = SourceCallWaiting
	}
	return h
}

// hearAlerting is what a caller hears of a party that is called: its early media (an announcement, a ring-back of its own)
// where there is any, else our ring-back.
func (h *Hear) hearAlerting(l *leg) {
	if l.early {
		h.From, h.Source = []LegID{l.id}, Source{}
		return
	}
	h.Source = Source{Kind: SourceRingBack}
}

// idleSource reminds the agent of held calls.
func idleSource(d *Desk) Source {
	if d.config.HoldBeep > 0 && slices.ContainsFunc(d.calls, func(c call) bool { return c.agent && c.phase == PhaseHeld }) {
		return Source{Kind: SourceHoldBeep}
	}
	return Source{}
}

func partyHears(d *Desk, c *call, l *leg) Hear {
	h := Hear{Leg: l.id}
	if !l.up() {
		return h // early media: heard, hears nothing yet
	}
	music := Source{Kind: SourceMusic, Queue: c.queue}
	switch c.phase {
	case PhaseTalking, PhaseConference, PhaseBridged:
		h.From = c.others(l.id)
		agent := c.agent && d.deviceUp()
		switch {
		case agent && !c.muted:
			h.From = append(h.From, d.device.leg.id)
		case !agent && len(h.From) == 0:
			h.Source = music
		}
	case PhaseForwarding:
		h.Source = music
		if target := &c.legs[len(c.legs)-1]; target.state == LegAlerting {
			h.hearAlerting(target)
		}
	case PhaseRecall:
		h.Source.Kind = SourceRingBack
	case PhaseTone:
		h.Source.Kind = toneOf(c.cause)
	default: // held, referring, referred
		h.Source = music
	}
	return h
}

// others are the connected far legs but one.
func (c *call) others(but LegID) []LegID {
	var ids []LegID
	for i := range c.legs {
		if l := &c.legs[i]; l.id != but && l.up() {
			ids = append(ids, l.id)
		}
	}
	return ids
}

// toneOf is what a cause sounds like.
func toneOf(c Cause) SourceKind {
	switch c {
	case CauseBusy, CauseRejected, CauseNoAnswer, CauseUnavailable, CauseDeviceLost, CauseNoDevice:
		return SourceBusy
	}
	return SourceCongestion
}
