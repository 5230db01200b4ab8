package callcontrol

import (
	"context"
	"errors"
	"log/slog"
	"slices"
)

// publication is what one input of a desk came to, ready to be told.
type publication struct {
	agent   AgentID
	gate    uint64 // number of the patch that must be in force first
	events  []Event
	hasView bool
	view    deskView
	entry   *entry
	result  Result
	err     error
}

// publisher is one goroutine that appends events to the journal and keeps the views they lead to: a
// snapshot is exactly what is true at its cursor.
type publisher struct {
	sw  *Switchboard
	in  chan publication
	ask chan func()

	views map[AgentID]deskView
	idle  []chan struct{}
}

func newPublisher(s *Switchboard) *publisher {
	return &publisher{sw: s, in: make(chan publication, 256), ask: make(chan func()), views: make(map[AgentID]deskView)}
}

// run ends with ctx, after everything sent before that is told: the desks have ended by then.
func (p *publisher) run(ctx context.Context) {
	for {
		select {
		case pub := <-p.in:
			p.publish(ctx, pub)
		case f := <-p.ask:
			f()
		case <-ctx.Done():
			p.catchUp()
			return
		}
	}
}

// catchUp tells what is sent by now. Only the publisher's goroutine takes from in.
func (p *publisher) catchUp() {
	for range len(p.in) {
		p.publish(context.Background(), <-p.in)
	}
}

// send may wait for the journal, never for a reader of it.
func (p *publisher) send(pub publication) { p.in <- pub }

func (p *publisher) publish(ctx context.Context, pub publication) {
	if len(pub.events) > 0 {
		p.append(ctx, pub.events...)
		for i := range pub.events {
			if e := &pub.events[i]; e.Kind == EventLegEnded || e.Kind == EventRefused {
				p.sw.disown(e.Leg)
			}
		}
	}
	if _, ours := p.views[pub.agent]; pub.hasView && ours {
		p.views[pub.agent] = pub.view
		p.tellIdle()
		if pub.view.retired && pub.view.empty() {
			p.sw.tellRetired()
		}
	}
	if pub.entry != nil {
		var r *Refusal
		if errors.As(pub.err, &r) {
			marked := *r // several commands may share it
			p.mark(&marked, &pub.entry.cmd)
			pub.err = &marked
		}
		pub.entry.finish(pub.result, pub.err)
	}
}

func (p *publisher) append(ctx context.Context, events ...Event) {
	if _, err := p.sw.deps.Journal.Append(ctx, events...); err != nil {
		p.sw.deps.Log.Error("append to journal", slog.Any("err", err))
	}
}

// do runs f on the publisher's goroutine.
func (p *publisher) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case p.ask <- func() { f(); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.sw.stopped:
		return refuse(CodeUnavailable, "the switchboard has stopped")
	}
}

func (p *publisher) snapshot() Snapshot {
	s := Snapshot{Cursor: p.sw.deps.Journal.Last()}
	for _, r := range p.sw.roster.all() {
		v := p.views[r.agent]
		s.Agents = append(s.Agents, v.agent)
		s.Calls = append(s.Calls, v.calls...)
		s.Transfers = append(s.Transfers, v.transfers...)
		s.Draining = s.Draining || v.draining
	}
	return s
}

func (p *publisher) whenIdle(c chan struct{}) {
	p.idle = append(p.idle, c)
	p.tellIdle()
}

// tellIdle wakes those who wait for the last leg: every desk drains and has none.
func (p *publisher) tellIdle() {
	if len(p.idle) == 0 {
		return
	}
	for _, v := range p.views {
		if !v.draining || !v.empty() {
			return
		}
	}
	for _, c := range p.idle {
		close(c)
	}
	p.idle = slices.Delete(p.idle, 0, len(p.idle))
}
