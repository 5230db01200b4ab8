package callcontrol

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// runner is one desk, run by one goroutine while it has something to do: the only one that touches its
// fields.
type runner struct {
	sw     *Switchboard
	agent  AgentID
	number int
	log    *slog.Logger
	inbox  *inbox
	next   func(Desk, Input) (Desk, []Action, error) // the machine; a test may put a faulty one here

	desk   Desk
	timers map[Timer]*time.Timer
	asked  uint64        // number of the last patch asked for
	inUse  uint64        // number of the last patch in force
	held   []publication // wait for their patch

	deferred map[uint64]*entry // commands whose result comes later, by its serial
	late     []publication     // such results of the input at hand
}

func newRunner(s *Switchboard, cfg DeskConfig, prefix string) *runner {
	r := &runner{
		sw: s, agent: cfg.Agent, log: s.deps.Log.With(slog.String("agent", string(cfg.Agent))), next: next,
		desk: newDesk(cfg, prefix), timers: make(map[Timer]*time.Timer),
	}
	r.inbox = newInbox(func() { s.running.Go(r.run) }, s.tellRetired)
	return r
}

// run applies what is queued and ends when there is nothing more.
func (r *runner) run() {
	for {
		queue, dropped, more := r.inbox.take()
		if !more {
			return
		}
		if dropped > 0 {
			r.log.Error("inbox was full", slog.Uint64("dropped", dropped))
		}
		for _, e := range queue {
			r.take(e)
		}
	}
}

func (r *runner) stop() {
	for _, t := range r.timers {
		t.Stop()
	}
}

func (r *runner) take(e envelope) {
	if e.asked != nil {
		e.asked <- struct{}{} // has room
		return
	}
	if e.patched != 0 {
		r.inUse = max(r.inUse, e.patched)
		r.flush()
		return
	}
	e.in.At = time.Now()
	if rec := r.sw.deps.Record; rec != nil {
		rec(r.agent, withoutDigits(e.in))
	}
	if t := e.in.Timer; t != nil {
		delete(r.timers, *t)
	}
	d, acts, err := r.apply(e.in)
	r.desk = d
	p := publication{agent: r.agent, entry: e.entry}
	if err != nil {
		p.err = err
	}
	for i := range acts {
		r.do(&acts[i], &p)
	}
	if len(p.events) > 0 {
		p.view = viewOf(&r.desk)
		p.hasView = true
	}
	out := r.late
	r.late = nil
	if p.entry != nil || len(p.events) > 0 {
		out = append([]publication{p}, out...)
	}
	for _, p := range out {
		p.gate = r.asked
		r.held = append(r.held, p)
	}
	r.flush()
}

// withoutDigits is an input as it may be written down.
func withoutDigits(in Input) Input {
	if c := in.Command; c != nil && c.Digits != "" {
		k := *c
		k.Digits = "0" // a digit string was sent; which one is nobody's business
		if c.Digits[0] == ',' {
			k.Digits = ","
		}
		in.Command = &k
	}
	return in
}

// flush passes on what tells of states whose patch is in force.
func (r *runner) flush() {
	n := 0
	for n < len(r.held) && r.held[n].gate <= r.inUse {
		r.sw.pub.send(r.held[n])
		n++
	}
	if r.held = append(r.held[:0], r.held[n:]...); len(r.held) == 0 {
		r.held = nil // an idle desk keeps no room for it
	}
}

// apply runs the machine. A panic ends the call it happened in, not the daemon: the desk before it is
// whole, since next works on a copy.
func (r *runner) apply(in Input) (Desk, []Action, error) {
	d, acts, err := r.guarded(in)
	var fault *faultError
	if !errors.As(err, &fault) {
		return d, acts, err
	}
	refusal := refuse(CodeUnavailable, "a fault in the daemon; the call was ended")
	if id := r.desk.callOf(in); id != "" {
		if d, acts, err := r.guarded(Input{At: in.At, Fault: id}); !errors.As(err, &fault) {
			return d, acts, refusal
		}
	}
	if in.Signal == nil && in.Command == nil {
		if d, acts, err := r.guarded(Input{At: in.At, Reset: true}); !errors.As(err, &fault) {
			return d, acts, refusal
		}
	}
	return r.desk, nil, refusal
}

type faultError struct{ value any }

func (e *faultError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (r *runner) guarded(in Input) (d Desk, acts []Action, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("desk machine panicked", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			d, acts, err = r.desk, nil, &faultError{v}
		}
	}()
	return r.next(r.desk, in)
}

// callOf is the call an input is about, empty when it is about none.
func (d *Desk) callOf(in Input) CallID {
	var leg LegID
	switch {
	case in.Command != nil:
		if c, _ := d.resolve(in.Command); c != nil {
			return c.id
		}
	case in.Signal != nil:
		leg = in.Signal.Leg
	case in.Timer != nil:
		if c := d.call(CallID(in.Timer.ID)); c != nil {
			return c.id
		}
		leg = LegID(in.Timer.ID)
	}
	if c, _ := d.legOf(leg); c != nil {
		return c.id
	}
	if f := d.focus(); f != nil && d.isDevice(leg) {
		return f.id
	}
	return ""
}
