package daemon

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// secondPhone registers another phone of the same user, at the server that is named: the daemon, or a relay before it.
func (w *world) secondPhone(server netip.AddrPort, auto bool) *sim.Phone {
	w.t.Helper()
	p, err := sim.NewPhone(sim.PhoneConfig{
		Addr: loopback, Server: server, User: "phone" + user(0), Password: "phone" + user(0), Source: voice("other"), AutoAnswer: auto,
	})
	w.must(err)
	w.background("second phone", p.Run)
	w.must(p.WaitRegistered(w.ctx))
	w.phones = append(w.phones, p)
	return p
}

// badRoad is a relay between a phone and the daemon.
func (w *world) badRoad() *sim.Relay {
	w.t.Helper()
	r, err := sim.NewRelay(loopbackAny, w.sip(), sim.Faults{})
	w.must(err)
	w.background("relay", r.Run)
	return r
}

// nth is the n-th call of a phone.
func (w *world) nth(p *sim.Phone, n int) *sim.Party {
	w.t.Helper()
	party, err := p.Call(w.ctx, n)
	w.must(err)
	return party
}

// rung waits until both phones ring for the n-th time.
func (w *world) rung(n int) (a, b *sim.Party) {
	w.t.Helper()
	a, b = w.nth(w.phones[0], n), w.nth(w.phones[1], n)
	w.must(a.Wait(w.ctx, sim.StateRinging))
	w.must(b.Wait(w.ctx, sim.StateRinging))
	return a, b
}

// A call rings at every phone of the agent. The one that is picked up has it; the others are told that it was.
func TestPhonesRingTogether(t *testing.T) {
	w := newWorld(t, setup{manual: true})
	w.secondPhone(w.sip(), false)
	for n, answers := range []int{1, 0} {
		c := w.call()
		a, b := w.rung(n + 1)
		picks, other := b, a
		voice := "other"
		if answers == 0 {
			picks, other, voice = a, b, "agent"
		}
		picks.Answer()
		w.must(c.Wait(w.ctx, sim.StateTalking))
		w.hears(c, voice, picks, "customer")
		w.ended(other)
		if got := other.Reason(); got != "Call completed elsewhere" {
			t.Errorf("the other phone is told %q", got)
		}
		w.do(callcontrol.Command{Kind: callcontrol.KindHold})
		w.hears(c, "music", picks, "")
		c.Hangup()
		w.ended(c, picks)
		w.whole(c, picks)
		w.free()
	}
	c := w.call()
	a, b := w.rung(3)
	c.Hangup()
	w.ended(a, b)
	if got := a.Reason(); got != "" {
		t.Errorf("a phone is told %q of a call that nobody took", got)
	}
}

// Two phones are picked up at the same time: one of them has the call, the other one is hung up.
func TestPhonesPickedUpTogether(t *testing.T) {
	w := newWorld(t, setup{manual: true})
	w.secondPhone(w.sip(), false)
	for n := range 5 {
		c := w.call()
		a, b := w.rung(n + 1)
		a.Answer()
		b.Answer()
		w.must(c.Wait(w.ctx, sim.StateTalking))
		w.until("one phone has the call", func() bool { return (a.State() == sim.StateEnded) != (b.State() == sim.StateEnded) })
		has, voice := a, "agent"
		if a.State() == sim.StateEnded {
			has, voice = b, "other"
		}
		w.hears(c, voice, has, "customer")
		has.Hangup()
		w.ended(c, a, b)
		w.free()
	}
}

// A phone that is busy leaves the call to the other one; a person who declines refuses it for all.
func TestPhonesRefuse(t *testing.T) {
	w := newWorld(t, setup{manual: true})
	w.secondPhone(w.sip(), false)
	refused := func(c *sim.Party, status int) {
		t.Helper()
		w.ended(c)
		if got, _, _ := c.Outcome(); got != status {
			t.Errorf("the customer got %d, want %d", got, status)
		}
		w.free()
	}
	c := w.call()
	a, b := w.rung(1)
	a.Reject(486)
	w.ended(a)
	b.Answer()
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.hears(c, "other", b, "customer")
	c.Hangup()
	w.ended(b)
	w.free()

	c = w.call()
	a, b = w.rung(2)
	b.Reject(603)
	w.ended(a)
	refused(c, 603)

	c = w.call()
	a, b = w.rung(3)
	a.Reject(486)
	w.ended(a)
	b.Reject(500)
	refused(c, 486)
}

// Only one phone is asked to answer by itself: that which answered last, else the one that registered last. The next one is
// asked when it refuses.
func TestOnePhoneAnswersByItself(t *testing.T) {
	w := newWorld(t, setup{})
	first, second := w.phones[0], w.secondPhone(w.sip(), true)
	talk := func(p *sim.Phone, n int, voice string) {
		t.Helper()
		a := w.nth(p, n)
		w.must(a.Wait(w.ctx, sim.StateTalking))
		target, err := w.pbx.Called(w.ctx, "2001", w.pbx.Calls("2001")+1)
		w.must(err)
		w.must(target.Wait(w.ctx, sim.StateTalking))
		w.hears(target, voice, a, "target")
		target.Hangup()
		w.ended(target, a)
		w.free()
	}
	dial := callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"}
	w.do(dial)
	talk(second, 1, "other")
	if n := first.Calls(); n != 0 {
		t.Errorf("the other phone was called %d times", n)
	}
	c := w.call() // without being asked they ring
	a, b := w.nth(first, 1), w.nth(second, 2)
	a.Answer()
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.ended(b)
	c.Hangup()
	w.ended(c, a)
	w.free()
	w.do(dial)
	talk(first, 2, "agent")
	if n := second.Calls(); n != 2 {
		t.Errorf("the other phone was called %d times", n)
	}
}

// A phone that is dead but still registered costs no call: the other ones ring, and a call that is to be answered at once goes
// on to the next phone when one says nothing, or refuses.
func TestDeadPhone(t *testing.T) {
	w := newWorld(t, setup{})
	first := w.phones[0]
	road := w.badRoad()
	second := w.secondPhone(road.Addr(), true)
	road.Set(sim.Faults{Down: true})
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"}) // the dead one is the newest
	target := w.called("2001", sim.StateTalking)
	a := w.nth(first, 1)
	w.hears(target, "agent", a, "target")
	a.Hangup()
	w.ended(a, target)
	w.free()

	c := w.call()
	rings := w.nth(first, 2)
	w.must(rings.Wait(w.ctx, sim.StateRinging))
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	a = w.nth(first, 3)
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)

	road.Set(sim.Faults{}) // it comes to life and is asked for calls that are over: it must not keep one
	ctx, cancel := context.WithTimeout(w.ctx, 40*time.Second)
	defer cancel()
	for w.daemon.stack.Dialogs() > 0 {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d dialogs are left", w.daemon.stack.Dialogs())
		}
	}
	for n := range second.Calls() {
		w.ended(w.nth(second, n+1))
	}
}

func TestPhoneThatRefusesIsPassedOver(t *testing.T) {
	w := newWorld(t, setup{manual: true})
	second := w.secondPhone(w.sip(), false)
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"})
	w.nth(second, 1).Reject(430)
	a := w.nth(w.phones[0], 1)
	if len(a.Headers()) == 0 {
		t.Error("the next phone is not asked to answer by itself")
	}
	a.Answer()
	target := w.called("2001", sim.StateTalking)
	w.hears(target, "agent", a, "target")
	a.Hangup()
	w.ended(a, target)
}

// After a hang-up a phone that still rings is waited for, for it would take the next call for a second one. A dead one is not.
func TestHangupWaitsForPhonesThatRing(t *testing.T) {
	dead := time.Now().Add(-deviceSilence)
	for _, c := range []struct {
		name string
		call ringCall
		hung bool
		over bool
	}{
		{"rings", ringCall{since: dead, heard: true}, true, false},
		{"called just now", ringCall{since: time.Now().Add(time.Minute)}, true, false},
		{"dead", ringCall{since: dead}, true, true},
		{"dead, but not hung up", ringCall{since: dead}, false, false},
		{"ended", ringCall{since: dead, heard: true, gone: true}, false, true},
	} {
		r := &ring{hung: c.hung, calls: []*ringCall{{gone: true}, &c.call}}
		if got := r.overLocked(); got != c.over {
			t.Errorf("%s: over is %v", c.name, got)
		}
		if r.overLocked() {
			t.Errorf("%s: told twice", c.name)
		}
	}
}
