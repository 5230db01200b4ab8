package daemon

import (
	"errors"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

func TestInboundAnsweredByCommand(t *testing.T) {
	w := newWorld(t, setup{})
	c := w.call(sipua.Header{Name: "X-Queue", Value: "Sales"}, sipua.Header{Name: "X-Ivr-Choice", Value: "2"})
	call := w.snapshot().Calls[0]
	if call.Queue != "Sales" || len(call.Variables) != 1 || call.Variables[0].Value != "2" || call.Remote.Number != "380441234567" || call.Remote.Display != "Olena" {
		t.Errorf("call %+v", call)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	a := w.device()
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.ended(c, a)
	w.whole(c, a)
}

func TestInboundAnsweredAtThePhone(t *testing.T) {
	w := newWorld(t, setup{manual: true})
	c := w.call()
	a, err := w.phones[0].Call(w.ctx, 1)
	w.must(err)
	a.Answer()
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.hears(c, "agent", a, "customer")
	a.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

func TestHoldMuteRetrieve(t *testing.T) {
	w := newWorld(t, setup{patient: true})
	c, a := w.talk()
	for _, step := range []struct {
		kind     callcontrol.Kind
		customer string
		agent    string
	}{
		{callcontrol.KindHold, "music", ""},
		{callcontrol.KindRetrieve, "agent", "customer"},
		{callcontrol.KindMute, "", "customer"},
		{callcontrol.KindUnmute, "agent", "customer"},
		{callcontrol.KindHold, "music", ""},
		{callcontrol.KindRetrieve, "agent", "customer"},
	} {
		w.do(callcontrol.Command{Kind: step.kind})
		w.hears(c, step.customer, a, step.agent)
	}
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

func TestHoldSignalled(t *testing.T) {
	w := newWorld(t, setup{trunk: "hold: signal"})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.until("the customer's phone is told", c.OnHold)
	w.hears(c, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.until("the customer's phone is told", func() bool { return !c.OnHold() })
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
}

func TestHoldAtThePhone(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	a.Hold()
	w.hears(c, "music")
	a.Resume()
	w.hears(c, "agent", a, "customer")
	a.Hangup()
	w.ended(c, a)
}

func TestDigits(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "42#"})
	w.until("the customer received the digits", func() bool { return c.Sound.Digits() == "42#" })
	w.hears(c, "agent") // our own digits are through: while they are sent, relayed ones would be mixed into them
	a.Sound.Press("7*")
	w.until("the agent's keys are relayed", func() bool { return c.Sound.Digits() == "42#7*" })
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

// With different codecs nothing can be relayed: sound is mixed, and keys are made anew.
func TestTranscodedCall(t *testing.T) {
	w := newWorld(t, setup{trunk: "codecs: [PCMU]", device: "codecs: [PCMA]"})
	c, a := w.talk()
	w.hears(c, "agent", a, "customer")
	a.Sound.Press("7*")
	w.until("the agent's keys reach the customer", func() bool { return c.Sound.Digits() == "7*" })
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

func TestPersistentDevice(t *testing.T) {
	w := newWorld(t, setup{device: "connect: persistent"})
	a := w.device() // connected before any call
	c := w.call()
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.ended(c)
	w.hears(a, "")
	c = w.call()
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c)
	if n := w.phones[0].Calls(); n != 1 {
		t.Errorf("the phone was called %d times, want one long connection", n)
	}
	w.persistent = true
	w.whole(a)
}

func TestDialOut(t *testing.T) {
	w := newWorld(t, setup{})
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"})
	target := w.called("2001", sim.StateTalking)
	a := w.device()
	w.hears(target, "agent", a, "target")
	target.Hangup()
	w.ended(target, a)
	w.whole(target, a)
}

func TestDialFromThePhone(t *testing.T) {
	w := newWorld(t, setup{})
	a, err := w.phones[0].Dial("2001")
	w.must(err)
	target := w.called("2001", sim.StateTalking)
	w.must(a.Wait(w.ctx, sim.StateTalking))
	w.hears(target, "agent", a, "target")
	a.Hangup()
	w.ended(target, a)
}

func TestDialBusyTellsByTone(t *testing.T) {
	w := newWorld(t, setup{})
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2101"})
	a := w.device()
	w.hears(a, "busy")
	w.ended(a)
}

func TestDialEarlyMedia(t *testing.T) {
	w := newWorld(t, setup{plan: map[string]sim.Behaviour{"2010": {Ring: 3 * time.Second, Early: true, Source: voice("target")}}})
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2010"})
	a := w.device()
	p := w.called("2010")
	w.hears(a, "target")
	w.must(p.Wait(w.ctx, sim.StateTalking))
	w.hears(p, "agent", a, "target")
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.ended(p, a)
}

func TestDialPolicyRefuses(t *testing.T) {
	w := newWorld(t, setup{trunk: `dial: {allow: ["2xxx"]}`})
	_, err := w.try(callcontrol.Command{Kind: callcontrol.KindDial, Number: "900123"})
	var refusal *callcontrol.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("dialled outside the allow list: %v", err)
	}
	if w.phones[0].Calls() != 0 {
		t.Error("the phone was called for a refused number")
	}
}

func TestBadNumbersAreRefused(t *testing.T) {
	w := newWorld(t, setup{})
	for _, n := range []callcontrol.Number{"", "12\r\nX: y", "\x00", "ü", "1 2"} {
		_, err := w.try(callcontrol.Command{Kind: callcontrol.KindDial, Number: n})
		if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeBadNumber}) {
			t.Errorf("number %q: %v", n, err)
		}
	}
}

func TestNoDevice(t *testing.T) {
	w := newWorld(t, setup{noPhone: true})
	_, err := w.try(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"})
	if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNoDevice}) {
		t.Errorf("dial without a device: %v", err)
	}
	if why := w.snapshot().Agents[0].Why; len(why) == 0 {
		t.Error("no reason is given")
	}
}

func TestDrain(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	stop := w.stops[1] // the daemon
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	w.until("the daemon drains", func() bool { return w.snapshot().Draining })
	if _, err := w.try(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"}); err == nil {
		t.Error("dialled while draining")
	}
	second := w.dialIn()
	w.ended(second)
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	<-done
	w.stops[1] = func() {}
}

// The second signal ends every call with a BYE.
func TestForcedStop(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	stop := w.stops[1]
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	w.until("the daemon drains", func() bool { return w.snapshot().Draining })
	close(w.force)
	w.ended(c, a)
	for _, p := range []*sim.Party{c, a} {
		if _, cause, byPeer := p.Outcome(); cause != sipua.CauseHangup || !byPeer {
			t.Errorf("%s ended with %s, want the daemon's BYE", p.Name, cause)
		}
	}
	<-done
	w.stops[1] = func() {}
}
