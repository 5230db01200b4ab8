package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// findLimit is how long the adapter's word on a caller is waited for.
const findLimit = 10 * time.Second

// pick: several contacts have the customer's number; the agent picks the last of them.
func (s *story) pick(ctx context.Context, names ...string) error {
	view, err := s.found(ctx, names)
	if err != nil {
		return err
	}
	step := Step{Name: fmt.Sprintf("%d contacts have this number", len(names)), State: string(view.Phase), OK: view.Contact == (callcontrol.Contact{})}
	if !step.OK {
		step.Error = "one of them is bound before the agent picked"
	}
	s.add(step.unheard())
	chosen := view.Candidates[len(names)-1]
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindBind, Call: view.ID, Contact: chosen}); err != nil {
		return err
	}
	if err := s.bound(ctx, "the agent picks "+chosen.Name, chosen.Name); err != nil {
		return err
	}
	s.report.Adapter.Contact = chosen.Name
	return nil
}

// identified: one contact has the customer's number, and the call is bound to it.
func (s *story) identified(ctx context.Context, name string) error {
	if _, err := s.found(ctx, []string{name}); err != nil {
		return err
	}
	return s.bound(ctx, "one contact has this number", name)
}

// found waits until the offered call has these candidates.
func (s *story) found(ctx context.Context, names []string) (callcontrol.CallView, error) {
	wait, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	view, err := s.await(wait, func(c callcontrol.CallView) bool { return c.Agent == anna && len(c.Candidates) > 0 })
	if err != nil {
		return view, fmt.Errorf("the adapter did not say who calls: %w", err)
	}
	have := make([]string, len(view.Candidates))
	for i, c := range view.Candidates {
		have[i] = c.Name
	}
	if !slices.Equal(have, names) {
		return view, fmt.Errorf("the adapter found %q, and should have found %q", have, names)
	}
	return view, nil
}

// bound waits until the call is bound to a contact.
func (s *story) bound(ctx context.Context, step, name string) error {
	wait, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	view, err := s.await(wait, func(c callcontrol.CallView) bool { return c.Agent == anna && c.Contact.Name == name })
	if err != nil {
		return fmt.Errorf("the call is not bound to %s: %w", name, err)
	}
	s.add(Step{Name: step, State: string(view.Phase), OK: true}.unheard())
	return nil
}

// shows checks the name that the agent's phone was called with.
func (s *story) shows(name string) {
	step := Step{Name: "anna's phone shows " + name, OK: true}.unheard()
	if got := s.agent.Peer().Display; got != name {
		step.OK, step.Error = false, fmt.Sprintf("it shows %q", got)
	}
	s.add(step)
}

// unheard is a step at which nobody listens.
func (step Step) unheard() Step {
	step.Expected, step.Heard, step.silent = none(), none(), true
	return step
}

// note is what is bound to the call while the adapter is down: it must learn of it.
const note = "call back on Monday"

// survive kills the adapter in mid-call. The call goes on, and what happens meanwhile is told to the adapter when it is back.
func (s *story) survive(ctx context.Context) error {
	before, err := s.world.awaitAdapter(ctx, "running", begun)
	if err != nil {
		return err
	}
	parties := []*sim.Party{s.agent, s.customer}
	for _, p := range parties {
		p.Sound.Pause()
	}
	process, err := os.FindProcess(before.PID)
	if err != nil {
		return err
	}
	killed := time.Now()
	if err := process.Kill(); err != nil {
		return fmt.Errorf("kill -9 %d: %w", before.PID, err)
	}
	_, err = s.world.awaitAdapter(ctx, "down", func(a control.AdapterStatus) bool {
		return a.PID != before.PID && (!a.NextStart.IsZero() || a.Restarts > before.Restarts)
	})
	if err != nil {
		return err
	}
	if err := s.do(ctx, callcontrol.Command{Kind: callcontrol.KindBind, Variables: []callcontrol.Variable{{Name: "note", Value: note}}}); err != nil {
		return err
	}
	fmt.Fprintf(s.say, "       kill -9 %d; a note is bound to the call meanwhile. What an operator sees:\n\n", before.PID)
	if err := s.show(ctx); err != nil {
		return err
	}
	back := make(chan control.AdapterStatus, 1)
	var waited error
	go func() {
		defer close(back)
		var a control.AdapterStatus
		if a, waited = s.world.awaitAdapter(ctx, "back", func(a control.AdapterStatus) bool { return a.PID != before.PID && a.PID != 0 && begun(a) }); waited == nil {
			s.report.Adapter.Kill.BackAfter = int(time.Since(killed).Milliseconds())
			back <- a
		}
	}()
	s.check(ctx, "kill -9 of the adapter", "talking", Heard{Agent: hear("customer"), Customer: hear("agent")})
	after := <-back
	if waited != nil {
		return waited
	}
	var pause time.Duration
	for _, p := range parties {
		pause = max(pause, p.Sound.Pause())
	}
	s.report.Adapter.Restarts = after.Restarts
	k := &s.report.Adapter.Kill
	k.PID, k.BackPID, k.Pause = before.PID, after.PID, int(pause.Milliseconds())
	return s.back(ctx, after)
}

// back checks that the adapter was told what happened while it was down.
func (s *story) back(ctx context.Context, a control.AdapterStatus) error {
	wait, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	fmt.Fprintf(s.say, "       process %d took its place after %d ms; the longest pause in the call's sound is %d ms.\n",
		a.PID, s.report.Adapter.Kill.BackAfter, s.report.Adapter.Kill.Pause)
	told := false
	for !told {
		entries, err := s.took()
		if err != nil {
			return err
		}
		told = slices.ContainsFunc(entries, func(e entry) bool {
			return e.Event != nil && e.Event.Call != nil && slices.Contains(e.Event.Call.Variables, callcontrol.Variable{Name: "note", Value: note})
		})
		select {
		case <-time.After(10 * time.Millisecond):
		case <-wait.Done():
			return fmt.Errorf("the adapter was not told what happened while it was down: %w", wait.Err())
		}
	}
	if _, err := s.world.awaitAdapter(ctx, "up to date", upToDate); err != nil {
		return err
	}
	fmt.Fprintln(s.say)
	if err := s.show(ctx); err != nil {
		return err
	}
	step := Step{Name: "the adapter is back", OK: s.ledger.missed == 0 && s.ledger.doubled == 0}.unheard()
	if !step.OK {
		step.Error = fmt.Sprintf("it missed %d events and took %d twice", s.ledger.missed, s.ledger.doubled)
	}
	s.add(step)
	return nil
}

// show prints how the adapter is as an operator sees it.
func (s *story) show(ctx context.Context) error {
	a, err := s.world.adapter(ctx)
	if err != nil || s.look == nil {
		return err
	}
	fmt.Fprintln(s.say, "$ cordboard adapters")
	s.look(s.say, []control.AdapterStatus{a})
	fmt.Fprintln(s.say)
	return nil
}

// adapterTook tells which events the adapter has taken since.
func (s *story) adapterTook() {
	if _, err := s.took(); err != nil {
		fmt.Fprintf(s.say, "       %v\n", err)
	}
}

func (s *story) took() ([]entry, error) {
	entries, err := s.ledger.more()
	if line := narrate(entries); line != "" {
		fmt.Fprintf(s.say, "       %s\n", line)
	}
	return entries, err
}

// settle waits until the adapter has taken everything, and reports how it fared.
func (s *story) settle(ctx context.Context) error {
	if _, err := s.world.awaitAdapter(ctx, "up to date", upToDate); err != nil {
		s.add(Step{Name: "the adapter has taken everything", Error: err.Error()}.unheard())
	}
	_, err := s.took()
	a := &s.report.Adapter
	a.Events, a.Missed, a.Doubled, a.Calls = s.ledger.events, s.ledger.missed, s.ledger.doubled, s.ledger.ends
	return err
}
