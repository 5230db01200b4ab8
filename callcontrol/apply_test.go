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

// publishing runs f on the publisher's goroutine: what desks send meanwhile is not told before its end.
func publishing(t *testing.T, sw *Switchboard, f func()) {
	t.Helper()
	if err := sw.pub.do(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// readyToGo leaves anna's desk retired and without a call, ready to be removed.
func readyToGo(t *testing.T, sw *Switchboard, w *world) {
	t.Helper()
	call := talkOn(t, sw, w)
	apply(t, sw, nil, deskBoris)
	must(t, sw, Command{Kind: KindHangup, Call: call.ID})
	<-sw.Retired()
	synctest.Wait()
}

// An agent who was taken back keeps the desk, also while nothing has told of that yet; so does one who left again, but in a call.
func TestRemoveOfATakenBackDesk(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		readyToGo(t, sw, w)
		back := func() {
			sw.apply([]DeskConfig{deskAnna, deskBoris}, []AgentID{"anna"})
			synctest.Wait()
		}
		publishing(t, sw, func() {
			back()
			if gone := sw.remove(); len(gone) != 0 {
				t.Errorf("%v gone who is configured", gone)
			}
		})
		apply(t, sw, nil, deskBoris)
		publishing(t, sw, func() {
			back()
			go func() { _, _ = sw.Do(context.Background(), Command{Kind: KindDial, Agent: "anna", Number: "300"}) }()
			synctest.Wait()
			sw.apply([]DeskConfig{deskBoris}, nil)
			synctest.Wait()
			if gone := sw.remove(); len(gone) != 0 {
				t.Errorf("%v gone in a call", gone)
			}
		})
		synctest.Wait()
		s := snapshot(t, sw)
		if len(s.Calls) != 1 || s.Calls[0].Phase != PhaseTalking {
			t.Fatalf("the call: %+v", s)
		}
		must(t, sw, Command{Kind: KindHangup, Call: s.Calls[0].ID})
		<-sw.Retired()
		if gone := remove(t, sw); !slices.Equal(gone, []AgentID{"anna"}) {
			t.Errorf("gone: %v", gone)
		}
	})
}

// What waits for its patch is told before its desk goes, and commands have their result.
func TestRemoveLosesNoResult(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		readyToGo(t, sw, w)
		results := make(chan error, 2)
		do := func(c Command) {
			go func() {
				_, err := sw.Do(context.Background(), c)
				results <- err
			}()
			synctest.Wait()
		}
		publishing(t, sw, func() {
			sw.apply([]DeskConfig{deskAnna, deskBoris}, []AgentID{"anna"})
			synctest.Wait()
			w.mu.Lock()
			w.hold = true
			w.mu.Unlock()
			do(Command{Kind: KindDial, Agent: "anna", Number: "300"})
			sw.apply([]DeskConfig{deskBoris}, nil)
			do(Command{Kind: KindHangup, Agent: "anna"})
			if gone := sw.remove(); len(gone) != 0 {
				t.Errorf("%v gone with something to tell", gone)
			}
		})
		w.mu.Lock()
		done := w.waiting
		w.hold, w.waiting = false, nil
		w.mu.Unlock()
		for _, f := range done {
			f()
		}
		synctest.Wait()
		for range cap(results) {
			select {
			case err := <-results:
				if err != nil {
					t.Error(err)
				}
			default:
				t.Fatal("a command has no result")
			}
		}
		<-sw.Retired()
		if gone := remove(t, sw); !slices.Equal(gone, []AgentID{"anna"}) {
			t.Errorf("gone: %v", gone)
		}
	})
}

// The removal of an agent is the last that is told of him.
func TestRemoveIsTheLastWord(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		readyToGo(t, sw, w)
		m := NewMirror(snapshot(t, sw))
		publishing(t, sw, func() {
			sw.Signal("anna", Signal{Kind: SignalLine, Reason: "gone"})
			synctest.Wait()
			if gone := sw.remove(); !slices.Equal(gone, []AgentID{"anna"}) {
				t.Errorf("gone: %v", gone)
			}
		})
		synctest.Wait()
		for at, events := m.Cursor, toldSince(t, sw, m.Cursor); len(events) > 0; events = events[1:] {
			at.Seq++
			m.Apply(at, &events[0])
		}
		if _, there := m.Agents["anna"]; there {
			t.Error("a reader of the events still knows the agent")
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

// A persistent device whose agent has another phone from now on is called there: at once, or after the calls.
func TestDeviceMoves(t *testing.T) {
	persistent := func(c *DeskConfig) { c.Connect = Persistent }
	moved := func(s *scene) string {
		s.device = s.d.device.leg.id
		s.signal(SignalMoved, s.device)
		return s.sent()
	}
	calledAnew := func(s *scene) {
		t.Helper()
		s.signal(SignalEnded, s.d.device.ending)
		if got := s.sent(); got != "invite:device,auto" {
			t.Errorf("then %q", got)
		}
		s.deviceAnswers()
		if s.d.device.moved {
			t.Error("the new leg counts as moved")
		}
	}
	s := newScene(persistent)
	if got := moved(s); got != "hangup:A(normal)" {
		t.Errorf("idle: %q", got)
	}
	calledAnew(s)
	s.talk()
	if got := moved(s); got != "" {
		t.Errorf("in a talk: %q", got)
	}
	if err := s.do(Input{Signal: &Signal{Kind: SignalMoved, Leg: s.device}}); err == nil {
		t.Error("told twice, and it means something")
	}
	old := s.device
	s.cmd(KindHangup)
	if s.d.device.ending != old {
		t.Errorf("after the talk: %q", s.sent())
	}
	calledAnew(s)
	s = newScene().dial()
	if got := moved(s); got != "" {
		t.Errorf("while the phone is called for a dial: %q", got)
	}
}
