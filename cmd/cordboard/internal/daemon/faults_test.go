package daemon

import (
	"slices"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/rtp"
	"cordboard/sim"
	"cordboard/sipua"
)

// TestFaults are customers and networks that do not behave, side by side: one of them takes the 32 s of RFC 3261's timer H.
func TestFaults(t *testing.T) {
	gate(t)
	for name, run := range map[string]func(*cellWorld){
		"lossy_call": lossyCall, "jittery_call": jitteryCall, "dead_customer": deadCustomer, "customer_vanishes": customerVanishes,
		"caller_never_acks": callerNeverAcks, "caller_hangs_up_at_answer": callerHangsUpAtAnswer,
		"quality_shows": qualityShows,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newCellWorld(t, sipCell{}))
		})
	}
}

// figures are those of the customer's or the device's stream.
func (w *cellWorld) figures(device bool) rtp.Stats {
	w.t.Helper()
	legs := w.daemon.desk(anna).all()
	i := slices.IndexFunc(legs, func(l *leg) bool { _, s, _ := l.current(); return l.device == device && s != nil })
	if i < 0 {
		w.t.Fatalf("there is no such leg\n%s", w.describe())
	}
	_, s, _ := legs[i].current()
	return s.Stats()
}

// talking is a customer in a call that agent0 answered at the phone.
func (w *cellWorld) talking() (c, a *sim.Party) {
	w.t.Helper()
	c = w.call()
	a = w.takesIt()
	w.must(c.Wait(w.ctx, sim.StateTalking))
	return c, a
}

// takesIt is the agent who answers the ringing phone.
func (w *cellWorld) takesIt() *sim.Party {
	w.t.Helper()
	a, err := w.phones[0].Call(w.ctx, 1)
	w.must(err)
	a.Answer()
	w.phase(callcontrol.PhaseTalking, 1)
	return a
}

// A customer behind a network that loses 5 %: the call stays, both hear, what we send stays as whole as it can be, and the
// figures tell.
func lossyCall(w *cellWorld) {
	c, a := w.talking()
	c.Sound.Faults(sim.Faults{Seed: 5, Loss: 0.05, Duplicate: 0.01}, sim.Faults{})
	w.until("the loss shows", func() bool { s := w.figures(false); return s.PacketsReceived > 250 && s.LossRatio > 0.02 })
	bad, good := w.figures(false), w.figures(true)
	if bad.LossRatio > 0.1 || bad.SequenceGaps < 5 || bad.Duplicate == 0 || bad.MOS >= good.MOS-0.2 {
		w.t.Errorf("customer's leg %+v", bad)
	}
	if good.Lost != 0 || good.MOS < 4.3 {
		w.t.Errorf("device's leg %+v", good)
	}
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(c, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(c, "agent", a, "customer")
	lost := w.figures(false).SequenceGaps
	c.Hangup()
	w.ended(c, a)
	w.whole(c)
	// What is relayed keeps its gaps, so that the phone can conceal them; it gets no others.
	if wire := a.Sound.Wire(); wire.SSRCChanges+wire.TimestampErrors > 0 || wire.SequenceGaps > int(lost)+5 {
		w.t.Errorf("the phone received %+v, the customer's stream had %d gaps", wire, lost)
	}
}

// A network whose packets overtake each other is heard, and measured.
func jitteryCall(w *cellWorld) {
	c, a := w.talking()
	c.Sound.Faults(sim.Faults{Seed: 6, Delay: 20 * time.Millisecond, Jitter: 50 * time.Millisecond}, sim.Faults{})
	w.until("the jitter shows", func() bool { s := w.figures(false); return s.Jitter > 5*time.Millisecond && s.Reordered > 5 })
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.whole(c)
}

// A customer whose packets stop is hung up once rtp.timeout.talk is over.
func deadCustomer(w *cellWorld) {
	c, a := w.talking()
	w.hears(c, "agent", a, "customer")
	from := w.daemon.events.Last()
	c.Sound.Mute(true)
	w.ended(c, a)
	if _, cause, byPeer := c.Outcome(); cause != sipua.CauseHangup || !byPeer {
		w.t.Errorf("the customer's call ended with %s, want our BYE", cause)
	}
	if e := w.event(from, callcontrol.EventCallEnded); e.Cause != callcontrol.CauseMediaLost {
		w.t.Errorf("the call ended with %q", e.Cause)
	}
}

// A customer who vanishes, with no BYE and no answer to ours, leaves nothing behind either.
func customerVanishes(w *cellWorld) {
	c := w.raw(sim.RawConfig{From: "<sip:380441234567@pbx.test>", Source: voice("customer")()})
	w.phase(callcontrol.PhaseOffered, 1)
	a := w.takesIt()
	w.hears(a, "customer")
	c.Die()
	w.ended(a)
	w.free()
	w.within(60*time.Second, "nothing is left once our BYE is given up", func() bool { return w.idle() && w.daemon.stack.Pending() == 0 })
}

// A caller that never acknowledges the answer gets it again and again, and a BYE after 64×T1 (RFC 3261 §13.3.1.4).
func callerNeverAcks(w *cellWorld) {
	c := w.raw(sim.RawConfig{From: "<sip:380441234567@pbx.test>", Source: voice("customer")(), NoAck: true})
	w.phase(callcontrol.PhaseOffered, 1)
	from := w.daemon.events.Last()
	a := w.takesIt()
	w.hears(a, "customer")
	w.must(c.Wait(w.ctx, func(s sim.RawSeen) bool { return s.OKs >= 5 }))
	w.must(c.Wait(w.ctx, func(s sim.RawSeen) bool { return s.Byes > 0 }))
	w.ended(a)
	if e := w.event(from, callcontrol.EventCallEnded); e.Cause != callcontrol.CauseTimeout {
		w.t.Errorf("the call ended with %q", e.Cause)
	}
}

// A caller that hangs up in the moment of the answer: CANCEL after the 200 changes nothing, BYE ends the call.
func callerHangsUpAtAnswer(w *cellWorld) {
	c := w.raw(sim.RawConfig{From: "<sip:380441234567@pbx.test>", HangupAtAnswer: true})
	w.phase(callcontrol.PhaseOffered, 1)
	a, err := w.phones[0].Call(w.ctx, 1)
	w.must(err)
	a.Answer()
	w.must(c.Wait(w.ctx, func(s sim.RawSeen) bool { return s.Status == 200 && s.Cancel != 0 && s.Bye == 200 }))
	w.ended(a)
	w.free()
}
