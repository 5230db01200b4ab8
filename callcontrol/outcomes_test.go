package callcontrol

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func cfgWait(c *DeskConfig)       { c.CallWaiting = CallWaitingWait }
func cfgManual(c *DeskConfig)     { c.ConsultReturn = ReturnManual }
func cfgRefer(c *DeskConfig)      { c.Transfer = TransferRefer }
func cfgPersistent(c *DeskConfig) { c.Connect = Persistent }
func cfgPause(c *DeskConfig)      { c.RingNoAnswerThen = NoAnswerPause }
func cfgWrapUp(c *DeskConfig)     { c.WrapUp = time.Minute }
func cfgNoTries(c *DeskConfig)    { c.LostTries = -1 }
func cfgSignal(c *DeskConfig)     { c.Hold = HoldSignal }

// none is an expectation of emptiness, where an empty field would not be looked at.
const none = " "

type cell struct {
	id   string
	cfg  []func(*DeskConfig)
	from func(*scene) *scene
	do   func(*scene)
	want outcome
}

func runCells(t *testing.T, cells []cell) {
	t.Helper()
	documented := ""
	if strings.HasSuffix(t.Name(), "Outcomes") {
		documented = section(t)
	}
	for _, c := range cells {
		if documented != "" && !strings.Contains(documented, "`"+c.id+"`") {
			t.Errorf("docs/outcomes.md does not name the cell %s", c.id)
		}
		t.Run(c.id, func(t *testing.T) {
			s := c.from(newScene(c.cfg...))
			c.do(s)
			s.check(t, c.want)
		})
	}
}

// section is the part of docs/outcomes.md that names this test.
func section(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/outcomes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), "\nTest `"+t.Name()+"`.")
	if !ok {
		t.Fatalf("docs/outcomes.md has no section for %s", t.Name())
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

func dialled(s *scene) *scene    { return s.talk().startConsult() }
func alerting(s *scene) *scene   { return s.talk().startConsult().alert() }
func consulting(s *scene) *scene { return s.talk().consultTalk() }
func swapped(s *scene) *scene    { return consulting(s).swap() }
func conferred(s *scene) *scene  { return consulting(s).conference() }
func forwarded(s *scene) *scene  { return s.talk().blind() }

func customerHangsUp(s *scene) { s.signal(SignalEnded, s.customer, byPeer) }
func targetHangsUp(s *scene)   { s.signal(SignalEnded, s.target, byPeer) }
func phoneHangsUp(s *scene)    { s.signal(SignalEnded, s.device, byPeer) }
func agentHangsUp(s *scene)    { s.cmd(KindHangup) }
func targetBusy(s *scene)      { s.signal(SignalRejected, s.target, status(486)) }
func targetRejects(s *scene)   { s.signal(SignalRejected, s.target, status(603)) }

// TestConsultOutcomes is the table "What ends what: consult transfer", cell by cell, for the target's
// three ways to fail and the agent's two ways to hang up.
func TestConsultOutcomes(t *testing.T) {
	noAnswer := func(s *scene) { s.expire(TimerCall, string(s.consult)) }
	back := outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed, busy: "yes"}
	waits := outcome{phases: "held+A tone+A", hears: "A:busy C:music", transfer: TransferFailed}
	inProgress := outcome{phases: "forwarding", hears: "C:ring_back", transfer: TransferAlerting, busy: "no"}
	done := outcome{phases: "bridged", hears: "C:T T:C", transfer: TransferCompleted, busy: "no"}
	manual := []func(*DeskConfig){cfgManual}
	runCells(t, []cell{
		{"dialling/customer", nil, dialled, customerHangsUp, outcome{phases: none, transfer: TransferCancelled, busy: "no"}},
		{"alerting/customer", nil, alerting, customerHangsUp, outcome{phases: none, sent: "hangup:T(cancelled) hangup:A(normal)", transfer: TransferCancelled, busy: "no"}},
		{"dialling/agent", nil, dialled, agentHangsUp, outcome{phases: "forwarding", hears: "C:music", transfer: TransferDialling, busy: "no"}},
		{"alerting/agent", nil, alerting, agentHangsUp, inProgress},
		{"alerting/agent_consult_call", nil, alerting, func(s *scene) { s.cmd(KindHangup, onCall(s.consult)) }, inProgress},
		{"alerting/phone", nil, alerting, phoneHangsUp, inProgress},
		{"alerting/complete", nil, alerting, func(s *scene) { s.complete() }, inProgress},
		{"alerting/agent_early_media", nil, alerting, func(s *scene) { s.signal(SignalEarly, s.target); agentHangsUp(s) },
			outcome{phases: "forwarding", hears: "C:T T:nothing", transfer: TransferAlerting, busy: "no"}},
		{"alerting/agent_then_answer", nil, alerting, func(s *scene) { agentHangsUp(s); s.targetAnswers() }, done},
		{"alerting/agent_then_no_answer", nil, alerting, func(s *scene) {
			agentHangsUp(s)
			s.signal(SignalEnded, s.d.device.ending)
			s.expire(TimerCall, string(s.call))
		}, outcome{phases: "recall+A", hears: "C:ring_back", sent: "hangup:T(no_answer) invite:device", transfer: TransferRecalling}},
		{"alerting/agent_then_unreachable", nil, alerting, func(s *scene) {
			agentHangsUp(s)
			s.signal(SignalDevice, "")
			targetBusy(s)
		}, outcome{phases: "tone", hears: "C:busy", transfer: TransferFailed, busy: "no"}},
		{"alerting/busy_auto", nil, alerting, targetBusy, back},
		{"alerting/no_answer_auto", nil, alerting, noAnswer, back},
		{"alerting/rejects_auto", nil, alerting, targetRejects, back},
		{"dialling/busy_auto", nil, dialled, targetBusy, back},
		{"alerting/busy_manual", manual, alerting, targetBusy, waits},
		{"alerting/no_answer_manual", manual, alerting, noAnswer, waits},
		{"alerting/rejects_manual", manual, alerting, targetRejects, waits},
		{"alerting/busy_manual_then_retrieve", manual, alerting, func(s *scene) { targetBusy(s); s.cmd(KindRetrieve) }, back},
		{"alerting/busy_manual_tone_over", manual, alerting, func(s *scene) { targetBusy(s); s.expire(TimerCall, string(s.consult)) },
			outcome{phases: "held+A", hears: "A:nothing C:music"}},
		{"alerting/cancel", nil, alerting, func(s *scene) { s.cmd(KindCancel) }, outcome{phases: "talking+A", hears: "A:C C:A", sent: "hangup:T(cancelled)", transfer: TransferCancelled}},
		{"alerting/hangup_target", nil, alerting, func(s *scene) { s.cmd(KindHangup, onCall(s.consult), on(s.target)) }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferCancelled}},

		{"talking/customer", nil, consulting, customerHangsUp, outcome{phases: "talking+A", hears: "A:T T:A", transfer: TransferCancelled}},
		{"swapped/customer", nil, swapped, customerHangsUp, outcome{phases: "talking+A", hears: "A:T T:A", transfer: TransferCancelled}},
		{"talking/agent", nil, consulting, agentHangsUp, done},
		{"talking/phone", nil, consulting, phoneHangsUp, done},
		{"swapped/agent", nil, swapped, agentHangsUp, done},
		{"swapped/phone", nil, swapped, phoneHangsUp, done},
		{"talking/complete", nil, consulting, func(s *scene) { s.complete() }, done},
		{"swapped/complete", nil, swapped, func(s *scene) { s.complete() }, done},
		{"talking/target_auto", nil, consulting, targetHangsUp, back},
		{"talking/target_manual", manual, consulting, targetHangsUp, outcome{phases: "held+A", hears: "A:nothing C:music", transfer: TransferFailed}},
		{"swapped/target", manual, swapped, targetHangsUp, back},
		{"talking/cancel_auto", nil, consulting, func(s *scene) { s.cmd(KindCancel) }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferCancelled}},
		{"talking/cancel_manual", manual, consulting, func(s *scene) { s.cmd(KindCancel) }, outcome{phases: "held+A", hears: "A:nothing C:music", transfer: TransferCancelled}},
		{"talking/retrieve_is_swap", nil, consulting, func(s *scene) { s.cmd(KindRetrieve) }, outcome{phases: "talking+A held+A", hears: "A:C C:A T:music", transfer: TransferTalking}},

		{"conference/customer", nil, conferred, customerHangsUp, outcome{phases: "talking+A", hears: "A:T T:A", transfer: TransferCancelled}},
		{"conference/agent", nil, conferred, agentHangsUp, done},
		{"conference/phone", nil, conferred, phoneHangsUp, done},
		{"conference/complete", nil, conferred, func(s *scene) { s.complete() }, done},
		{"conference/target", nil, conferred, targetHangsUp, back},
		{"conference/hangup_target", nil, conferred, func(s *scene) { s.cmd(KindHangup, on(s.target)) }, back},
		{"conference/cancel", nil, conferred, func(s *scene) { s.cmd(KindCancel) }, back},
	})
}

// TestBlindOutcomes is the table of docs/outcomes.md for a blind transfer by bridge.
func TestBlindOutcomes(t *testing.T) {
	wait := []func(*DeskConfig){cfgWait}
	recalled := func(s *scene) *scene { forwarded(s).alert(); targetBusy(s); return s }
	told := outcome{phases: "tone", hears: "C:busy", transfer: TransferFailed, busy: "no"}
	runCells(t, []cell{
		{"dialling", nil, func(s *scene) *scene { return s.talk() }, func(s *scene) { s.cmd(KindBlind) },
			outcome{phases: "forwarding", hears: "C:music", sent: "invite:line hangup:A(normal)", transfer: TransferDialling, busy: "no"}},
		{"held/dialling", nil, func(s *scene) *scene { return s.talk().hold() }, func(s *scene) { s.blind() },
			outcome{phases: "forwarding", hears: "C:music", transfer: TransferDialling, busy: "no"}},
		{"alerting", nil, forwarded, func(s *scene) { s.alert() }, outcome{phases: "forwarding", hears: "C:ring_back", transfer: TransferAlerting, busy: "no"}},
		{"early_media", nil, forwarded, func(s *scene) { s.signal(SignalEarly, s.target); s.alert() },
			outcome{phases: "forwarding", hears: "C:T T:nothing", transfer: TransferAlerting, busy: "no"}},
		{"early_media/busy", nil, forwarded, func(s *scene) { s.signal(SignalEarly, s.target); targetBusy(s) },
			outcome{phases: "recall+A", hears: "C:ring_back", transfer: TransferRecalling}},
		{"answered", nil, forwarded, func(s *scene) { s.targetAnswers() }, outcome{phases: "bridged", hears: "C:T T:C", sent: "identify:C identify:T", transfer: TransferCompleted, busy: "no"}},
		{"busy", nil, forwarded, targetBusy, outcome{phases: "recall+A", hears: "C:ring_back", sent: "invite:device", transfer: TransferRecalling, busy: "yes"}},
		{"rejects", nil, forwarded, targetRejects, outcome{phases: "recall+A", transfer: TransferRecalling}},
		{"no_answer", nil, forwarded, func(s *scene) { s.expire(TimerCall, "") }, outcome{phases: "recall+A", sent: "hangup:T(no_answer) invite:device", transfer: TransferRecalling}},
		{"recall/phone_answers", nil, recalled, func(s *scene) { s.deviceAnswers() }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"recall/controller_answers", nil, recalled, func(s *scene) { s.cmd(KindAnswer); s.deviceAnswers() }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"recall/no_answer", nil, recalled, func(s *scene) { s.expire(TimerCall, "") }, told},
		{"recall/declined", nil, recalled, func(s *scene) { s.cmd(KindReject) }, told},
		{"recall/phone_declines", nil, recalled, func(s *scene) { s.signal(SignalRejected, s.device, status(486)) }, told},
		{"recall/customer", nil, recalled, customerHangsUp, outcome{phases: none, sent: "hangup:A(normal)", transfer: TransferCancelled, busy: "no"}},
		{"recall/unreachable", nil, forwarded, func(s *scene) { s.signal(SignalDevice, ""); targetBusy(s) }, told},
		{"recall/agent_busy", nil, func(s *scene) *scene {
			forwarded(s)
			s.must(Input{Command: &Command{Kind: KindDial, Number: "200"}})
			return s
		},
			targetBusy, outcome{phases: "tone calling+A", hears: "C:busy", transfer: TransferFailed}},
		{"recall/agent_busy_wait", wait, func(s *scene) *scene {
			forwarded(s)
			s.must(Input{Command: &Command{Kind: KindDial, Number: "200"}})
			s.deviceAnswers()
			s.signal(SignalAnswered, s.d.calls[1].legs[0].id)
			return s
		}, func(s *scene) { targetBusy(s); s.cmd(KindAnswer) }, outcome{phases: "talking+A held+A", transfer: TransferFailed}},
		{"told/tone_over", nil, func(s *scene) *scene { recalled(s); s.cmd(KindReject); return s }, func(s *scene) { s.expire(TimerCall, "") },
			outcome{phases: none, sent: "hangup:C(rejected)"}},
		{"dialling/customer", nil, forwarded, customerHangsUp, outcome{phases: none, sent: "hangup:T(normal)", transfer: TransferCancelled, busy: "no"}},
		{"dialling/cancel", nil, forwarded, func(s *scene) { s.cmd(KindCancel); s.deviceAnswers() }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferCancelled}},
		{"dialling/hangup", nil, forwarded, agentHangsUp, outcome{phases: none, transfer: TransferCancelled, busy: "no"}},
		{"bridged/customer", nil, func(s *scene) *scene { return forwarded(s).targetAnswers() }, customerHangsUp, outcome{phases: none, sent: "hangup:T(normal)"}},
		{"bridged/target", nil, func(s *scene) *scene { return forwarded(s).targetAnswers() }, targetHangsUp, outcome{phases: none, sent: "hangup:C(normal)"}},
	})
}

// TestReferOutcomes is the table of docs/outcomes.md for transfers by REFER.
func TestReferOutcomes(t *testing.T) {
	refer := []func(*DeskConfig){cfgRefer}
	blind := func(s *scene) *scene { return s.talk().blind() }
	consult := func(s *scene) *scene { return consulting(s).complete() }
	accepted := func(s *scene) { s.signal(SignalReferResult, s.customer, status(202)) }
	runCells(t, []cell{
		{"blind/asked", refer, func(s *scene) *scene { return s.talk() }, func(s *scene) { s.cmd(KindBlind) },
			outcome{phases: "referring+A", hears: "A:nothing C:music", sent: "refer:C", transfer: TransferReferring}},
		{"blind/done", refer, blind, func(s *scene) { s.signal(SignalReferResult, s.customer, final(200)) },
			outcome{phases: none, sent: "hangup:C(transferred) hangup:A(normal)", transfer: TransferCompleted}},
		{"blind/peer_leaves", refer, blind, func(s *scene) { accepted(s); customerHangsUp(s) }, outcome{phases: none, transfer: TransferCompleted}},
		{"blind/customer", refer, blind, customerHangsUp, outcome{phases: none, transfer: TransferCancelled}},
		{"blind/refused", refer, blind, func(s *scene) { s.signal(SignalReferResult, s.customer, final(403)) },
			outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"blind/target_busy", refer, blind, func(s *scene) { accepted(s); s.signal(SignalReferResult, s.customer, final(486)) },
			outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"blind/no_result", refer, blind, func(s *scene) { s.expire(TimerCall, "") }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"blind/agent_leaves_then_fails", refer, blind, func(s *scene) {
			agentHangsUp(s)
			s.signal(SignalEnded, s.d.device.ending)
			s.signal(SignalReferResult, s.customer, final(486))
		}, outcome{phases: "recall+A", hears: "C:ring_back", transfer: TransferRecalling}},
		{"consult/asked", refer, consulting, func(s *scene) { s.complete() },
			outcome{phases: "referring+A held+A", hears: "A:nothing C:music T:music", sent: "refer:C", transfer: TransferReferring}},
		{"consult/done", refer, consult, func(s *scene) { s.signal(SignalReferResult, s.customer, final(200)) }, outcome{phases: none, transfer: TransferCompleted, busy: "no"}},
		{"consult/target_replaced_first", refer, consult, func(s *scene) { accepted(s); targetHangsUp(s); s.signal(SignalReferResult, s.customer, final(200)) },
			outcome{phases: none, transfer: TransferCompleted, busy: "no"}},
		{"consult/refused", refer, consult, func(s *scene) { s.signal(SignalReferResult, s.customer, final(403)) },
			outcome{phases: "talking+A held+A", hears: "A:C C:A T:music", transfer: TransferTalking}},
		{"consult/customer", refer, consult, customerHangsUp, outcome{phases: "talking+A", hears: "A:T T:A", transfer: TransferCancelled}},
		{"consult/phone_then_refused", refer, consulting, func(s *scene) { phoneHangsUp(s); s.signal(SignalReferResult, s.customer, final(403)) },
			outcome{phases: "bridged", hears: "C:T T:C", transfer: TransferCompleted, busy: "no"}},
	})
}

func cfgReferPeer(c *DeskConfig) { c.ReferPeer = true }

// referredTo lets the customer's peer ask for 300 in its place.
func referredTo(s *scene) *scene {
	s.signal(SignalReferRequest, s.customer, func(x *Signal) { x.Number = "300" })
	if legs := s.d.call(s.call).legs; len(legs) > 1 {
		s.target = legs[1].id
	}
	return s
}

// replacedBy puts a new leg in the customer's place by an INVITE with Replaces.
func (s *scene) replacedBy(l LegID) {
	s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: l, From: Identity{Number: "556"}, Replaces: s.customer}})
	s.customer = l
}

// TestReferredOutcomes is the table of docs/outcomes.md for a REFER from the peer.
func TestReferredOutcomes(t *testing.T) {
	on := []func(*DeskConfig){cfgReferPeer}
	deny := func(c *DeskConfig) { c.Dial.Allows = func(n Number) bool { return n[0] == '9' } }
	talk := func(s *scene) *scene { return s.talk() }
	asked := func(s *scene) *scene { return referredTo(s.talk()) }
	ask := func(s *scene) { referredTo(s) }
	runCells(t, []cell{
		{"off", nil, talk, ask, outcome{phases: "talking+A", hears: "A:C C:A", sent: "refer_reply:C"}},
		{"policy", []func(*DeskConfig){cfgReferPeer, deny}, talk, ask, outcome{phases: "talking+A", hears: "A:C C:A", sent: "refer_reply:C"}},
		{"in_consult", on, consulting, ask, outcome{phases: "held+A talking+A", sent: "refer_reply:C"}},
		{"asked", on, talk, ask, outcome{phases: "referred+A", hears: "A:ring_back C:music", sent: "refer_reply:C invite:line", transfer: TransferDialling}},
		{"early_media", on, asked, func(s *scene) { s.signal(SignalEarly, s.target) }, outcome{hears: "A:T C:music T:nothing", transfer: TransferAlerting}},
		{"answered", on, asked, func(s *scene) { s.targetAnswers() }, outcome{phases: "talking+A", hears: "A:T T:A", sent: "refer_reply:C hangup:C(transferred) identify:A", transfer: TransferCompleted}},
		{"busy", on, asked, targetBusy, outcome{phases: "talking+A", hears: "A:C C:A", sent: "refer_reply:C", transfer: TransferFailed}},
		{"no_answer", on, asked, func(s *scene) { s.expire(TimerCall, "") }, outcome{phases: "talking+A", hears: "A:C C:A", transfer: TransferFailed}},
		{"peer_leaves", on, asked, customerHangsUp, outcome{phases: "dialling+A", hears: "A:ring_back", transfer: TransferCompleted}},
		{"peer_replaced_then_answered", on, asked, func(s *scene) { s.replacedBy("in-9"); s.targetAnswers() },
			outcome{phases: "talking+A", hears: "A:T T:A", sent: "refer_reply:C hangup:C(transferred) identify:A", transfer: TransferCompleted}},
		{"agent", on, asked, agentHangsUp, outcome{phases: none, transfer: TransferCancelled, busy: "no"}},
		{"phone", on, asked, phoneHangsUp, outcome{phases: none, sent: "hangup:C(normal) hangup:T(normal)", transfer: TransferCancelled}},
	})
}

// TestLostDeviceOutcomes is the table of docs/outcomes.md for a device that goes away in a call.
func TestLostDeviceOutcomes(t *testing.T) {
	talk := func(s *scene) *scene { return s.talk() }
	lost := func(s *scene) { s.signal(SignalLost, s.device) }
	died := func(s *scene) { s.signal(SignalEnded, s.device) }
	fail := func(s *scene) { s.signal(SignalRejected, s.d.device.leg.id, status(408)) }
	gone := func(s *scene) {
		died(s)
		for range 3 {
			fail(s)
			if s.d.device.wait != 0 {
				s.expire(TimerRedial, "")
			}
		}
	}
	runCells(t, []cell{
		{"talking/no_rtp", nil, talk, lost, outcome{phases: "talking+A", hears: "C:music", sent: "hangup:A(media_lost)"}},
		{"talking/leg_ended", nil, talk, died, outcome{phases: "talking+A", hears: "C:music", sent: "invite:device,auto"}},
		{"talking/comes_back", nil, talk, func(s *scene) { lost(s); s.deviceAnswers() }, outcome{phases: "talking+A", hears: "A:C C:A"}},
		{"talking/second_try", nil, talk, func(s *scene) { died(s); fail(s); s.expire(TimerRedial, "") }, outcome{phases: "talking+A", sent: "invite:device,auto"}},
		{"talking/unreachable_then_back", nil, talk, func(s *scene) {
			s.signal(SignalDevice, "")
			died(s)
			s.signal(SignalDevice, "", func(x *Signal) { x.Up = true })
		},
			outcome{phases: "talking+A", hears: "C:music", sent: "invite:device,auto"}},
		{"talking/gone", nil, talk, gone, outcome{phases: "tone", hears: "C:busy", busy: "no"}},
		{"talking/no_tries", []func(*DeskConfig){cfgNoTries}, talk, died, outcome{phases: "tone", hears: "C:busy", sent: none, busy: "no"}},
		{"talking/customer", nil, talk, func(s *scene) { died(s); customerHangsUp(s) }, outcome{phases: none, busy: "no"}},
		{"held/gone", nil, func(s *scene) *scene { return s.talk().hold() }, gone, outcome{phases: "tone", hears: "C:busy"}},
		{"consult_alerting/leg_ended", nil, alerting, died, outcome{phases: "held+A dialling+A", hears: "C:music"}},
		{"consult_alerting/gone", nil, alerting, gone, outcome{phases: "tone", hears: "C:busy", transfer: TransferFailed}},
		{"consult_talking/leg_ended", nil, consulting, died, outcome{phases: "held+A talking+A", hears: "C:music T:music"}},
		{"consult_talking/gone", nil, consulting, gone, outcome{phases: "tone", hears: "C:busy", transfer: TransferFailed}},
		{"conference/leg_ended", nil, conferred, died, outcome{phases: "conference+A", hears: "C:T T:C"}},
		{"conference/comes_back", nil, conferred, func(s *scene) { died(s); s.deviceAnswers() }, outcome{phases: "conference+A", hears: "A:C+T C:A+T T:A+C"}},
		{"conference/gone", nil, conferred, gone, outcome{phases: "bridged", hears: "C:T T:C", transfer: TransferCompleted}},
		{"dialling/leg_ended", nil, func(s *scene) *scene { return s.dialling() }, died, outcome{phases: "dialling+A", sent: "invite:device,auto"}},
		{"persistent_idle/leg_ended", []func(*DeskConfig){cfgPersistent}, func(s *scene) *scene { return s }, func(s *scene) { died(s); s.expire(TimerRedial, "") },
			outcome{phases: none, sent: "invite:device,auto", busy: "no"}},
		{"persistent_talking/hang_up", []func(*DeskConfig){cfgPersistent}, talk, phoneHangsUp, outcome{phases: none, sent: "hangup:C(normal)", busy: "no"}},
	})
}

// TestRingNoAnswerOutcomes is the table of docs/outcomes.md for offers that nobody takes.
func TestRingNoAnswerOutcomes(t *testing.T) {
	rings := func(s *scene) *scene { return s.offer() }
	over := func(s *scene) { s.expire(TimerCall, "") }
	phone := func(code int) func(*scene) {
		return func(s *scene) { s.signal(SignalRejected, s.device, status(code)) }
	}
	runCells(t, []cell{
		{"release", nil, rings, over, outcome{phases: none, sent: "reject:C(no_answer) hangup:A(normal)", busy: "no"}},
		{"pause", []func(*DeskConfig){cfgPause}, rings, func(s *scene) {
			over(s)
			if s.d.status != StatusPause {
				panic("status is " + s.d.status)
			}
		}, outcome{phases: none, sent: "reject:C(no_answer) hangup:A(normal)"}},
		{"customer", nil, rings, customerHangsUp, outcome{phases: none, sent: "hangup:A(normal)", busy: "no"}},
		{"controller_rejects", nil, rings, func(s *scene) { s.cmd(KindReject) }, outcome{phases: none, sent: "reject:C(rejected) hangup:A(normal)"}},
		{"phone_busy", nil, rings, phone(486), outcome{phases: none, sent: "reject:C(busy)"}},
		{"phone_declines", nil, rings, phone(603), outcome{phases: none, sent: "reject:C(rejected)"}},
		{"phone_fails", nil, rings, phone(500), outcome{phases: "offered+A", sent: none}},
		{"phone_fails_then_answer", nil, rings, func(s *scene) { phone(500)(s); s.cmd(KindAnswer) }, outcome{phases: "answering+A", sent: "invite:device,auto"}},
		{"answer_device_fails", nil, rings, func(s *scene) {
			s.cmd(KindAnswer)
			s.signal(SignalEnded, s.d.device.ending)
			s.signal(SignalRejected, s.device, status(486))
		}, outcome{phases: none, sent: "reject:C(no_device)", busy: "no"}},
		{"answer_customer_gone", nil, rings, func(s *scene) { s.cmd(KindAnswer); customerHangsUp(s) }, outcome{phases: none, busy: "no"}},
	})
}

// TestCallWaitingOutcomes is the table of docs/outcomes.md for a second incoming call.
func TestCallWaitingOutcomes(t *testing.T) {
	wait := []func(*DeskConfig){cfgWait}
	second := func(s *scene) *scene { first := s.talk().customer; s.offer(); s.target = first; return s }
	runCells(t, []cell{
		{"busy", nil, func(s *scene) *scene { return s.talk() }, func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9"}}) },
			outcome{phases: "talking+A", hears: "A:C C:A", sent: "reject:in-9(busy)"}},
		{"busy/while_ringing", nil, func(s *scene) *scene { return s.offer() }, func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9"}}) },
			outcome{phases: "offered+A", sent: "reject:in-9(busy)"}},
		{"wait", wait, second, func(*scene) {}, outcome{phases: "talking+A offered+A", hears: "A:T+call_waiting T:A", sent: "ring:C"}},
		{"wait/answer", wait, second, func(s *scene) { s.cmd(KindAnswer); s.signal(SignalAnswered, s.customer) },
			outcome{phases: "held+A talking+A", hears: "A:C C:A T:music"}},
		{"wait/reject", wait, second, func(s *scene) { s.cmd(KindReject) }, outcome{phases: "talking+A", hears: "A:T T:A", sent: "reject:C(rejected)"}},
		{"wait/no_answer", wait, second, func(s *scene) { s.expire(TimerCall, string(s.call)) }, outcome{phases: "talking+A", sent: "reject:C(no_answer)"}},
		{"wait/second_gives_up", wait, second, customerHangsUp, outcome{phases: "talking+A", hears: "A:T T:A"}},
		{"wait/first_hangs_up", wait, second, func(s *scene) { targetHangsUp(s); s.signal(SignalEnded, s.d.device.ending) },
			outcome{phases: "offered+A", sent: "invite:device"}},
		{"wait/agent_hangs_up_first", wait, second, func(s *scene) { phoneHangsUp(s) }, outcome{phases: "offered+A", sent: "hangup:T(normal) invite:device"}},
		{"wait/swap_back", wait, second, func(s *scene) { s.cmd(KindAnswer); s.signal(SignalAnswered, s.customer); s.swap() },
			outcome{phases: "talking+A held+A", hears: "A:T C:music T:A"}},
		{"wait/talk_ends_other_held", wait, second, func(s *scene) {
			s.cmd(KindAnswer)
			s.signal(SignalAnswered, s.customer)
			customerHangsUp(s)
			s.cmd(KindRetrieve, onCall(""))
		},
			outcome{phases: "talking+A", hears: "A:T T:A"}},
		{"wait/phone_leaves_other_held", wait, second, func(s *scene) { s.cmd(KindAnswer); s.signal(SignalAnswered, s.customer); phoneHangsUp(s) },
			outcome{phases: "recall+A", hears: "T:ring_back", sent: "hangup:C(normal) invite:device"}},
		{"wait/third", wait, func(s *scene) *scene { second(s).offer(); return s }, func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9"}}) },
			outcome{sent: "reject:in-9(busy)"}},
	})
}

// TestDialWhileRingingOutcomes is the table of docs/outcomes.md for an agent who dials while a call rings.
func TestDialWhileRingingOutcomes(t *testing.T) {
	dial := func(s *scene) {
		if err := s.do(Input{Command: &Command{Kind: KindDial, Number: "200"}}); !errors.Is(err, &Refusal{Code: CodeNotAllowedInState}) {
			panic(fmt.Sprintf("dial while a call rings: %v", err))
		}
	}
	phoneDials := func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-9", To: "200"}}) }
	rings := func(s *scene) *scene { return s.offer() }
	runCells(t, []cell{
		{"dial", nil, rings, dial, outcome{phases: "offered+A", sent: none, busy: "yes"}},
		{"dial/recall", nil, func(s *scene) *scene { forwarded(s); targetBusy(s); return s }, dial,
			outcome{phases: "recall+A", hears: "C:ring_back", sent: none, transfer: TransferRecalling}},
		{"dial/then_reject", nil, rings, func(s *scene) { s.cmd(KindReject); s.dial(); s.deviceAnswers() },
			outcome{phases: "dialling+A", hears: "A:ring_back", sent: "invite:line"}},
		{"phone", nil, rings, phoneDials, outcome{phases: "offered+A", sent: "reject:dev-9(busy)"}},
		{"phone/after_failure", nil, func(s *scene) *scene { s.offer(); s.signal(SignalRejected, s.device, status(500)); return s }, phoneDials,
			outcome{phases: "offered+A", sent: "reject:dev-9(busy)"}},
	})
}
