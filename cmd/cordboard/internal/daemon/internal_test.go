package daemon

import (
	"slices"
	"testing"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// callOf is the newest call of an agent that has not ended.
func (w *world) callOf(a callcontrol.AgentID) (callcontrol.CallView, bool) {
	w.t.Helper()
	for _, c := range slices.Backward(w.snapshot().Calls) {
		if c.Agent == a && c.Phase != callcontrol.PhaseEnded {
			return c, true
		}
	}
	return callcontrol.CallView{}, false
}

// answered is agent n's side of a call that came to its line and is answered by command.
func (w *world) answered(n int) *sim.Party {
	w.t.Helper()
	id := callcontrol.AgentID(agent(n))
	w.until("the call is offered to the other agent", func() bool {
		c, ok := w.callOf(id)
		return ok && c.Phase == callcontrol.PhaseOffered
	})
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: id})
	return w.deviceOf(n)
}

// A call from one agent to another goes out on the one's line and comes in on the other's, through the PBX.
func TestInternalCall(t *testing.T) {
	w := newWorld(t, setup{agents: 2, says: []string{"agent", "other"}})
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "1002"})
	b := w.answered(1)
	a := w.device()
	w.hears(a, "other", b, "agent")
	in, _ := w.callOf("agent1")
	out, _ := w.callOf(anna)
	if in.Direction != callcontrol.Internal || out.Direction != callcontrol.Internal {
		t.Errorf("directions %q and %q, want internal", out.Direction, in.Direction)
	}
	if in.Remote.Number != "1001" || out.Remote.Number != "1002" {
		t.Errorf("the agents talk to %+v and %+v", in.Remote, out.Remote)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(b, "music", a, "")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(a, "other", b, "agent")
	b.Sound.Press("5#")
	w.until("keys pass both daemons' legs", func() bool { return a.Sound.Digits() == "5#" })
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup, Agent: "agent1"})
	w.ended(a, b)
	w.whole(a, b)
}

// A consult with a colleague of the same daemon, completed: customer and colleague talk through both desks.
func TestInternalConsult(t *testing.T) {
	w := newWorld(t, setup{agents: 2, says: []string{"agent", "other"}})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindConsult, Number: "1002"})
	b := w.answered(1)
	w.hears(a, "other", b, "agent", c, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindConference})
	w.hears(a, "other+customer", b, "agent+customer", c, "agent+other")
	w.do(callcontrol.Command{Kind: callcontrol.KindComplete})
	w.ended(a)
	w.hears(c, "other", b, "customer")
	w.until("the colleague is told who it talks to now", func() bool {
		v, ok := w.callOf("agent1")
		return ok && v.Remote.Number == "380441234567"
	})
	c.Hangup()
	w.ended(c, b)
	w.whole(a, b, c)
}
