package demo

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// story tells the steps, one after another; after the first that could not be carried out the call's rest is left out.
type story struct {
	world  *world
	report *Report
	out    string
	say    io.Writer
	look   func(io.Writer, []control.AdapterStatus) // nil: adapters are not shown
	ledger ledger                                   // what the adapter wrote

	agent, customer, target *sim.Party // of the present call
	parties                 []named
	calls                   int
}

type named struct {
	name  string
	party *sim.Party
}

const anna = callcontrol.AgentID("anna")

// tell plays everything, as long as ctx lasts.
func (s *story) tell(ctx context.Context) {
	s.report.RegisteredLines = s.world.pbx.Registered()
	fmt.Fprintf(s.say, "%d lines are registered at the PBX, anna's phone at the daemon; the contacts adapter runs in its own process.\n", s.report.RegisteredLines)
	for _, part := range []func(context.Context) error{s.consulted, s.blind, s.outbound} {
		err := part(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.report.Steps = append(s.report.Steps, Step{Name: "story", Error: err.Error()})
			fmt.Fprintf(s.say, "  FAILED: %v\n", err)
			s.clear(ctx)
		}
	}
}

// consulted is the first call: everything that an agent does in one, to a completed consult transfer.
func (s *story) consulted(ctx context.Context) error {
	if err := s.ring(ctx, "1"); err != nil {
		return err
	}
	if err := s.pick(ctx, "Ivan Petrenko", "Maria Petrenko"); err != nil {
		return err
	}
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindAnswer}); err != nil {
		return err
	}
	if err := s.pickUp(ctx); err != nil {
		return err
	}
	s.check(ctx, "answer", "talking", Heard{Agent: hear("customer"), Customer: hear("agent")})
	s.shows("Maria Petrenko")
	if err := s.survive(ctx); err != nil {
		return err
	}
	if err := s.verbs(ctx); err != nil {
		return err
	}
	if err := s.digits(ctx, "42#"); err != nil {
		return err
	}
	return s.consult(ctx)
}

// verbs are those of a plain call.
func (s *story) verbs(ctx context.Context) error {
	verbs := []struct {
		kind   callcontrol.Kind
		name   string
		state  string
		expect Heard
	}{
		{callcontrol.KindHold, "hold", "held", Heard{Customer: hear("music")}},
		{callcontrol.KindRetrieve, "retrieve", "talking", Heard{Agent: hear("customer"), Customer: hear("agent")}},
		{callcontrol.KindMute, "mute", "muted", Heard{Agent: hear("customer")}},
		{callcontrol.KindUnmute, "unmute", "talking", Heard{Agent: hear("customer"), Customer: hear("agent")}},
	}
	for _, v := range verbs {
		if err := s.do(ctx, callcontrol.Command{Kind: v.kind}); err != nil {
			return err
		}
		s.check(ctx, v.name, v.state, v.expect)
	}
	return nil
}

func (s *story) consult(ctx context.Context) error {
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindConsult, Number: "2011"}); err != nil {
		return err
	}
	s.checkTone(ctx, "consult: the target rings", "consult alerting", Heard{Agent: hear("ring_back"), Customer: hear("music")})
	if err := s.answers(ctx, "2011", "target 1"); err != nil {
		return err
	}
	s.check(ctx, "consult: the target answers", "consult talking", Heard{Agent: hear("target"), Customer: hear("music"), Target: hear("agent")})
	verbs := []struct {
		kind   callcontrol.Kind
		state  string
		expect Heard
	}{
		{callcontrol.KindSwap, "swapped to customer", Heard{Agent: hear("customer"), Customer: hear("agent"), Target: hear("music")}},
		{callcontrol.KindConference, "conference", Heard{
			Agent: hear("customer", "target"), Customer: hear("agent", "target"), Target: hear("agent", "customer"),
		}},
		{callcontrol.KindComplete, "completed", Heard{Customer: hear("target"), Target: hear("customer")}},
	}
	for _, v := range verbs {
		if err := s.do(ctx, callcontrol.Command{Kind: v.kind}); err != nil {
			return err
		}
		if v.kind == callcontrol.KindComplete {
			if err := s.gone(ctx, s.agent); err != nil {
				return err
			}
		}
		s.check(ctx, string(v.kind), v.state, v.expect)
	}
	return s.hangup(ctx)
}

// blind is the second call: answered, then transferred blind.
func (s *story) blind(ctx context.Context) error {
	if err := s.ring(ctx, "2"); err != nil {
		return err
	}
	if err := s.identified(ctx, "Olena Boiko"); err != nil {
		return err
	}
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindAnswer}); err != nil {
		return err
	}
	if err := s.pickUp(ctx); err != nil {
		return err
	}
	s.check(ctx, "second call: answer", "talking", Heard{Agent: hear("customer"), Customer: hear("agent")})
	s.shows("Olena Boiko")
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindBlind, Number: "2012"}); err != nil {
		return err
	}
	if err := s.gone(ctx, s.agent); err != nil {
		return err
	}
	s.checkTone(ctx, "blind transfer: the target rings", "blind transfer in progress", Heard{Customer: hear("ring_back")})
	if err := s.answers(ctx, "2012", "target 2"); err != nil {
		return err
	}
	s.check(ctx, "blind transfer: the target answers", "completed", Heard{Customer: hear("target"), Target: hear("customer")})
	return s.hangup(ctx)
}

// outbound calls a busy number, then one that answers.
func (s *story) outbound(ctx context.Context) error {
	s.customer, s.target = nil, nil
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindDial, Number: "2003"}); err != nil {
		return err
	}
	if err := s.pickUp(ctx); err != nil {
		return err
	}
	s.checkTone(ctx, "outbound to a busy number", "tone", Heard{Agent: hear("busy")})
	if err := s.gone(ctx, s.agent); err != nil {
		return err
	}
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindDial, Number: "2013"}); err != nil {
		return err
	}
	if err := s.pickUp(ctx); err != nil {
		return err
	}
	s.checkTone(ctx, "outbound: it rings", "alerting", Heard{Agent: hear("ring_back")})
	if err := s.answers(ctx, "2013", "target 3"); err != nil {
		return err
	}
	s.check(ctx, "outbound: it answers", "talking", Heard{Agent: hear("target"), Target: hear("agent")})
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindHangup}); err != nil {
		return err
	}
	return s.gone(ctx, s.target)
}

// ring lets a customer call in from queue Sales and waits until the agent is offered the call.
func (s *story) ring(ctx context.Context, n string) error {
	var err error
	s.target = nil
	s.customer, err = s.world.pbx.Call(sipua.Identity{Display: "Customer " + n, Number: "38044123450" + n}, lineUser(0), voice("customer")(),
		sipua.Header{Name: "X-Queue", Value: "Sales"}, sipua.Header{Name: "X-Ivr-Choice", Value: "1"})
	if err != nil {
		return err
	}
	s.keep("customer "+n, s.customer)
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.customer.Wait(wait, sim.StateRinging); err != nil {
		return err
	}
	view, err := s.await(wait, func(c callcontrol.CallView) bool { return c.Phase == callcontrol.PhaseOffered })
	if err != nil {
		return err
	}
	step := s.measure(ctx, "a customer calls in from queue Sales", "offered", none(), 1)
	if view.Queue != "Sales" || len(view.Variables) != 1 || view.Variables[0] != (callcontrol.Variable{Name: "ivr", Value: "1"}) {
		step.OK, step.Error = false, fmt.Sprintf("queue %q, variables %v", view.Queue, view.Variables)
	}
	s.add(step)
	return nil
}

// await polls the snapshot for a call.
func (s *story) await(ctx context.Context, ok func(callcontrol.CallView) bool) (callcontrol.CallView, error) {
	for {
		snap, err := s.world.client.Snapshot(ctx)
		if err != nil {
			return callcontrol.CallView{}, err
		}
		if i := slices.IndexFunc(snap.Calls, ok); i >= 0 {
			return snap.Calls[i], nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return callcontrol.CallView{}, fmt.Errorf("no such call among %d: %w", len(snap.Calls), ctx.Err())
		}
	}
}

// pickUp finds the agent's side of the newest call and waits until it talks.
func (s *story) pickUp(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		n := s.world.phone.Calls()
		p, err := s.world.phone.Call(wait, max(n, 1))
		if err != nil {
			return err
		}
		if err = p.Wait(wait, sim.StateTalking); err == nil {
			s.calls++
			s.agent = p
			s.keep(fmt.Sprintf("agent %d", s.calls), p)
			return nil
		}
		if wait.Err() != nil {
			return err
		}
	}
}

// answers lets the target that rings at a number answer.
func (s *story) answers(ctx context.Context, number, name string) error {
	wait, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	p, err := s.world.pbx.Called(wait, number, 1)
	if err != nil {
		return err
	}
	p.Answer()
	if err := p.Wait(wait, sim.StateTalking); err != nil {
		return err
	}
	s.target = p
	s.keep(name, p)
	return nil
}

func (s *story) keep(name string, p *sim.Party) { s.parties = append(s.parties, named{name, p}) }

func (s *story) digits(ctx context.Context, keys string) error {
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindDigits, Digits: keys}); err != nil {
		return err
	}
	s.report.Digits.Sent = keys
	deadline := time.Now().Add(5 * time.Second)
	for len(s.customer.Sound.Digits()) < len(keys) && time.Now().Before(deadline) {
		if _, err := s.customer.Sound.Listen(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	s.report.Digits.Received = s.customer.Sound.Digits()
	if got := s.report.Digits.Received; got != keys {
		return fmt.Errorf("digits: the customer received %q, want %q", got, keys)
	}
	s.check(ctx, "digits "+keys, "talking", Heard{Agent: hear("customer"), Customer: hear("agent")})
	return nil
}

// hangup lets the customer hang up and waits until the other party is gone.
func (s *story) hangup(ctx context.Context) error {
	s.customer.Hangup()
	for _, p := range []*sim.Party{s.customer, s.target} {
		if err := s.gone(ctx, p); err != nil {
			return err
		}
	}
	s.check(ctx, "the customer hangs up", "ended", none())
	return nil
}

func (s *story) gone(ctx context.Context, p *sim.Party) error {
	wait, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return p.Wait(wait, sim.StateEnded)
}

func (s *story) do(ctx context.Context, c callcontrol.Command) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c.Agent = anna
	if _, err := s.world.client.Do(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", c.Kind, err)
	}
	return nil
}

// clear hangs everybody up after a part that failed.
func (s *story) clear(ctx context.Context) {
	for _, p := range []*sim.Party{s.customer, s.target, s.agent} {
		if p != nil && p.State() != sim.StateEnded {
			p.Hangup()
			_ = s.gone(ctx, p)
		}
	}
	s.agent, s.customer, s.target = nil, nil, nil
}

// add reports a step and narrates it.
func (s *story) add(step Step) {
	s.report.Steps = append(s.report.Steps, step)
	mark := "ok    "
	if !step.OK {
		mark = "FAILED"
	}
	heard := step.Heard.String()
	if step.silent {
		heard = ""
	}
	fmt.Fprintln(s.say, strings.TrimRight(fmt.Sprintf("%s %-36s %-26s %s", mark, step.Name, step.State, heard), " "))
	if !step.OK {
		fmt.Fprintf(s.say, "       expected: %s %s\n", step.Expected, step.Error)
	}
	s.adapterTook()
}

// finish collects streams and sounds, judges and writes the report.
func (s *story) finish(ctx context.Context) error {
	for _, p := range s.parties {
		s.report.Streams = append(s.report.Streams, Stream{Leg: p.name, Wire: p.party.Sound.Wire()})
		file := filepath.Join(s.out, strings.ReplaceAll(p.name, " ", "-")+".wav")
		if err := p.party.Sound.Record(file); err != nil {
			return err
		}
	}
	snap, err := s.world.client.Snapshot(ctx)
	if err != nil {
		return err
	}
	s.report.Events = snap.Cursor.Seq
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.report.judge()
	if err := s.report.write(s.out); err != nil {
		return err
	}
	verdict := "ok"
	if !s.report.OK {
		verdict = "NOT ok"
	}
	a := s.report.Adapter
	fmt.Fprintf(s.say, "%d steps, %d streams, %d events, of which the adapter, killed once, missed %d and took %d twice: %s. See %s\n",
		len(s.report.Steps), len(s.report.Streams), s.report.Events, a.Missed, a.Doubled, verdict, filepath.Join(s.out, "report.json"))
	return nil
}
