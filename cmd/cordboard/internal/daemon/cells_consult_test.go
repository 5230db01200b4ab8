package daemon

import (
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// on gives a command for the call that is in a phase; leg is one of its legs, or empty.
func (w *cellWorld) on(p callcontrol.Phase, k callcontrol.Kind, leg callcontrol.LegID) {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: k, Call: w.in(p), Leg: leg})
}

// farLeg is the newest leg of a call that is not the device's.
func (w *cellWorld) farLeg(p callcontrol.Phase) (id callcontrol.LegID) {
	w.t.Helper()
	call := w.in(p)
	for _, c := range w.snapshot().Calls {
		for _, l := range c.Legs {
			if c.ID == call && l.Role != callcontrol.RoleDevice {
				id = l.ID
			}
		}
	}
	return id
}

// off switches the agent's phone off; it says good-bye to the daemon's registrar.
func (w *cellWorld) off() {
	w.t.Helper()
	w.stops[2]()
	w.stops[2] = func() {}
	w.until("the phone is not reachable", func() bool { return !w.snapshot().Agents[0].Device.Reachable })
}

// slow is a number that does not alert for long.
var slow = map[string]sim.Behaviour{"2008": {Trying: time.Minute, Source: voice("target")}}

// dialled: the agent has asked for a consult, and the target does not alert yet.
func (w *cellWorld) dialled() *cellWorld {
	w.t.Helper()
	w.talk().consult("2008", sim.StateRinging).transfer(callcontrol.TransferDialling)
	return w
}

func (w *cellWorld) alerting() *cellWorld {
	w.t.Helper()
	w.talk().consult("2100", sim.StateRinging).transfer(callcontrol.TransferAlerting)
	return w
}

func (w *cellWorld) consulted() *cellWorld { return w.talk().consult("2001", sim.StateTalking) }

func (w *cellWorld) swapped() *cellWorld {
	w.t.Helper()
	w.consulted().cmd(callcontrol.KindSwap)
	w.hears(w.c, "agent", w.target, "music", w.a, "customer")
	return w
}

func (w *cellWorld) conferred() *cellWorld {
	w.t.Helper()
	w.consulted().cmd(callcontrol.KindConference)
	w.phaseSome(callcontrol.PhaseConference)
	return w
}

// goesOn checks that the agent talks with a party alone, and ends that.
func (w *cellWorld) goesOn(p *sim.Party, voice string, status callcontrol.TransferStatus) {
	w.t.Helper()
	w.transfer(status)
	w.hears(w.a, voice, p, "agent")
	w.over(p)
	w.ended(w.a)
	w.free()
	w.whole(w.a, p)
}

// back: the target is out, agent and customer talk.
func (w *cellWorld) back(status callcontrol.TransferStatus) {
	w.t.Helper()
	w.ended(w.target)
	w.goesOn(w.c, "customer", status)
}

// waits: the target is out, the customer waits; the agent hears a tone, or nothing.
func (w *cellWorld) waits(tone string, status callcontrol.TransferStatus) {
	w.t.Helper()
	w.ended(w.target)
	w.transfer(status)
	w.hears(w.a, tone, w.c, "music")
}

// inProgress: the agent has left, the target alerts on for the customer.
func (w *cellWorld) inProgress(hears string, status callcontrol.TransferStatus) {
	w.t.Helper()
	w.ended(w.a)
	w.free()
	w.hears(w.c, hears)
	w.transfer(status)
	w.over(w.c)
	w.ended(w.target)
}

// done: customer and target talk without the agent.
func (w *cellWorld) done() {
	w.t.Helper()
	w.ended(w.a)
	w.free()
	w.transfer(callcontrol.TransferCompleted)
	w.hears(w.c, "target", w.target, "customer")
	w.over(w.c)
	w.ended(w.target)
	w.whole(w.c, w.target)
}

// cancelled: everything has ended.
func (w *cellWorld) cancelled() {
	w.t.Helper()
	w.ended(w.c, w.a, w.target)
	w.transfer(callcontrol.TransferCancelled)
	w.free()
}

// told: the customer hears by the tone why nobody is there.
func (w *cellWorld) told() {
	w.t.Helper()
	w.hears(w.c, "busy")
	w.transfer(callcontrol.TransferFailed)
	w.over(w.c)
}

// TestConsultCells is the section of docs/outcomes.md about consult transfers.
func TestConsultCells(t *testing.T) {
	const (
		hangup, complete, cancel, retrieve = callcontrol.KindHangup, callcontrol.KindComplete, callcontrol.KindCancel, callcontrol.KindRetrieve

		held, dialling, failed = callcontrol.PhaseHeld, callcontrol.PhaseDialling, callcontrol.TransferFailed
	)
	manual := func(c *callcontrol.DeskConfig) { c.ConsultReturn, c.Tone = callcontrol.ReturnManual, time.Minute }
	shortTone := func(c *callcontrol.DeskConfig) { manual(c); c.Tone = time.Second }
	longTone := func(c *callcontrol.DeskConfig) { c.Tone = time.Minute }
	short := func(c *callcontrol.DeskConfig) { c.ConsultNoAnswer, c.BlindNoAnswer = time.Second, 2*time.Second }
	shortManual := func(c *callcontrol.DeskConfig) { manual(c); short(c) }
	cells := []sipCell{
		{id: "dialling/customer", s: setup{plan: slow}, run: func(w *cellWorld) { w.over(w.dialled().c); w.cancelled() }},
		{id: "alerting/customer", run: func(w *cellWorld) {
			w.alerting()
			w.hears(w.a, "ring_back", w.c, "music")
			w.over(w.c)
			w.cancelled()
		}},
		{id: "dialling/agent", s: setup{plan: slow}, run: func(w *cellWorld) {
			w.dialled().on(held, hangup, "")
			w.inProgress("music", callcontrol.TransferDialling)
		}},
		{id: "alerting/agent_early_media", run: func(w *cellWorld) {
			w.alerting().target.Ring(true)
			w.hears(w.a, "target", w.c, "music")
			w.a.Hangup()
			w.inProgress("target", callcontrol.TransferAlerting)
		}},
		{id: "alerting/agent_then_answer", run: func(w *cellWorld) {
			w.over(w.alerting().a)
			w.target.Answer()
			w.done()
		}},
		{id: "alerting/agent_then_no_answer", tune: short, run: func(w *cellWorld) {
			w.talk().consult("2100", sim.StateRinging).a.Hangup()
			w.ended(w.a, w.target)
			w.a = w.phone(2)
			w.transfer(callcontrol.TransferRecalling)
			w.hears(w.c, "ring_back")
			w.pickUp(w.a)
			w.goesOn(w.c, "customer", failed)
		}},
		{id: "alerting/agent_then_unreachable", tune: longTone, run: func(w *cellWorld) {
			w.over(w.alerting().a)
			w.off()
			w.target.Reject(486)
			w.told()
			w.free()
		}},
		{id: "alerting/cancel", run: func(w *cellWorld) {
			w.alerting().on(dialling, cancel, "")
			w.back(callcontrol.TransferCancelled)
		}},
		{id: "alerting/hangup_target", run: func(w *cellWorld) {
			w.alerting().on(dialling, hangup, w.farLeg(dialling))
			w.back(callcontrol.TransferCancelled)
		}},
		{id: "alerting/no_answer_auto", tune: short, run: func(w *cellWorld) {
			w.talk().consult("2100", sim.StateRinging).back(failed)
		}},
		{id: "alerting/busy_manual", tune: manual, run: func(w *cellWorld) {
			w.alerting().target.Reject(486)
			w.waits("busy", failed)
			w.over(w.a) // the customer is not left alone
			w.a = w.phone(2)
			w.pickUp(w.a)
			w.goesOn(w.c, "customer", failed)
		}},
		{id: "alerting/no_answer_manual", tune: shortManual, run: func(w *cellWorld) {
			w.talk().consult("2100", sim.StateRinging).waits("busy", failed)
			w.on(held, retrieve, "")
			w.back(failed)
		}},
		{id: "alerting/rejects_manual", tune: manual, run: func(w *cellWorld) {
			w.alerting().target.Reject(603)
			w.waits("busy", failed)
			w.on(held, retrieve, "")
			w.back(failed)
		}},
		{id: "alerting/busy_manual_then_retrieve", tune: manual, run: func(w *cellWorld) {
			w.alerting().target.Reject(486)
			w.phaseSome(callcontrol.PhaseTone)
			w.on(held, retrieve, "")
			w.back(failed)
		}},
		{id: "alerting/busy_manual_tone_over", tune: shortTone, run: func(w *cellWorld) {
			w.alerting().target.Reject(486)
			w.waits("", failed)
			w.until("the consult call is over", func() bool { return len(w.snapshot().Calls) == 1 })
			w.on(held, retrieve, "")
			w.back(failed)
		}},
		{id: "dialling/busy_auto", s: setup{plan: slow}, run: func(w *cellWorld) { w.dialled().target.Reject(486); w.back(failed) }},
		{id: "alerting/busy_auto", run: func(w *cellWorld) { w.alerting().target.Reject(486); w.back(failed) }},
		{id: "alerting/rejects_auto", run: func(w *cellWorld) { w.alerting().target.Reject(603); w.back(failed) }},

		{id: "talking/target_auto", run: func(w *cellWorld) {
			w.consulted().hears(w.a, "target", w.c, "music", w.target, "agent")
			w.over(w.target)
			w.back(failed)
		}},
		{id: "talking/target_manual", tune: manual, run: func(w *cellWorld) {
			w.over(w.consulted().target)
			w.waits("", failed)
			w.on(held, retrieve, "")
			w.back(failed)
		}},
		{id: "swapped/target", tune: manual, run: func(w *cellWorld) { w.over(w.swapped().target); w.back(failed) }},
		{id: "talking/cancel_auto", run: func(w *cellWorld) { w.consulted().cmd(cancel); w.back(callcontrol.TransferCancelled) }},
		{id: "talking/cancel_manual", tune: manual, run: func(w *cellWorld) {
			w.consulted().cmd(cancel)
			w.waits("", callcontrol.TransferCancelled)
			w.on(held, retrieve, "")
			w.back(callcontrol.TransferCancelled)
		}},
		{id: "talking/retrieve_is_swap", run: func(w *cellWorld) {
			w.consulted().on(held, retrieve, "")
			w.hears(w.a, "customer", w.c, "agent", w.target, "music")
			w.transfer(callcontrol.TransferTalking)
			w.over(w.target)
			w.back(failed)
		}},

		{id: "conference/target", run: func(w *cellWorld) {
			w.conferred().hears(w.a, "customer+target", w.c, "agent+target", w.target, "agent+customer")
			w.over(w.target)
			w.back(failed)
		}},
		{id: "conference/hangup_target", run: func(w *cellWorld) {
			w.conferred().on(callcontrol.PhaseConference, hangup, w.farLeg(callcontrol.PhaseConference))
			w.back(failed)
		}},
		{id: "conference/cancel", run: func(w *cellWorld) { w.conferred().cmd(cancel); w.back(failed) }},
	}
	for id, leave := range map[string]func(*cellWorld){
		"agent":              func(w *cellWorld) { w.on(held, hangup, "") },
		"agent_consult_call": func(w *cellWorld) { w.on(dialling, hangup, "") },
		"phone":              func(w *cellWorld) { w.a.Hangup() },
		"complete":           func(w *cellWorld) { w.cmd(complete) },
	} {
		cells = append(cells, sipCell{id: "alerting/" + id, run: func(w *cellWorld) {
			leave(w.alerting())
			w.inProgress("ring_back", callcontrol.TransferAlerting)
		}})
	}
	for phase, from := range map[string]func(*cellWorld) *cellWorld{
		"talking": (*cellWorld).consulted, "swapped": (*cellWorld).swapped, "conference": (*cellWorld).conferred,
	} {
		cells = append(cells,
			sipCell{id: phase + "/agent", run: func(w *cellWorld) { from(w).cmd(hangup); w.done() }},
			sipCell{id: phase + "/phone", run: func(w *cellWorld) { w.over(from(w).a); w.done() }},
			sipCell{id: phase + "/complete", run: func(w *cellWorld) { from(w).cmd(complete); w.done() }},
			sipCell{id: phase + "/customer", run: func(w *cellWorld) {
				w.over(from(w).c)
				w.goesOn(w.target, "target", callcontrol.TransferCancelled)
			}})
	}
	runSIPCells(t, "TestConsultOutcomes", cells)
}
