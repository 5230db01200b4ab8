package callcontrol

import (
	"context"
	"time"

	"cordboard/journal"
)

// Moment is what a desk was when a command was refused.
type Moment struct {
	Cursor          journal.Cursor `json:"cursor"` // events up to here have told of it
	Agent           AgentID        `json:"agent"`
	Status          Status         `json:"status"`
	Registered      bool           `json:"registered"` // the line is
	DeviceReachable bool           `json:"device_reachable"`
	Busy            bool           `json:"busy"`
	Calls           []CallPhase    `json:"calls,omitempty"` // live
}

// CallPhase is where a call is.
type CallPhase struct {
	Call  CallID `json:"call"`
	Phase Phase  `json:"phase"`
}

// momentLimit bounds the wait for the moment of a refusal, which is worth telling without it.
const momentLimit = time.Second

// refused tells with a refusal that no desk gave what the command's desk is.
func (s *Switchboard) refused(ctx context.Context, c *Command, r *Refusal) *Refusal {
	if !s.started.Load() {
		return r
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), momentLimit)
	defer cancel()
	_ = s.pub.do(ctx, func() { s.pub.mark(r, c) })
	return r
}

// mark completes a refusal with what is true now. It runs on the publisher's goroutine: what it tells is what events up
// to the cursor tell.
func (p *publisher) mark(r *Refusal, c *Command) {
	owner := p.sw.named(c)
	if r.State == "" && owner != nil {
		r.State = phaseOf(p.views[owner.agent].calls, c)
	}
	agent := c.Agent
	if agent == "" && owner != nil {
		agent = owner.agent
	}
	v, ok := p.views[agent]
	if !ok {
		return
	}
	a := &v.agent
	r.Moment = &Moment{
		Cursor: p.sw.deps.Journal.Last(), Agent: a.ID, Status: a.Status, Registered: a.Registered,
		DeviceReachable: a.Device.Reachable, Busy: a.Busy,
	}
	for i := range v.calls {
		r.Moment.Calls = append(r.Moment.Calls, CallPhase{v.calls[i].ID, v.calls[i].Phase})
	}
}

// phaseOf is the phase of the call that a command names, empty when it is not among calls.
func phaseOf(calls []CallView, c *Command) string {
	for i := range calls {
		v := &calls[i]
		if c.Call == v.ID || c.Call == "" && c.Transfer != "" && c.Transfer == v.Transfer {
			return string(v.Phase)
		}
		for j := range v.Legs {
			if c.Call == "" && c.Transfer == "" && c.Leg == v.Legs[j].ID {
				return string(v.Phase)
			}
		}
	}
	return ""
}
