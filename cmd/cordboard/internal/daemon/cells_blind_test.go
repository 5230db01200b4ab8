package daemon

import (
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// blind passes the customer on to number: the agent's device is free at once.
func (w *cellWorld) blind(number string) *cellWorld {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: callcontrol.Number(number)})
	w.ended(w.a)
	w.target = w.called(number)
	return w
}

func (w *cellWorld) forwarded() *cellWorld { return w.talk().blind("2100") }

// recalled: the transfer has failed, the agent's phone rings for the customer.
func (w *cellWorld) recalled() *cellWorld {
	w.t.Helper()
	w.ended(w.target)
	w.a = w.phone(2)
	w.transfer(callcontrol.TransferRecalling)
	w.phaseSome(callcontrol.PhaseRecall)
	return w
}

// busy: the target was busy.
func (w *cellWorld) busy() *cellWorld {
	w.t.Helper()
	w.forwarded().target.Reject(486)
	return w.recalled()
}

// otherCall lets the agent, who is free, call somebody else and talk.
func (w *cellWorld) otherCall() (other *sim.Party) {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2002"})
	w.a = w.phone(2)
	w.a.Answer()
	other = w.called("2002", sim.StateTalking)
	w.phaseSome(callcontrol.PhaseTalking)
	return other
}

// TestBlindCells is the section of docs/outcomes.md about blind transfers by bridge.
func TestBlindCells(t *testing.T) {
	const forwarding, recall = callcontrol.PhaseForwarding, callcontrol.PhaseRecall
	tone := func(d time.Duration) func(*callcontrol.DeskConfig) {
		return func(c *callcontrol.DeskConfig) { c.Tone = d }
	}
	short := func(c *callcontrol.DeskConfig) { c.BlindNoAnswer = time.Second }
	shortRecall := func(c *callcontrol.DeskConfig) { c.BlindRecall, c.Tone = time.Second, time.Minute }
	recalls := func(w *cellWorld) { // the device rings, the customer hears ring-back
		w.recalled().hears(w.c, "ring_back")
		w.over(w.c)
		w.ended(w.a)
	}
	toldFree := func(w *cellWorld) { w.ended(w.a, w.target); w.free(); w.told() }
	bridged := func(w *cellWorld) *cellWorld {
		w.talk().blind("2001").transfer(callcontrol.TransferCompleted)
		return w
	}
	runSIPCells(t, "TestBlindOutcomes", []sipCell{
		{id: "dialling", s: setup{plan: slow}, run: func(w *cellWorld) {
			w.talk().blind("2008").inProgress("music", callcontrol.TransferDialling)
		}},
		{id: "held/dialling", s: setup{plan: slow}, run: func(w *cellWorld) {
			w.talk().cmd(callcontrol.KindHold)
			w.blind("2008").inProgress("music", callcontrol.TransferDialling)
		}},
		{id: "alerting", run: func(w *cellWorld) { w.forwarded().inProgress("ring_back", callcontrol.TransferAlerting) }},
		{id: "early_media", run: func(w *cellWorld) {
			w.forwarded().hears(w.c, "ring_back")
			w.target.Ring(true)
			w.inProgress("target", callcontrol.TransferAlerting)
			w.whole(w.c)
		}},
		{id: "early_media/busy", run: func(w *cellWorld) {
			w.forwarded().target.Ring(true)
			w.hears(w.c, "target")
			w.target.Reject(486)
			recalls(w)
		}},
		{id: "answered", run: func(w *cellWorld) {
			w.talk().blind("2001")
			w.until("each is told who the other is", func() bool {
				return w.c.Peer().Number == "2001" && w.target.Peer().Number == "380441234567"
			})
			w.done()
		}},
		{id: "busy", run: func(w *cellWorld) { w.talk().blind("2101"); recalls(w) }},
		{id: "rejects", run: func(w *cellWorld) { w.talk().blind("2102"); recalls(w) }},
		{id: "no_answer", tune: short, run: func(w *cellWorld) { w.forwarded(); recalls(w) }},
		{id: "recall/phone_answers", run: func(w *cellWorld) {
			w.pickUp(w.busy().a)
			w.back(callcontrol.TransferFailed)
		}},
		{id: "recall/controller_answers", run: func(w *cellWorld) {
			w.busy().on(recall, callcontrol.KindAnswer, "")
			w.a = w.phone(3)
			if len(w.a.Headers()) == 0 {
				w.t.Error("the phone is not asked to answer by itself")
			}
			w.pickUp(w.a)
			w.back(callcontrol.TransferFailed)
		}},
		{id: "recall/no_answer", tune: shortRecall, run: func(w *cellWorld) {
			w.forwarded().target.Reject(486)
			w.a = w.phone(2)
			toldFree(w)
		}},
		{id: "recall/declined", tune: tone(time.Minute), run: func(w *cellWorld) {
			w.busy().on(recall, callcontrol.KindReject, "")
			toldFree(w)
		}},
		{id: "recall/phone_declines", tune: tone(time.Minute), run: func(w *cellWorld) { w.busy().a.Reject(486); toldFree(w) }},
		{id: "recall/customer", run: func(w *cellWorld) { w.over(w.busy().c); w.cancelled() }},
		{id: "recall/unreachable", tune: tone(time.Minute), run: func(w *cellWorld) {
			w.forwarded().off()
			w.target.Reject(486)
			toldFree(w)
		}},
		{id: "recall/agent_busy", tune: tone(time.Minute), run: func(w *cellWorld) {
			other := w.forwarded().otherCall()
			w.target.Reject(486)
			w.told()
			w.hears(w.a, "other", other, "agent")
			w.over(other)
			w.ended(w.a, w.target)
		}},
		{id: "recall/agent_busy_wait", s: setup{agent: "call_waiting: wait"}, run: func(w *cellWorld) {
			other := w.forwarded().otherCall()
			w.target.Reject(486)
			w.transfer(callcontrol.TransferRecalling)
			w.hears(w.c, "ring_back", other, "agent")
			w.on(recall, callcontrol.KindAnswer, "")
			w.hears(w.a, "customer", w.c, "agent", other, "music")
			w.over(other)
			w.back(callcontrol.TransferFailed)
		}},
		{id: "told/tone_over", tune: tone(2 * time.Second), run: func(w *cellWorld) {
			w.busy().on(recall, callcontrol.KindReject, "")
			w.phaseSome(callcontrol.PhaseTone)
			w.ended(w.a, w.c)
			if _, _, byPeer := w.c.Outcome(); !byPeer {
				w.t.Error("the customer was not released by the daemon")
			}
			w.until("no call is left", func() bool { return len(w.snapshot().Calls) == 0 })
		}},
		{id: "dialling/customer", s: setup{plan: slow}, run: func(w *cellWorld) { w.over(w.talk().blind("2008").c); w.cancelled() }},
		{id: "dialling/cancel", s: setup{plan: slow}, run: func(w *cellWorld) {
			w.talk().blind("2008").on(forwarding, callcontrol.KindCancel, "")
			w.ended(w.target)
			w.a = w.phone(2)
			w.pickUp(w.a)
			w.back(callcontrol.TransferCancelled)
		}},
		{id: "dialling/hangup", s: setup{plan: slow}, run: func(w *cellWorld) {
			w.talk().blind("2008").on(forwarding, callcontrol.KindHangup, "")
			w.cancelled()
		}},
		{id: "bridged/customer", run: func(w *cellWorld) { w.over(bridged(w).c); w.ended(w.target, w.a); w.free() }},
		{id: "bridged/target", run: func(w *cellWorld) { w.over(bridged(w).target); w.ended(w.c, w.a); w.free() }},
	})
}
