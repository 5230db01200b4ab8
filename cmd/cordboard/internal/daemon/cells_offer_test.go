package daemon

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/mediamix"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// rings is a call that is offered, and the phone that rings for it.
func (w *cellWorld) rings() *cellWorld {
	w.t.Helper()
	w.c = w.call()
	w.a = w.phone(1)
	return w
}

// TestRingNoAnswerCells is the section of docs/outcomes.md about offers that nobody takes.
func TestRingNoAnswerCells(t *testing.T) {
	short := func(c *callcontrol.DeskConfig) { c.RingNoAnswer = time.Second }
	pause := func(c *callcontrol.DeskConfig) { short(c); c.RingNoAnswerThen = callcontrol.NoAnswerPause }
	declined := func(status int) func(*cellWorld) {
		return func(w *cellWorld) {
			w.rings().a.Reject(status)
			w.refused(w.c, status)
			w.free()
		}
	}
	fails := func(w *cellWorld) {
		w.rings().a.Reject(500)
		w.ended(w.a)
		w.until("the phone's leg is gone", func() bool { return w.snapshot().Agents[0].Device.Leg == "" })
		w.phase(callcontrol.PhaseOffered, 1)
	}
	answering := func(w *cellWorld) *sim.Party {
		w.cmd(callcontrol.KindAnswer)
		return w.phone(2)
	}
	runSIPCells(t, "TestRingNoAnswerOutcomes", []sipCell{
		{id: "release", tune: short, run: func(w *cellWorld) {
			w.refused(w.rings().c, 480)
			w.ended(w.a)
			w.free()
		}},
		{id: "pause", tune: pause, run: func(w *cellWorld) {
			w.refused(w.rings().c, 480)
			w.ended(w.a)
			w.until("the agent is on pause", func() bool { return w.snapshot().Agents[0].Status == callcontrol.StatusPause })
		}},
		{id: "customer", run: func(w *cellWorld) {
			w.over(w.rings().c)
			w.ended(w.a)
			w.free()
		}},
		{id: "controller_rejects", run: func(w *cellWorld) {
			w.rings().cmd(callcontrol.KindReject)
			w.refused(w.c, 603)
			w.ended(w.a)
		}},
		{id: "phone_busy", run: declined(486)},
		{id: "phone_declines", run: declined(603)},
		{id: "phone_fails", run: func(w *cellWorld) {
			fails(w)
			if w.c.State() != sim.StateRinging {
				w.t.Errorf("the customer's call is %s", w.c.State())
			}
			w.over(w.c)
		}},
		{id: "phone_fails_then_answer", run: func(w *cellWorld) {
			fails(w)
			a := answering(w)
			if len(a.Headers()) == 0 {
				w.t.Error("the phone is not asked to answer by itself")
			}
			w.pickUp(a)
			w.hears(w.c, "agent", a, "customer")
			w.over(w.c)
			w.ended(a)
		}},
		{id: "answer_device_fails", run: func(w *cellWorld) {
			w.rings()
			answering(w).Reject(486)
			w.refused(w.c, 480)
			w.free()
		}},
		{id: "answer_customer_gone", run: func(w *cellWorld) {
			w.rings()
			a := answering(w)
			w.over(w.c)
			w.ended(a)
			w.free()
		}},
	})
}

// second lets another customer call the agent in a talk; it is offered.
func (w *cellWorld) second() *cellWorld {
	w.t.Helper()
	w.talk()
	w.target = w.another()
	w.must(w.target.Wait(w.ctx, sim.StateRinging))
	w.phaseSome(callcontrol.PhaseOffered)
	return w
}

func (w *cellWorld) another() *sim.Party {
	w.t.Helper()
	p, err := w.pbx.Call(sipua.Identity{Number: "380671112233"}, user(0), voice("other")())
	w.must(err)
	return p
}

// in is the call that is in a phase.
func (w *cellWorld) in(p callcontrol.Phase) callcontrol.CallID {
	w.t.Helper()
	w.phaseSome(p)
	calls := w.snapshot().Calls
	i := slices.IndexFunc(calls, func(c callcontrol.CallView) bool { return c.Phase == p })
	if i < 0 {
		w.t.Fatalf("no call is %s\n%s", p, w.describe())
	}
	return calls[i].ID
}

// takes answers the second call.
func (w *cellWorld) takes() *cellWorld {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Call: w.in(callcontrol.PhaseOffered)})
	w.must(w.target.Wait(w.ctx, sim.StateTalking))
	w.phaseSome(callcontrol.PhaseTalking)
	return w
}

// TestCallWaitingCells is the section of docs/outcomes.md about a second incoming call.
func TestCallWaitingCells(t *testing.T) {
	s := setup{agent: "call_waiting: wait"}
	goesOn := func(w *cellWorld) {
		w.ended(w.target)
		w.hears(w.c, "agent", w.a, "customer")
		w.over(w.c)
		w.ended(w.a)
	}
	ringsForSecond := func(w *cellWorld) { // the first is over
		w.ended(w.c, w.a)
		a := w.phone(2)
		w.must(a.Wait(w.ctx, sim.StateRinging))
		w.phase(callcontrol.PhaseOffered, 1)
		w.over(w.target)
		w.ended(a)
	}
	runSIPCells(t, "TestCallWaitingOutcomes", []sipCell{
		{id: "busy", run: func(w *cellWorld) {
			w.target = w.talk().another()
			w.refused(w.target, 486)
			goesOn(w)
		}},
		{id: "busy/while_ringing", run: func(w *cellWorld) {
			w.refused(w.rings().another(), 486)
			w.phase(callcontrol.PhaseOffered, 1)
			w.over(w.c)
			w.ended(w.a)
		}},
		{id: "wait", s: s, run: func(w *cellWorld) {
			w.second()
			w.until("the agent hears the call-waiting tone over the talk", func() bool {
				pcm := w.a.Sound.Heard()
				for i := 0; i+1600 <= len(pcm); i += 800 {
					if len(mediamix.Heard(pcm[i:i+1600], []float64{440, 1000}, -45)) == 2 {
						return true
					}
				}
				return false
			})
			w.hears(w.c, "agent")
			w.over(w.target, w.c)
			w.ended(w.a)
		}},
		{id: "wait/answer", s: s, run: func(w *cellWorld) {
			w.second().takes()
			w.hears(w.target, "agent", w.c, "music", w.a, "other")
			w.over(w.target, w.c)
			w.ended(w.a)
		}},
		{id: "wait/swap_back", s: s, run: func(w *cellWorld) {
			w.second().takes().cmd(callcontrol.KindSwap)
			w.hears(w.c, "agent", w.target, "music", w.a, "customer")
			w.over(w.target, w.c)
			w.ended(w.a)
		}},
		{id: "wait/talk_ends_other_held", s: s, run: func(w *cellWorld) {
			w.over(w.second().takes().target)
			w.hears(w.c, "music", w.a, "")
			w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve, Call: w.in(callcontrol.PhaseHeld)})
			w.hears(w.c, "agent", w.a, "customer")
			w.over(w.c)
			w.ended(w.a)
		}},
		{id: "wait/phone_leaves_other_held", s: s, run: func(w *cellWorld) {
			w.over(w.second().takes().a)
			w.ended(w.target)
			a := w.phone(2)
			w.hears(w.c, "ring_back")
			w.phase(callcontrol.PhaseRecall, 1)
			w.pickUp(a)
			w.hears(w.c, "agent", a, "customer")
			w.over(w.c)
			w.ended(a)
		}},
		{id: "wait/reject", s: s, run: func(w *cellWorld) {
			w.second()
			w.do(callcontrol.Command{Kind: callcontrol.KindReject, Call: w.in(callcontrol.PhaseOffered)})
			w.refused(w.target, 603)
			goesOn(w)
		}},
		{id: "wait/no_answer", s: s, tune: func(c *callcontrol.DeskConfig) { c.RingNoAnswer = 2 * time.Second }, run: func(w *cellWorld) {
			w.second()
			w.refused(w.target, 480)
			goesOn(w)
		}},
		{id: "wait/second_gives_up", s: s, run: func(w *cellWorld) {
			w.over(w.second().target)
			goesOn(w)
		}},
		{id: "wait/first_hangs_up", s: s, run: func(w *cellWorld) {
			w.second().c.Hangup()
			ringsForSecond(w)
		}},
		{id: "wait/agent_hangs_up_first", s: s, run: func(w *cellWorld) {
			w.second().a.Hangup()
			ringsForSecond(w)
		}},
		{id: "wait/third", s: s, run: func(w *cellWorld) {
			w.second()
			third := w.another()
			w.must(third.Wait(w.ctx, sim.StateRinging))
			w.phase(callcontrol.PhaseOffered, 2)
			w.refused(w.another(), 486)
			w.over(third, w.target, w.c)
			w.ended(w.a)
		}},
	})
}

// TestDialWhileRingingCells is the section of docs/outcomes.md about an agent who dials while a call rings. Commands come over
// the control socket.
func TestDialWhileRingingCells(t *testing.T) {
	dial := func(w *cellWorld) error {
		client, err := control.Dial(filepath.Join(w.dir, "c.sock"))
		w.must(err)
		defer client.Close()
		_, err = client.Do(w.ctx, callcontrol.Command{Kind: callcontrol.KindDial, Agent: anna, Number: "2001"})
		return err
	}
	refused := func(w *cellWorld, state callcontrol.Phase) {
		w.t.Helper()
		var r *callcontrol.Refusal
		err := dial(w)
		if !errors.As(err, &r) || r.Code != callcontrol.CodeNotAllowedInState || r.State != string(state) || !strings.Contains(r.Message, "answer or reject it first") {
			w.t.Errorf("dial while a call is %s: %v", state, err)
		}
		if n := w.pbx.Calls("2001"); n != 0 {
			w.t.Errorf("the number was called %d times", n)
		}
	}
	phoneDials := func(w *cellWorld) {
		w.t.Helper()
		p, err := w.phones[0].Dial("2001")
		w.must(err)
		w.refused(p, 486)
		if n := w.pbx.Calls("2001"); n != 0 {
			w.t.Errorf("the number was called %d times", n)
		}
	}
	ringsOn := func(w *cellWorld) {
		w.t.Helper()
		w.must(w.a.Wait(w.ctx, sim.StateRinging))
		w.pickUp(w.a)
		w.hears(w.c, "agent", w.a, "customer")
		w.over(w.c)
		w.ended(w.a)
	}
	runSIPCells(t, "TestDialWhileRingingOutcomes", []sipCell{
		{id: "dial", run: func(w *cellWorld) {
			refused(w.rings(), callcontrol.PhaseOffered)
			ringsOn(w)
		}},
		{id: "dial/recall", run: func(w *cellWorld) {
			refused(w.busy(), callcontrol.PhaseRecall)
			ringsOn(w)
		}},
		{id: "dial/then_reject", run: func(w *cellWorld) {
			w.rings().cmd(callcontrol.KindReject)
			w.ended(w.c, w.a)
			w.must(dial(w))
			w.a = w.phone(2)
			w.a.Answer()
			w.target = w.called("2001", sim.StateTalking)
			w.hears(w.a, "target")
			w.over(w.a)
			w.ended(w.target)
		}},
		{id: "phone", run: func(w *cellWorld) {
			phoneDials(w.rings())
			ringsOn(w)
		}},
		{id: "phone/after_failure", run: func(w *cellWorld) {
			w.rings().a.Reject(500)
			w.ended(w.a)
			w.until("the phone's leg is gone", func() bool { return w.snapshot().Agents[0].Device.Leg == "" })
			phoneDials(w)
			w.phase(callcontrol.PhaseOffered, 1)
			w.over(w.c)
			w.free()
		}},
	})
}
