package daemon

import (
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// Every cell of docs/outcomes.md with three SIP parties. The names of the subtests are the cells' ids.

// consulting is a talk from which agent0 consults number; the target is in the state asked for.
func (w *world) consulting(number string, state ...sim.State) (customer, device, target *sim.Party) {
	w.t.Helper()
	customer, device = w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindConsult, Number: callcontrol.Number(number)})
	target = w.called(number, state...)
	if len(state) > 0 && state[0] == sim.StateTalking {
		w.phase(callcontrol.PhaseTalking, 1)
	}
	return customer, device, target
}

func TestConsultStory(t *testing.T) {
	w := newWorld(t, setup{})
	c, a, target := w.consulting("2001", sim.StateTalking)
	w.hears(a, "target", c, "music", target, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindSwap})
	w.hears(a, "customer", c, "agent", target, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindSwap})
	w.hears(a, "target", c, "music", target, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindConference})
	w.hears(a, "customer+target", c, "agent+target", target, "agent+customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindComplete})
	w.hears(c, "target", target, "customer")
	w.ended(a)
	w.free()
	w.until("customer and target are told who they talk to", func() bool {
		return c.Peer().Number == "2001" && target.Peer().Number == "380441234567"
	})
	c.Hangup()
	w.ended(c, target)
	w.whole(c, a, target)
}

func TestConsultOutcomesAlerting(t *testing.T) {
	t.Run("customer_hangs_up", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2100", sim.StateRinging)
		w.hears(a, "ring_back", c, "music")
		c.Hangup()
		w.ended(c, target, a)
		w.free()
	})
	t.Run("agent_hangs_up", func(t *testing.T) {
		w := newWorld(t, setup{plan: map[string]sim.Behaviour{"2005": {Ring: 5 * time.Second, Source: voice("target")}}})
		c, a, target := w.consulting("2005", sim.StateRinging)
		a.Hangup()
		w.hears(c, "ring_back")
		w.must(target.Wait(w.ctx, sim.StateTalking))
		w.hears(c, "target", target, "customer")
		target.Hangup()
		w.ended(c, target, a)
	})
	t.Run("agent_hangs_up_then_no_answer_recalls", func(t *testing.T) {
		w := newWorld(t, setup{extra: "calls: {consult: {no_answer: 5s}, blind: {no_answer: 5s}}"})
		c, a, target := w.consulting("2100", sim.StateRinging)
		a.Hangup()
		w.ended(a, target)
		back := w.recalled(a)
		w.hears(c, "agent", back, "customer")
		c.Hangup()
		w.ended(c, back)
	})
	for cell, number := range map[string]string{"target_busy": "2101", "target_rejects": "2102"} {
		t.Run(cell, func(t *testing.T) {
			w := newWorld(t, setup{})
			c, a, target := w.consulting(number)
			w.ended(target)
			w.hears(a, "customer", c, "agent")
			c.Hangup()
			w.ended(c, a)
			w.whole(c, a)
		})
	}
	t.Run("target_no_answer", func(t *testing.T) {
		w := newWorld(t, setup{extra: "calls: {consult: {no_answer: 5s}}"})
		c, a, target := w.consulting("2100", sim.StateRinging)
		w.ended(target)
		w.hears(a, "customer", c, "agent")
		c.Hangup()
		w.ended(c, a)
	})
	t.Run("target_busy_return_manual", func(t *testing.T) {
		w := newWorld(t, setup{extra: "calls: {consult: {return: manual}}"})
		c, a, target := w.consulting("2101")
		w.ended(target)
		w.hears(c, "music")
		w.until("the consult call is over", func() bool { return len(w.snapshot().Calls) == 1 })
		w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
		w.hears(a, "customer", c, "agent")
		c.Hangup()
		w.ended(c, a)
	})
	t.Run("cancel", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2100", sim.StateRinging)
		w.do(callcontrol.Command{Kind: callcontrol.KindCancel})
		w.ended(target)
		w.hears(a, "customer", c, "agent")
		c.Hangup()
		w.ended(c, a)
	})
}

func TestConsultOutcomesTalking(t *testing.T) {
	t.Run("customer_hangs_up", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2001", sim.StateTalking)
		c.Hangup()
		w.ended(c)
		w.hears(a, "target", target, "agent")
		target.Hangup()
		w.ended(target, a)
	})
	t.Run("agent_hangs_up", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2001", sim.StateTalking)
		w.device()
		a.Hangup()
		w.hears(c, "target", target, "customer")
		c.Hangup()
		w.ended(c, target, a)
	})
	t.Run("target_hangs_up", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2001", sim.StateTalking)
		target.Hangup()
		w.ended(target)
		w.hears(a, "customer", c, "agent")
		c.Hangup()
		w.ended(c, a)
	})
	t.Run("cancel", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a, target := w.consulting("2001", sim.StateTalking)
		w.do(callcontrol.Command{Kind: callcontrol.KindCancel})
		w.ended(target)
		w.hears(a, "customer", c, "agent")
		c.Hangup()
		w.ended(c, a)
	})
}

func TestConsultOutcomesConference(t *testing.T) {
	conference := func(t *testing.T) (w *world, c, a, target *sim.Party) {
		w = newWorld(t, setup{})
		c, a, target = w.consulting("2001", sim.StateTalking)
		w.do(callcontrol.Command{Kind: callcontrol.KindConference})
		return w, c, a, target
	}
	t.Run("customer_hangs_up", func(t *testing.T) {
		w, c, a, target := conference(t)
		c.Hangup()
		w.ended(c)
		w.hears(a, "target", target, "agent")
		a.Hangup()
		w.ended(target, a)
	})
	t.Run("agent_hangs_up", func(t *testing.T) {
		w, c, a, target := conference(t)
		a.Hangup()
		w.hears(c, "target", target, "customer")
		target.Hangup()
		w.ended(c, target, a)
	})
	t.Run("target_hangs_up", func(t *testing.T) {
		w, c, a, target := conference(t)
		target.Hangup()
		w.ended(target)
		w.hears(a, "customer", c, "agent")
		a.Hangup()
		w.ended(c, a)
	})
}

// recalled is the agent's side of a recall: the phone rings again, and is answered by command unless it did so itself.
func (w *world) recalled(before *sim.Party) *sim.Party {
	w.t.Helper()
	w.until("the agent is called back", func() bool {
		p, err := w.phones[0].Last()
		return err == nil && p != before && (p.State() == sim.StateRinging || p.State() == sim.StateTalking)
	})
	if p, err := w.phones[0].Last(); err == nil && p.State() == sim.StateRinging {
		w.phase(callcontrol.PhaseRecall, 1)
		w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	}
	return w.device()
}

func TestBlindOutcomes(t *testing.T) {
	var first *sim.Party // the agent's side before the transfer
	blind := func(t *testing.T, s setup, number string) (w *world, c, target *sim.Party) {
		w = newWorld(t, s)
		c, a := w.talk()
		first = a
		w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: callcontrol.Number(number)})
		w.ended(a)
		return w, c, w.called(number)
	}
	t.Run("target_answers", func(t *testing.T) {
		w, c, target := blind(t, setup{}, "2001")
		w.must(target.Wait(w.ctx, sim.StateTalking))
		w.hears(c, "target", target, "customer")
		w.free()
		c.Hangup()
		w.ended(c, target)
		w.whole(c, target)
	})
	t.Run("customer_hangs_up", func(t *testing.T) {
		w, c, target := blind(t, setup{}, "2100")
		w.must(target.Wait(w.ctx, sim.StateRinging))
		w.hears(c, "ring_back")
		c.Hangup()
		w.ended(c, target)
	})
	for cell, number := range map[string]string{"target_busy": "2101", "target_rejects": "2102", "target_no_answer": "2100"} {
		t.Run(cell, func(t *testing.T) {
			w, c, target := blind(t, setup{extra: "calls: {blind: {no_answer: 5s}}"}, number)
			w.ended(target)
			back := w.recalled(first)
			w.hears(c, "agent", back, "customer")
			c.Hangup()
			w.ended(c, back)
		})
	}
	t.Run("recall_unanswered", func(t *testing.T) {
		w, c, target := blind(t, setup{extra: "calls: {blind: {no_answer: 5s, recall_no_answer: 5s}}"}, "2101")
		w.ended(target)
		w.ended(c)
	})
}
