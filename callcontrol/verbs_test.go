package callcontrol

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestInbound: an offer rings phone and controller; either answers.
func TestInbound(t *testing.T) {
	rings := func(s *scene) *scene { return s.offer() }
	persistent := []func(*DeskConfig){cfgPersistent}
	runCells(t, []cell{
		{"offered", nil, rings, func(*scene) {}, outcome{phases: "offered+A", sent: "ring:C invite:device", busy: "yes"}},
		{"phone_rings", nil, rings, func(s *scene) { s.signal(SignalRinging, s.device) }, outcome{phases: "offered+A"}},
		{"picked_up", nil, rings, func(s *scene) { s.deviceAnswers() }, outcome{phases: "answering+A", sent: "answer:C", hears: "A:nothing"}},
		{"picked_up_and_connected", nil, rings, func(s *scene) { s.deviceAnswers(); s.signal(SignalAnswered, s.customer) }, outcome{phases: "talking+A", hears: "A:C C:A"}},
		{"controller/old_leg_first", nil, rings, func(s *scene) { s.cmd(KindAnswer) }, outcome{phases: "answering+A", sent: "hangup:A(normal)"}},
		{"controller/then_auto_answer", nil, rings, func(s *scene) { s.cmd(KindAnswer); s.signal(SignalEnded, s.d.device.ending) }, outcome{phases: "answering+A", sent: "invite:device,auto"}},
		{"controller/old_leg_does_not_go", nil, rings, func(s *scene) { s.cmd(KindAnswer); s.expire(TimerEnding, "") }, outcome{phases: "answering+A", sent: "invite:device,auto"}},
		{"controller/no_media_port", nil, rings, func(s *scene) {
			s.cmd(KindAnswer)
			s.signal(SignalEnded, s.d.device.ending)
			s.signal(SignalRejected, s.device, status(503))
		}, outcome{phases: none, sent: "reject:C(congestion)", busy: "no"}},
		{"controller/connected", nil, rings, func(s *scene) { s.cmd(KindAnswer); s.deviceAnswers(); s.signal(SignalAnswered, s.customer) }, outcome{phases: "talking+A", hears: "A:C C:A"}},
		{"persistent/offered", persistent, rings, func(*scene) {}, outcome{phases: "offered+A", sent: "ring:C", hears: "A:call_waiting"}},
		{"persistent/answer_at_once", persistent, rings, func(s *scene) { s.cmd(KindAnswer) }, outcome{phases: "answering+A", sent: "answer:C"}},
		{"persistent/device_stays", persistent, func(s *scene) *scene { return s.talk() }, customerHangsUp, outcome{phases: none, sent: none, hears: "A:nothing", busy: "no"}},
		{"on_demand/device_goes", nil, func(s *scene) *scene { return s.talk() }, customerHangsUp, outcome{phases: none, sent: "hangup:A(normal)", hears: none, busy: "no"}},
		{"agent_hangs_up", nil, func(s *scene) *scene { return s.talk() }, agentHangsUp, outcome{phases: none, sent: "hangup:C(normal) hangup:A(normal)"}},
		{"phone_hangs_up", nil, func(s *scene) *scene { return s.talk() }, phoneHangsUp, outcome{phases: none, sent: "hangup:C(normal)"}},
		{"peer_replaces", nil, func(s *scene) *scene { return s.talk() }, func(s *scene) {
			s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9", Replaces: s.customer}})
			s.customer = "in-9"
		}, outcome{phases: "talking+A", hears: "A:C C:A", sent: "hangup:in-1(replaced) answer:C identify:A"}},
	})
}

// TestOutbound: device first, then the line; progress and failure are heard.
func TestOutbound(t *testing.T) {
	dialling := func(s *scene) *scene { return s.dialling() }
	idle := func(s *scene) *scene { return s }
	fromPhone := func(s *scene) {
		s.must(Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-1", To: "200"}})
		s.device = "dev-1"
	}
	runCells(t, []cell{
		{"device_first", nil, idle, func(s *scene) { s.dial() }, outcome{phases: "calling+A", sent: "invite:device,auto", busy: "yes"}},
		{"then_line", nil, idle, func(s *scene) { s.dialling() }, outcome{phases: "dialling+A", sent: "invite:line", hears: "A:ring_back"}},
		{"persistent", []func(*DeskConfig){cfgPersistent}, idle, func(s *scene) { s.dial() }, outcome{phases: "dialling+A", sent: "invite:line", hears: "A:ring_back"}},
		{"alerting", nil, dialling, func(s *scene) { s.signal(SignalRinging, s.customer, status(180)) }, outcome{phases: "dialling+A", hears: "A:ring_back"}},
		{"early_media", nil, dialling, func(s *scene) { s.signal(SignalEarly, s.customer, status(183)) }, outcome{phases: "dialling+A", hears: "A:C C:nothing"}},
		{"answered", nil, dialling, func(s *scene) { s.signal(SignalAnswered, s.customer) }, outcome{phases: "talking+A", hears: "A:C C:A"}},
		{"busy", nil, dialling, func(s *scene) { s.signal(SignalRejected, s.customer, status(486)) }, outcome{phases: "tone+A", hears: "A:busy"}},
		{"bad_number", nil, dialling, func(s *scene) { s.signal(SignalRejected, s.customer, status(404)) }, outcome{phases: "tone+A", hears: "A:congestion"}},
		{"no_answer", nil, dialling, func(s *scene) { s.expire(TimerCall, "") }, outcome{phases: "tone+A", hears: "A:busy", sent: "hangup:C(no_answer)"}},
		{"tone_over", nil, dialling, func(s *scene) { s.signal(SignalRejected, s.customer, status(486)); s.expire(TimerCall, "") }, outcome{phases: none, sent: "hangup:A(normal)", busy: "no"}},
		{"tone/phone_hangs_up", nil, dialling, func(s *scene) { s.signal(SignalRejected, s.customer, status(486)); phoneHangsUp(s) }, outcome{phases: none, sent: none}},
		{"device_fails", nil, func(s *scene) *scene { return s.dial() }, func(s *scene) { s.signal(SignalRejected, s.device, status(486)) }, outcome{phases: none, sent: none, busy: "no"}},
		{"device_silent", nil, func(s *scene) *scene { return s.dial() }, func(s *scene) { s.expire(TimerDevice, "") }, outcome{phases: none, sent: "hangup:A(no_answer)", busy: "no"}},
		{"given_up", nil, dialling, agentHangsUp, outcome{phases: none, sent: "hangup:C(cancelled) hangup:A(normal)"}},
		{"phone/arrives", nil, idle, fromPhone, outcome{phases: "calling+A", sent: "answer:A"}},
		{"phone/dials", nil, idle, func(s *scene) { fromPhone(s); s.signal(SignalAnswered, "dev-1") }, outcome{phases: "dialling+A", sent: "invite:line", hears: "A:ring_back"}},
		{"phone/gives_up", nil, idle, func(s *scene) { fromPhone(s); s.signal(SignalEnded, "dev-1", byPeer) }, outcome{phases: none, sent: none, busy: "no"}},
		{"phone/bad_number", nil, idle, func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-1", To: ""}}) }, outcome{phases: none, sent: "reject:dev-1(bad_number)"}},
		{"phone/second_leg", nil, func(s *scene) *scene { return s.talk() }, func(s *scene) { s.must(Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-1", To: "200"}}) },
			outcome{phases: "talking+A", sent: "reject:dev-1(busy)"}},
	})
}

// TestWhoHearsWhom is the design's table, row by row.
func TestWhoHearsWhom(t *testing.T) {
	talk := func(s *scene) *scene { return s.talk() }
	beep := func(c *DeskConfig) { c.HoldBeep = time.Second }
	nothing := func(*scene) {}
	runCells(t, []cell{
		{"talking", nil, talk, nothing, outcome{hears: "A:C C:A"}},
		{"held", nil, talk, func(s *scene) { s.hold() }, outcome{hears: "A:nothing C:music", sent: none}},
		{"held_beep", []func(*DeskConfig){beep}, talk, func(s *scene) { s.hold() }, outcome{hears: "A:hold_beep C:music"}},
		{"held_signal", []func(*DeskConfig){cfgSignal}, talk, func(s *scene) { s.hold() }, outcome{hears: "A:nothing C:music", sent: "reoffer:C"}},
		{"hold_refused", []func(*DeskConfig){cfgSignal}, func(s *scene) *scene { return s.talk().hold() }, func(s *scene) { _ = s.do(Input{Signal: &Signal{Kind: SignalReofferFail, Leg: s.customer}}) },
			outcome{phases: "held+A", hears: "A:nothing C:music"}},
		{"retrieved", nil, func(s *scene) *scene { return s.talk().hold() }, func(s *scene) { s.cmd(KindRetrieve) }, outcome{hears: "A:C C:A"}},
		{"muted", nil, talk, func(s *scene) { s.cmd(KindMute) }, outcome{hears: "A:C C:nothing"}},
		{"unmuted", nil, talk, func(s *scene) { s.cmd(KindMute); s.cmd(KindUnmute) }, outcome{hears: "A:C C:A"}},
		{"muted_over_hold", nil, talk, func(s *scene) { s.cmd(KindMute); s.hold(); s.cmd(KindRetrieve) }, outcome{hears: "A:C C:nothing"}},
		{"consult_dialling", nil, dialled, nothing, outcome{hears: "A:ring_back C:music"}},
		{"consult_alerting", nil, alerting, nothing, outcome{hears: "A:ring_back C:music"}},
		{"consult_early", nil, alerting, func(s *scene) { s.signal(SignalEarly, s.target) }, outcome{hears: "A:T C:music T:nothing"}},
		{"consult_talking", nil, consulting, nothing, outcome{hears: "A:T C:music T:A"}},
		{"swapped", nil, swapped, nothing, outcome{hears: "A:C C:A T:music"}},
		{"swapped_twice", nil, swapped, func(s *scene) { s.swap() }, outcome{hears: "A:T C:music T:A"}},
		{"conference", nil, conferred, nothing, outcome{hears: "A:C+T C:A+T T:A+C"}},
		{"conference_muted", nil, conferred, func(s *scene) { s.cmd(KindMute) }, outcome{hears: "A:C+T C:T T:C"}},
		{"completed", nil, consulting, func(s *scene) { s.complete() }, outcome{hears: "C:T T:C"}},
		{"peer_holds_us", nil, talk, func(s *scene) { s.signal(SignalMedia, s.customer, dir(DirectionSendOnly)) }, outcome{phases: "talking+A", hears: "A:C C:A"}},
		{"phone_holds", nil, talk, func(s *scene) { s.signal(SignalMedia, s.device, dir(DirectionSendOnly)) }, outcome{phases: "held+A", hears: "A:nothing C:music"}},
		{"phone_retrieves", nil, talk, func(s *scene) {
			s.signal(SignalMedia, s.device, dir(DirectionInactive))
			s.signal(SignalMedia, s.device, dir(DirectionSendRecv))
		}, outcome{phases: "talking+A", hears: "A:C C:A"}},
	})
}

func TestHeldTooLong(t *testing.T) {
	s := newScene().talk().hold()
	s.expire(TimerCall, "")
	s.check(t, outcome{phases: none, sent: "hangup:C(hold_limit) hangup:A(normal)"})
}

func TestWrapUp(t *testing.T) {
	s := newScene(cfgWrapUp)
	s.offer(func(o *Offer) { o.Queue = "Sales" })
	s.cmd(KindAnswer)
	s.deviceAnswers()
	s.signal(SignalAnswered, s.customer)
	agentHangsUp(s)
	s.signal(SignalEnded, s.d.device.ending)
	s.check(t, outcome{phases: none, busy: "yes"})
	s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-2", Queue: "Sales"}})
	s.check(t, outcome{sent: "reject:in-2(busy)"})
	s.expire(TimerWrapUp, "")
	s.check(t, outcome{busy: "no"})
}

func TestDrain(t *testing.T) {
	s := newScene().talk()
	s.must(Input{Drain: true})
	s.check(t, outcome{phases: "talking+A", hears: "A:C C:A"})
	s.must(Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9"}})
	s.check(t, outcome{sent: "reject:in-9(draining)"})
	err := s.do(Input{Command: &Command{Kind: KindDial, Number: "200"}})
	if !errors.Is(err, &Refusal{Code: CodeDraining}) {
		t.Errorf("dial while draining: %v", err)
	}
	s.startConsult().alert().targetAnswers().complete()
	s.check(t, outcome{phases: "bridged", transfer: TransferCompleted})
	s.must(Input{Release: true})
	s.check(t, outcome{phases: none})
}

// TestRefusals: each wrong command gets its own code and changes nothing.
func TestRefusals(t *testing.T) {
	unregistered := func(s *scene) *scene { s.signal(SignalLine, ""); return s }
	unreachable := func(s *scene) *scene { s.signal(SignalDevice, ""); return s }
	talk := func(s *scene) *scene { return s.talk() }
	idle := func(s *scene) *scene { return s }
	policy := func(p DialPolicy) []func(*DeskConfig) { return []func(*DeskConfig){func(c *DeskConfig) { c.Dial = p }} }
	for _, c := range []struct {
		id   string
		cfg  []func(*DeskConfig)
		from func(*scene) *scene
		cmd  Command
		code Code
	}{
		{"dial_unregistered", nil, unregistered, Command{Kind: KindDial, Number: "200"}, CodeUnavailable},
		{"dial_no_device", nil, unreachable, Command{Kind: KindDial, Number: "200"}, CodeNoDevice},
		{"dial_in_talk", nil, talk, Command{Kind: KindDial, Number: "200"}, CodeNotAllowedInState},
		{"dial_while_it_rings", nil, func(s *scene) *scene { return s.offer() }, Command{Kind: KindDial, Number: "200"}, CodeNotAllowedInState},
		{"dial_while_a_second_rings", []func(*DeskConfig){cfgWait}, func(s *scene) *scene { return s.talk().hold().offer() }, Command{Kind: KindDial, Number: "200"}, CodeNotAllowedInState},
		{"dial_crlf", nil, idle, Command{Kind: KindDial, Number: "200\r\nX: y"}, CodeBadNumber},
		{"dial_nothing", nil, idle, Command{Kind: KindDial}, CodeBadNumber},
		{"dial_prefix", policy(DialPolicy{Allows: func(n Number) bool { return n[0] == '+' }}), idle, Command{Kind: KindDial, Number: "900123"}, CodeForbidden},
		{"consult_prefix", policy(DialPolicy{Allows: func(n Number) bool { return n[0] == '+' }}), talk, Command{Kind: KindConsult, Number: "900123"}, CodeForbidden},
		{"blind_prefix", policy(DialPolicy{Allows: func(n Number) bool { return n[0] == '+' }}), talk, Command{Kind: KindBlind, Number: "900123"}, CodeForbidden},
		{"dial_cap", policy(DialPolicy{MaxCalls: 1}), func(s *scene) *scene { return s.talk().blind() }, Command{Kind: KindDial, Number: "200"}, CodeBusy},
		{"no_call", nil, idle, Command{Kind: KindHold}, CodeNoSuchCall},
		{"unknown_call", nil, talk, Command{Kind: KindHold, Call: "c-x"}, CodeNoSuchCall},
		{"unknown_leg", nil, talk, Command{Kind: KindHangup, Leg: "l-x"}, CodeNoSuchCall},
		{"unknown_transfer", nil, talk, Command{Kind: KindCancel, Transfer: "t-x"}, CodeNoSuchTransfer},
		{"answer_talk", nil, talk, Command{Kind: KindAnswer}, CodeNotAllowedInState},
		{"retrieve_talk", nil, talk, Command{Kind: KindRetrieve}, CodeNotAllowedInState},
		{"swap_one", nil, talk, Command{Kind: KindSwap}, CodeNotAllowedInState},
		{"complete_none", nil, talk, Command{Kind: KindComplete}, CodeNotAllowedInState},
		{"consult_twice", nil, consulting, Command{Kind: KindConsult, Number: "200"}, CodeNotAllowedInState},
		{"digits_bad", nil, talk, Command{Kind: KindDigits, Digits: "4x"}, CodeBadArgument},
		{"digits_short", nil, talk, Command{Kind: KindDigits, Digits: "4", DigitDuration: MinDigitDuration - 1}, CodeBadArgument},
		{"digits_negative", nil, talk, Command{Kind: KindDigits, Digits: "4", DigitDuration: -1}, CodeBadArgument},
		{"digits_long", nil, talk, Command{Kind: KindDigits, Digits: "4", DigitDuration: maxDigitTime + 1}, CodeBadArgument},
		{"digits_gap", nil, talk, Command{Kind: KindDigits, Digits: "4", DigitGap: -1}, CodeBadArgument},
		{"verb_bad", nil, talk, Command{Kind: "explode"}, CodeBadArgument},
		{"status_bad", nil, idle, Command{Kind: KindStatus, Status: "lunch"}, CodeBadArgument},
		{"bind_control", nil, talk, Command{Kind: KindBind, Contact: Contact{Name: "a\x00b"}}, CodeBadArgument},
		{"bind_candidate_control", nil, talk, Command{Kind: KindBind, Candidates: []Contact{{ID: "1"}, {Name: "a\nb"}}}, CodeBadArgument},
		{"bind_candidate_empty", nil, talk, Command{Kind: KindBind, Candidates: []Contact{{}}}, CodeBadArgument},
		{"bind_candidates_many", nil, talk, Command{Kind: KindBind, Candidates: make([]Contact, MaxCandidates+1)}, CodeBadArgument},
		{"variables_control", nil, talk, Command{Kind: KindBind, Variables: []Variable{{"a", "b\r\nc"}}}, CodeBadArgument},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := c.from(newScene(c.cfg...))
			before := chart(&s.d)
			err := s.do(Input{Command: &c.cmd})
			if !errors.Is(err, &Refusal{Code: c.code}) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if chart(&s.d) != before {
				t.Errorf("a refused command changed the desk: %s", chart(&s.d))
			}
		})
	}
}

func TestDialsPerSecond(t *testing.T) {
	s := newScene(cfgPersistent, func(c *DeskConfig) { c.Dial.PerSecond = 1 })
	dial := func(after time.Duration) error {
		s.at = s.at.Add(after - time.Second) // do adds one
		err := s.do(Input{Command: &Command{Kind: KindDial, Number: "200"}})
		if err == nil {
			at := s.at
			s.cmd(KindHangup, onCall(s.d.calls[0].id))
			s.at = at
		}
		return err
	}
	if err := dial(time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := dial(100 * time.Millisecond); !errors.Is(err, &Refusal{Code: CodeBusy}) {
		t.Errorf("second dial in a second: %v", err)
	}
	if err := dial(time.Second); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestDigits(t *testing.T) {
	info := func(s *Signal) { s.Events, s.Info = false, true }
	neither := func(s *Signal) { s.Events = false }
	for _, c := range []struct {
		id   string
		mode DTMFMode
		edit func(*Signal)
		want string // action, or code of the refusal
	}{
		{"events", DTMFAuto, func(*Signal) {}, "digits:C"},
		{"info_as_fallback", DTMFAuto, info, "info:C"},
		{"info_only", DTMFInfo, func(s *Signal) { s.Info = true }, "info:C"},
		{"events_only", DTMFRFC4733, info, "unavailable"},
		{"neither", DTMFAuto, neither, "unavailable"},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := newScene(func(cfg *DeskConfig) { cfg.DTMF = c.mode }).offer()
			s.cmd(KindAnswer)
			s.deviceAnswers()
			s.signal(SignalAnswered, s.customer, c.edit)
			got := ""
			if err := s.do(Input{Command: &Command{Kind: KindDigits, Digits: "42#"}}); err != nil {
				var r *Refusal
				errors.As(err, &r)
				got = string(r.Code)
			} else {
				got = s.sent()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestActions: the actions of every leg in every state of the chart are exactly the verbs that next
// accepts there.
func TestActions(t *testing.T) {
	for name, build := range chartStates {
		s := build()
		for _, v := range viewOf(&s.d).calls {
			for _, l := range v.Legs {
				for _, k := range Kinds {
					if k == KindDial || k == KindStatus {
						continue
					}
					_, _, err := next(s.d, Input{At: s.at, Command: &Command{Kind: k, Call: v.ID, Leg: l.ID, Number: "300", Digits: "1"}})
					if listed := slices.Contains(l.Actions, k); listed != (err == nil) {
						t.Errorf("%s: %s on %s leg: listed %v, next says %v", name, k, l.Role, listed, err)
					}
				}
			}
		}
	}
}

// TestDialAgreesWithWhy: an agent who may not dial for a call of his is told which by why, with the state that the refusal
// names; a call that rings always keeps him from dialling.
func TestDialAgreesWithWhy(t *testing.T) {
	for name, build := range chartStates {
		s := build()
		reasons := why(&s.d)
		err := s.do(Input{Command: &Command{Kind: KindDial, Number: "200"}})
		var r *Refusal
		refused := errors.As(err, &r) && r.Code == CodeNotAllowedInState
		rings := slices.ContainsFunc(reasons, func(w Why) bool { return w.Code == WhyOffer })
		named := refused && slices.ContainsFunc(reasons, func(w Why) bool {
			c := s.d.call(w.Call)
			return c != nil && string(c.phase) == r.State && (w.Code == WhyOnCall || w.Code == WhyOffer)
		})
		if rings && !s.d.closed() && (!refused || !strings.Contains(r.Message, "answer or reject it first")) {
			t.Errorf("%s: a call rings, dial says %v", name, err)
		}
		if refused && !named {
			t.Errorf("%s: dial says %v, which no reason of %v explains", name, err, reasons)
		}
	}
}

// TestLineage: ids survive the whole of a consult transfer; what came from where can be told.
func TestLineage(t *testing.T) {
	s := newScene()
	s.offer(func(o *Offer) {
		o.Interaction = "i-from-pbx"
		o.Queue = "Sales"
		o.Variables = []Variable{{"ivr", "2"}}
	})
	s.cmd(KindAnswer)
	s.deviceAnswers()
	s.signal(SignalAnswered, s.customer)
	consulted := s.consultTalk()
	if k := s.d.call(s.consult); k.interaction != "i-from-pbx" || k.from != s.call {
		t.Errorf("consult call: interaction %s, from %s", k.interaction, k.from)
	}
	consulted.complete()
	c := s.d.call(s.call)
	if c == nil || c.interaction != "i-from-pbx" || c.from != s.consult || c.queue != "Sales" || len(c.variables) != 1 {
		t.Fatalf("after complete: %+v", c)
	}
	var ended *CallView
	for _, a := range s.acts {
		if a.Kind == ActPublish && a.Event.Kind == EventCallEnded {
			ended = a.Event.Call
		}
	}
	if ended == nil || ended.ID != s.consult || ended.TransferredTo != s.call || ended.Cause != CauseTransferred {
		t.Errorf("the consult call's end: %+v", ended)
	}
}

func TestWhy(t *testing.T) {
	s := newScene(cfgWait).talk()
	s.offer()
	s.signal(SignalLine, "", func(x *Signal) { x.Reason = "403 Forbidden" })
	s.must(Input{Command: &Command{Kind: KindStatus, Status: StatusPause}})
	s.must(Input{Drain: true})
	var got []WhyCode
	for _, w := range why(&s.d) {
		got = append(got, w.Code)
	}
	want := []WhyCode{WhyDraining, WhyPause, WhyUnregistered, WhyOnCall, WhyOffer}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if w := why(&newScene().d); len(w) != 0 {
		t.Errorf("an available agent has reasons: %v", w)
	}
}
