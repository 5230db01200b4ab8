package callcontrol

import "time"

// HistoryRecord is one call that has ended.
type HistoryRecord struct {
	Call            CallID        `json:"call"`
	Interaction     InteractionID `json:"interaction"`
	Agent           AgentID       `json:"agent"`
	Line            LineID        `json:"line,omitempty"`
	Direction       CallDirection `json:"direction"`
	Queue           string        `json:"queue,omitempty"`
	Remote          Identity      `json:"remote,omitzero"`
	Contact         Contact       `json:"contact,omitzero"`
	TransferredFrom CallID        `json:"transferred_from,omitempty"`
	TransferredTo   CallID        `json:"transferred_to,omitempty"`
	Started         time.Time     `json:"started"`
	Answered        time.Time     `json:"answered,omitzero"` // the first time; zero: never
	Ended           time.Time     `json:"ended"`
	EndedBy         Ender         `json:"ended_by,omitempty"`
	Cause           Cause         `json:"cause,omitempty"`
	TimeToAnswer    time.Duration `json:"time_to_answer,omitempty"` // from Started to Answered
	Parts           Parts         `json:"parts"`
}

// Parts is how the time of a call was spent. They add up to the whole of it.
type Parts struct {
	Ring       time.Duration `json:"ring,omitempty"` // called, not answered yet: the agent's device, or the other party
	Talk       time.Duration `json:"talk,omitempty"`
	Held       time.Duration `json:"held,omitempty"`
	Conference time.Duration `json:"conference,omitempty"`
	Transfer   time.Duration `json:"transfer,omitempty"` // a target is called, the peer transfers itself, the agent is called back
	Bridged    time.Duration `json:"bridged,omitempty"`  // customer and target, without the agent
	Tone       time.Duration `json:"tone,omitempty"`     // a failure is heard
}

// Sum is the whole.
func (p Parts) Sum() time.Duration {
	return p.Ring + p.Talk + p.Held + p.Conference + p.Transfer + p.Bridged + p.Tone
}

// of is the part to which the time in a phase belongs.
func (p *Parts) of(phase Phase) *time.Duration {
	switch phase {
	case PhaseTalking:
		return &p.Talk
	case PhaseHeld:
		return &p.Held
	case PhaseConference:
		return &p.Conference
	case PhaseForwarding, PhaseReferring, PhaseReferred, PhaseRecall:
		return &p.Transfer
	case PhaseBridged:
		return &p.Bridged
	case PhaseTone:
		return &p.Tone
	}
	return &p.Ring
}

// Progress is what is known of the history of a call that is alive.
type Progress struct {
	Phase    Phase     `json:"phase"`
	Since    time.Time `json:"since"` // Parts has the time up to here
	Answered time.Time `json:"answered,omitzero"`
	Parts    Parts     `json:"parts"`
}

// to lets time pass. A clock that was set back lets none.
func (p *Progress) to(at time.Time) {
	if d := at.Sub(p.Since); d > 0 {
		*p.Parts.of(p.Phase) += d
		p.Since = at
	}
}

// begun is the progress of a call of which nothing is known before this view of it. What the events before told is
// guessed: it rang until it was answered, and was talked since.
func begun(c *CallView) Progress {
	p := Progress{Phase: PhaseOffered, Since: c.Started}
	if !c.Answered.IsZero() {
		p.to(c.Answered)
		p.Phase = PhaseTalking
	}
	return p
}

// History is the progress of the calls that are alive by the events so far: a fold of them, which yields the record of each
// call that ends. The zero History is that of no events.
type History struct {
	Open map[CallID]Progress
}

// Apply takes the next event. It returns true with a record when that is the end of a call.
func (h *History) Apply(e *Event) (HistoryRecord, bool) {
	c := e.Call
	if c == nil {
		return HistoryRecord{}, false
	}
	p, known := h.Open[c.ID]
	if !known {
		p = begun(c)
	}
	p.to(e.At)
	p.Phase = c.Phase
	if p.Answered.IsZero() {
		p.Answered = c.Answered
	}
	if e.Kind == EventCallEnded {
		delete(h.Open, c.ID)
		return p.record(c), true
	}
	h.Resume(c.ID, p)
	return HistoryRecord{}, false
}

// Resume takes the progress of a call that an earlier run kept.
func (h *History) Resume(id CallID, p Progress) {
	if h.Open == nil {
		h.Open = make(map[CallID]Progress)
	}
	h.Open[id] = p
}

// record closes the history of a call.
func (p *Progress) record(c *CallView) HistoryRecord {
	r := HistoryRecord{
		Call: c.ID, Interaction: c.Interaction, Agent: c.Agent, Line: c.Line, Direction: c.Direction, Queue: c.Queue, Remote: c.Remote,
		Contact: c.Contact, TransferredFrom: c.TransferredFrom, TransferredTo: c.TransferredTo, Started: c.Started, Answered: p.Answered,
		Ended: p.Since, EndedBy: c.EndedBy, Cause: c.Cause, Parts: p.Parts,
	}
	if !r.Answered.IsZero() {
		r.TimeToAnswer = max(r.Answered.Sub(r.Started), 0)
	}
	return r
}
