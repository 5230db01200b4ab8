package callcontrol

import (
	"context"
	"time"
)

// Apply makes the desks those of another configuration while calls run: new agents get a desk, those who are missing take no new
// calls and leave with their last one (Retired, Remove), and those named in changed take their settings, of which most wait for
// the end of their calls. All others are not touched. An error changes
// nothing: as of New, ctx's, or a Refusal when the switchboard has stopped. One Apply at a time.
func (s *Switchboard) Apply(ctx context.Context, desks []DeskConfig, changed []AgentID) error {
	if err := checkDesks(desks); err != nil {
		return err
	}
	return s.pub.do(ctx, func() { s.apply(desks, changed) })
}

// apply runs on the publisher's goroutine, so that a snapshot sees all of it or nothing.
func (s *Switchboard) apply(desks []DeskConfig, changed []AgentID) {
	keep, others := make(map[AgentID]bool, len(desks)), make(map[AgentID]bool, len(changed))
	for _, a := range changed {
		others[a] = true
	}
	for i := range desks {
		c := desks[i]
		keep[c.Agent] = true
		r := s.roster.of(c.Agent)
		switch {
		case r == nil:
			r = s.roster.add(s, c)
			view := viewOf(&r.desk)
			s.pub.views[c.Agent] = view
			s.pub.append(context.Background(), Event{At: time.Now(), Kind: EventAgentChanged, Agent: c.Agent, State: &view.agent})
			s.roster.serve(r)
		case others[c.Agent]:
			r.inbox.push(envelope{in: Input{Configure: &c}})
		}
	}
	for _, r := range s.roster.all() {
		if !keep[r.agent] {
			r.inbox.push(envelope{in: Input{Retire: true}})
		}
	}
	s.roster.order(desks)
}

// Retired has something to read when an agent whom Apply left out may have ended his last call: Remove tells.
func (s *Switchboard) Retired() <-chan struct{} { return s.retired }

func (s *Switchboard) tellRetired() {
	select {
	case s.retired <- struct{}{}:
	default:
	}
}

// Remove takes the desks of those agents away who were left out by Apply and have no call any more, tells so by events, and
// gives their names. It errs with ctx.Err(), or a Refusal when the switchboard has stopped.
func (s *Switchboard) Remove(ctx context.Context) (gone []AgentID, err error) {
	err = s.pub.do(ctx, func() { gone = s.remove() })
	return gone, err
}

// remove runs on the publisher's goroutine. A view may be behind its desk, which has the last word.
func (s *Switchboard) remove() (gone []AgentID) {
	for _, r := range s.roster.all() {
		v := s.pub.views[r.agent]
		if !v.retired || !v.empty() || !r.end() {
			continue
		}
		s.pub.catchUp() // it may have told of more before it ended
		s.roster.remove(r)
		delete(s.pub.views, r.agent)
		s.pub.append(context.Background(), Event{At: time.Now(), Kind: EventAgentRemoved, Agent: r.agent})
		gone = append(gone, r.agent)
	}
	return gone
}

// end stops a retired desk that has nothing to do and nothing to tell; false when it has, or is at it.
func (r *runner) end() bool {
	may := func() bool {
		v := viewOf(&r.desk)
		return v.retired && v.empty() && len(r.held) == 0
	}
	if !r.inbox.shut(may) {
		return false
	}
	r.stop() // its goroutine has ended and none will start
	return true
}
