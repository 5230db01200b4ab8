package daemon

import (
	"slices"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

// refers asks for a blind transfer; the customer's peer answers the REFER by f, or as a PBX that succeeds.
func (w *cellWorld) refers(f func(sipua.ReferRequested)) *cellWorld {
	w.t.Helper()
	w.talk()
	if f != nil {
		w.c.OnRefer(f)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: "2001"})
	w.until("the peer is asked", func() bool { return w.c.Referred().Target == "2001" })
	return w
}

// refersConsult completes a consult by REFER.
func (w *cellWorld) refersConsult(f func(sipua.ReferRequested)) *cellWorld {
	w.t.Helper()
	w.talk().consult("2001", sim.StateTalking)
	if f != nil {
		w.c.OnRefer(f)
	}
	w.cmd(callcontrol.KindComplete)
	w.until("the peer is asked", func() bool { return w.c.Referred().Target == "2001" })
	if got, want := w.c.Referred().Replaces, w.target.Dialog(); got == nil || got.CallID != want.CallID {
		w.t.Errorf("asked to replace %+v, want %+v", got, want)
	}
	return w
}

// silent leaves a REFER without answer.
func (w *cellWorld) silent() func(sipua.ReferRequested) {
	w.mute = true
	return func(sipua.ReferRequested) {}
}

func accepts(e sipua.ReferRequested)      { e.Accept() }
func refusesRefer(e sipua.ReferRequested) { e.Reject(403) }

// TestReferCells is the section of docs/outcomes.md about transfers by REFER.
func TestReferCells(t *testing.T) {
	s := setup{trunk: "transfer: refer"}
	back := func(w *cellWorld) { // the customer is the agent's again
		w.transfer(callcontrol.TransferFailed)
		w.hears(w.c, "agent", w.a, "customer")
		w.over(w.c)
		w.ended(w.a)
	}
	runSIPCells(t, "TestReferOutcomes", []sipCell{
		{id: "blind/asked", s: s, run: func(w *cellWorld) {
			w.refers(w.silent())
			w.hears(w.c, "music", w.a, "")
			w.transfer(callcontrol.TransferReferring)
			w.over(w.c)
			w.ended(w.a)
		}},
		{id: "blind/done", s: s, run: func(w *cellWorld) {
			w.refers(nil)
			w.ended(w.c, w.a)
			w.transfer(callcontrol.TransferCompleted)
			w.free()
		}},
		{id: "blind/peer_leaves", s: s, run: func(w *cellWorld) {
			w.refers(func(e sipua.ReferRequested) { e.Accept(); w.c.Hangup() })
			w.ended(w.c, w.a)
			w.transfer(callcontrol.TransferCompleted)
		}},
		{id: "blind/customer", s: s, run: func(w *cellWorld) {
			w.refers(w.silent()).c.Hangup()
			w.ended(w.c, w.a)
			w.transfer(callcontrol.TransferCancelled)
		}},
		{id: "blind/refused", s: s, run: func(w *cellWorld) { back(w.refers(refusesRefer)) }},
		{id: "blind/target_busy", s: s, run: func(w *cellWorld) {
			back(w.refers(func(e sipua.ReferRequested) { e.Accept(); e.Notify(486) }))
		}},
		{id: "blind/no_result", s: s, tune: func(c *callcontrol.DeskConfig) { c.ReferTimeout = time.Second },
			run: func(w *cellWorld) { back(w.refers(accepts)) }},
		{id: "blind/agent_leaves_then_fails", s: s, run: func(w *cellWorld) {
			asked := make(chan sipua.ReferRequested, 1)
			w.refers(func(e sipua.ReferRequested) { e.Accept(); asked <- e })
			w.a.Hangup()
			w.free()
			(<-asked).Notify(486)
			again := w.phone(2)
			w.hears(w.c, "ring_back")
			w.transfer(callcontrol.TransferRecalling)
			again.Answer()
			w.hears(w.c, "agent", again, "customer")
			w.over(w.c)
			w.ended(again)
		}},
		{id: "consult/asked", s: s, run: func(w *cellWorld) {
			w.refersConsult(w.silent())
			w.hears(w.c, "music", w.target, "music", w.a, "")
			w.transfer(callcontrol.TransferReferring)
			w.over(w.c, w.target)
			w.ended(w.a)
		}},
		{id: "consult/done", s: s, run: func(w *cellWorld) {
			w.refersConsult(nil)
			w.ended(w.c, w.a, w.target)
			w.transfer(callcontrol.TransferCompleted)
			w.free()
		}},
		{id: "consult/target_replaced_first", s: s, run: func(w *cellWorld) {
			w.refersConsult(func(e sipua.ReferRequested) { e.Accept(); w.target.Hangup(); e.Notify(200) })
			w.ended(w.c, w.a, w.target)
			w.transfer(callcontrol.TransferCompleted)
			w.free()
		}},
		{id: "consult/refused", s: s, run: func(w *cellWorld) {
			w.refersConsult(refusesRefer)
			w.hears(w.c, "agent", w.a, "customer", w.target, "music")
			w.transfer(callcontrol.TransferTalking)
			w.over(w.target, w.c)
			w.ended(w.a)
		}},
		{id: "consult/customer", s: s, run: func(w *cellWorld) {
			w.over(w.refersConsult(w.silent()).c)
			w.hears(w.a, "target", w.target, "agent")
			w.transfer(callcontrol.TransferCancelled)
			w.over(w.target)
			w.ended(w.a)
		}},
		{id: "consult/phone_then_refused", s: s, run: func(w *cellWorld) {
			w.talk().consult("2001", sim.StateTalking).c.OnRefer(refusesRefer)
			w.over(w.a)
			w.transfer(callcontrol.TransferCompleted)
			w.hears(w.c, "target", w.target, "customer")
			w.free()
			w.over(w.c)
			w.ended(w.target)
		}},
	})
}

// TestReferredCells is the section of docs/outcomes.md about a REFER from the peer.
func TestReferredCells(t *testing.T) {
	on := setup{trunk: "refer_allowed: true", plan: map[string]sim.Behaviour{
		"2006": {Ring: time.Second, Status: 486}, "2007": {Silent: true, Early: true, Source: voice("target")},
	}}
	asks := func(w *cellWorld, number string) *cellWorld {
		w.t.Helper()
		w.talk().c.Refer(number, "127.0.0.1")
		w.target = w.called(number)
		w.phaseSome(callcontrol.PhaseReferred)
		return w
	}
	told := func(w *cellWorld, status int) {
		w.t.Helper()
		w.until("the peer is told", func() bool { return slices.Contains(w.c.ReferTold(), status) })
	}
	unchanged := func(w *cellWorld, status int) {
		w.t.Helper()
		told(w, status)
		w.hears(w.c, "agent", w.a, "customer")
		w.over(w.c)
		w.ended(w.a)
	}
	refused := func(status int) func(*cellWorld) {
		return func(w *cellWorld) {
			w.talk().c.Refer("2001", "127.0.0.1")
			unchanged(w, status)
			if n := w.pbx.Calls("2001"); n != 0 {
				w.t.Errorf("2001 was called %d times", n)
			}
		}
	}
	runSIPCells(t, "TestReferredOutcomes", []sipCell{
		{id: "off", run: refused(603)},
		{id: "policy", s: setup{trunk: `refer_allowed: true, dial: {allow: ["1xxx"]}`}, run: refused(403)},
		{id: "in_consult", s: on, run: func(w *cellWorld) {
			w.talk().consult("2001", sim.StateTalking).c.Refer("2002", "127.0.0.1")
			told(w, 603)
			w.hears(w.a, "target", w.target, "agent", w.c, "music")
			w.over(w.target, w.c)
			w.ended(w.a)
		}},
		{id: "asked", s: on, run: func(w *cellWorld) {
			asks(w, "2100")
			told(w, 202)
			w.hears(w.a, "ring_back", w.c, "music")
			w.cmd(callcontrol.KindHangup)
			w.ended(w.c, w.a, w.target)
		}},
		{id: "early_media", s: on, run: func(w *cellWorld) {
			asks(w, "2007")
			w.hears(w.a, "target", w.c, "music", w.target, "")
			w.transfer(callcontrol.TransferAlerting)
			w.cmd(callcontrol.KindHangup)
			w.ended(w.c, w.a, w.target)
		}},
		{id: "answered", s: on, run: func(w *cellWorld) {
			w.talk()
			call := w.snapshot().Calls[0].ID
			w.c.Refer("2001", "127.0.0.1")
			w.target = w.called("2001", sim.StateTalking)
			w.ended(w.c)
			told(w, 200)
			w.hears(w.a, "target", w.target, "agent")
			w.transfer(callcontrol.TransferCompleted)
			if s := w.snapshot(); len(s.Calls) != 1 || s.Calls[0].ID != call {
				w.t.Errorf("calls %+v, want %s alone", s.Calls, call)
			}
			w.over(w.a)
			w.ended(w.target)
		}},
		{id: "busy", s: on, run: func(w *cellWorld) {
			asks(w, "2006")
			w.transfer(callcontrol.TransferFailed)
			unchanged(w, 486)
		}},
		{id: "no_answer", s: on, tune: func(c *callcontrol.DeskConfig) { c.BlindNoAnswer = time.Second }, run: func(w *cellWorld) {
			asks(w, "2100")
			w.ended(w.target)
			w.transfer(callcontrol.TransferFailed)
			unchanged(w, 480)
		}},
		{id: "peer_leaves", s: on, run: func(w *cellWorld) {
			w.over(asks(w, "2100").c)
			w.hears(w.a, "ring_back")
			w.phaseSome(callcontrol.PhaseDialling)
			w.transfer(callcontrol.TransferCompleted)
			w.target.Answer()
			w.hears(w.a, "target", w.target, "agent")
			w.over(w.a)
			w.ended(w.target)
		}},
		{id: "peer_replaced_then_answered", s: on, run: func(w *cellWorld) {
			asks(w, "2100")
			other, err := w.pbx.Replace(w.c, sipua.Identity{Number: "380671112233"}, user(0), voice("other")())
			w.must(err)
			w.must(other.Wait(w.ctx, sim.StateTalking))
			w.ended(w.c)
			w.hears(other, "music", w.a, "ring_back")
			w.target.Answer()
			w.ended(other)
			w.transfer(callcontrol.TransferCompleted)
			w.hears(w.a, "target", w.target, "agent")
			w.over(w.a)
			w.ended(w.target)
		}},
		{id: "agent", s: on, run: func(w *cellWorld) {
			asks(w, "2100").cmd(callcontrol.KindHangup)
			w.ended(w.c, w.a, w.target)
			w.transfer(callcontrol.TransferCancelled)
		}},
		{id: "phone", s: on, run: func(w *cellWorld) {
			asks(w, "2100").a.Hangup()
			w.ended(w.c, w.a, w.target)
			w.transfer(callcontrol.TransferCancelled)
		}},
	})
}
