package daemon

import (
	"testing"

	"cordboard/callcontrol"
	"cordboard/sim"
)

func TestBlindRefer(t *testing.T) {
	t.Run("target_answers", func(t *testing.T) {
		w := newWorld(t, setup{trunk: "transfer: refer"})
		c, a := w.talk()
		w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: "2001"})
		w.ended(c, a)
		if got := c.Referred(); got.Target != "2001" || got.Replaces != nil {
			t.Errorf("referred to %+v", got)
		}
		w.free()
	})
	t.Run("target_fails", func(t *testing.T) {
		w := newWorld(t, setup{trunk: "transfer: refer"})
		c, a := w.talk()
		c.ReferEnds(486)
		w.do(callcontrol.Command{Kind: callcontrol.KindBlind, Number: "2101"})
		w.until("the peer was referred", func() bool { return c.Referred().Target == "2101" })
		w.phase(callcontrol.PhaseTalking, 1)
		w.hears(c, "agent", w.device(), "customer")
		c.Hangup()
		w.ended(c, a)
	})
}

// A consult transfer by REFER asks the customer's peer to take our place in the talk with the target (RFC 5589 §7).
func TestConsultRefer(t *testing.T) {
	w := newWorld(t, setup{trunk: "transfer: refer"})
	c, a, target := w.consulting("2001", sim.StateTalking)
	want := target.Dialog()
	w.do(callcontrol.Command{Kind: callcontrol.KindComplete})
	w.ended(c, a, target)
	got := c.Referred()
	if got.Target != "2001" || got.Replaces == nil || got.Replaces.CallID != want.CallID {
		t.Errorf("referred to %+v, want to replace %+v", got, want)
	}
	w.free()
}

// A peer's REFER is followed only where the trunk allows it.
func TestPeerRefers(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a := w.talk()
		c.Refer("2001", "127.0.0.1")
		w.hears(c, "agent", a, "customer")
		if n := w.pbx.Calls("2001"); n != 0 {
			t.Errorf("2001 was called %d times", n)
		}
		c.Hangup()
		w.ended(c, a)
	})
	t.Run("followed", func(t *testing.T) {
		w := newWorld(t, setup{trunk: "refer_allowed: true"})
		c, a := w.talk()
		c.Refer("2001", "127.0.0.1")
		target := w.called("2001", sim.StateTalking)
		w.hears(a, "target", target, "agent") // the peer asked us to call somebody else instead of it
		w.ended(c)
		a.Hangup()
		w.ended(a, target)
	})
	t.Run("outside_the_dial_rules", func(t *testing.T) {
		w := newWorld(t, setup{trunk: `refer_allowed: true, dial: {allow: ["1xxx"]}`})
		c, a := w.talk()
		c.Refer("2001", "127.0.0.1")
		w.hears(c, "agent", a, "customer")
		if n := w.pbx.Calls("2001"); n != 0 {
			t.Errorf("2001 was called %d times", n)
		}
		c.Hangup()
		w.ended(c, a)
	})
}
