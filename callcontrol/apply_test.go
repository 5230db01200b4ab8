package callcontrol

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/journal"
)

func apply(t *testing.T, sw *Switchboard, changed []AgentID, desks ...DeskConfig) {
	t.Helper()
	if err := sw.Apply(context.Background(), desks, changed); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func remove(t *testing.T, sw *Switchboard) []AgentID {
	t.Helper()
	gone, err := sw.Remove(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

// toldSince are the events from a place to the newest.
func toldSince(t *testing.T, sw *Switchboard, from journal.Cursor) (out []Event) {
	t.Helper()
	sub := sw.Subscribe(from)
	for last := sw.deps.Journal.Last(); from.Seq < last.Seq; {
		e, err := sub.Next(context.Background())
		if err != nil || e.Gap != nil {
			t.Fatalf("%v, %v", err, e.Gap)
		}
		from = e.Cursor
		out = append(out, e.Event)
	}
	return out
}

var (
	deskAnna  = DeskConfig{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}
	deskBoris = DeskConfig{Agent: "boris", Line: "101", Trunk: "pbx"}
	deskVira  = DeskConfig{Agent: "vira", Line: "102", Trunk: "pbx"}
)

// An agent who comes has a desk at once; one who goes in a call keeps it to its end, and takes none after it.
func TestApplyAddsAndRemoves(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		call := talkOn(t, sw, w)
		before := snapshot(t, sw).Cursor
		apply(t, sw, nil, deskVira, deskBoris)
		s := snapshot(t, sw)
		if len(s.Agents) != 3 || s.Agents[0].ID != "vira" || s.Agents[2].ID != "anna" || len(s.Calls) != 1 || s.Calls[0].Phase != PhaseTalking {
			t.Fatalf("after the change: %+v", s)
		}
		if gone := remove(t, sw); len(gone) != 0 {
			t.Errorf("%v gone in a call", gone)
		}
		must(t, sw, Command{Kind: KindHold, Call: call.ID})
		must(t, sw, Command{Kind: KindRetrieve, Call: call.ID})
		sw.Incoming(Offer{Kind: OfferLine, Leg: sw.NewLegID(), Trunk: "pbx", Line: "100"})
		synctest.Wait()
		if !w.has("reject draining") {
			t.Errorf("a new call was not refused: %v", w.log)
		}
		must(t, sw, Command{Kind: KindHangup, Call: call.ID})
		<-sw.Retired()
		if gone := remove(t, sw); !slices.Equal(gone, []AgentID{"anna"}) {
			t.Errorf("gone: %v", gone)
		}
		refused(t, sw, Command{Kind: KindDial, Agent: "anna", Number: "300"}, CodeNoSuchAgent)
		refused(t, sw, Command{Kind: KindHangup, Call: call.ID}, CodeNoSuchCall)
		sw.Signal("vira", Signal{Kind: SignalLine, Up: true})
		sw.Signal("vira", Signal{Kind: SignalDevice, Up: true})
		synctest.Wait()
		must(t, sw, Command{Kind: KindDial, Agent: "vira", Number: "300"})
		agents := map[AgentID]bool{"anna": true, "boris": true} // by the events
		for _, e := range toldSince(t, sw, before) {
			switch e.Kind {
			case EventAgentChanged:
				agents[e.Agent] = true
			case EventAgentRemoved:
				delete(agents, e.Agent)
			}
		}
		for _, a := range snapshot(t, sw).Agents {
			if !agents[a.ID] {
				t.Errorf("no event told of %s", a.ID)
			}
			delete(agents, a.ID)
		}
		if len(agents) != 0 {
			t.Errorf("no event told that these are gone: %v", agents)
		}
	})
}

// An agent whose desk is still at something when Remove looks is told of again.
func TestRemoveOfABusyDesk(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		call := talkOn(t, sw, w)
		apply(t, sw, nil, deskBoris)
		must(t, sw, Command{Kind: KindHangup, Call: call.ID})
		<-sw.Retired()
		synctest.Wait()
		stands := make(chan struct{})
		r := sw.roster.of("anna")
		next := r.next
		r.next = func(d Desk, in Input) (Desk, []Action, error) { <-stands; return next(d, in) }
		sw.Signal("anna", Signal{Kind: SignalDevice, Up: true})
		synctest.Wait()
		if gone := remove(t, sw); len(gone) != 0 {
			t.Errorf("%v gone while the desk is at something", gone)
		}
		close(stands)
		<-sw.Retired()
		if gone := remove(t, sw); !slices.Equal(gone, []AgentID{"anna"}) {
			t.Errorf("gone: %v", gone)
		}
	})
}

// An agent who comes back before the last call has ended stays as if nothing had been.
func TestApplyTakesBack(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		call := talkOn(t, sw, w)
		apply(t, sw, nil, deskBoris)
		apply(t, sw, []AgentID{"anna"}, deskAnna, deskBoris)
		must(t, sw, Command{Kind: KindHangup, Call: call.ID})
		if gone := remove(t, sw); len(gone) != 0 {
			t.Errorf("gone: %v", gone)
		}
		talkOn(t, sw, w)
	})
}

// What may be dialled counts at once, everything else from the end of the calls.
func TestApplySettings(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		call := talkOn(t, sw, w)
		must(t, sw, Command{Kind: KindHold, Call: call.ID})
		c := deskAnna
		c.Name, c.Line, c.Hold, c.Connect, c.HoldLimit = "Anna", "105", HoldSignal, Persistent, time.Minute
		c.Dial.Allows = func(n Number) bool { return n != "300" }
		apply(t, sw, []AgentID{"anna"}, c, deskBoris)
		refused(t, sw, Command{Kind: KindConsult, Call: call.ID, Number: "300"}, CodeForbidden)
		if a := snapshot(t, sw).Agents[0]; a.Name != "Anna" || a.Line != "100" {
			t.Errorf("in the call: %+v", a)
		}
		time.Sleep(2 * time.Minute) // within the limit with which the hold began
		synctest.Wait()
		must(t, sw, Command{Kind: KindRetrieve, Call: call.ID})
		if w.has("reoffer") {
			t.Error("the end of a local hold was signalled")
		}
		must(t, sw, Command{Kind: KindHangup, Call: call.ID})
		if a := snapshot(t, sw).Agents[0]; a.Line != "105" || a.Device.Leg == "" {
			t.Errorf("after the call: %+v", a)
		}
		apply(t, sw, []AgentID{"anna"}, deskAnna, deskBoris)
		if a := snapshot(t, sw).Agents[0]; a.Line != "100" || a.Device.Leg != "" {
			t.Errorf("without a call: %+v", a)
		}
	})
}

// A mistake changes nothing.
func TestApplyRefuses(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		for _, desks := range [][]DeskConfig{{deskVira, deskVira}, {{}}, {{Agent: "vira", Identity: Identity{Number: "1;2"}}}} {
			if err := sw.Apply(context.Background(), desks, nil); err == nil {
				t.Errorf("%+v was taken", desks)
			}
		}
		if s := snapshot(t, sw); len(s.Agents) != 2 {
			t.Errorf("agents: %+v", s.Agents)
		}
	})
}
