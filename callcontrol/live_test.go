package callcontrol

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"cordboard/journal"
)

// TestInherit: what was alive when the daemon was killed is told as ended, once, before anything else of the next run, and
// every agent's state after it.
func TestInherit(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		must(t, sw, Command{Kind: KindConsult, Call: c.ID, Number: "300"})
		log, last := sw.deps.Journal.(*journal.Memory[Event]), snapshot(t, sw)
		var live Live
		for _, e := range eventsAfter(t, log, journal.Cursor{}) {
			live.Apply(&e)
		}
		if len(live.Calls) != 2 || len(live.Transfers) != 1 || len(last.Calls) != 2 {
			t.Fatalf("alive: %+v", live)
		}
		nextLife(t, log, live, last)
	})
}

// nextLife is a switchboard after the one that was killed.
func nextLife(t *testing.T, log *journal.Memory[Event], live Live, last Snapshot) {
	w := &world{auto: true}
	sw, err := New(Config{Boot: "c", Desks: []DeskConfig{{Agent: "anna", Line: "100", Trunk: "pbx"}, {Agent: "boris", Line: "101", Trunk: "pbx"}}},
		Deps{Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: log, Directory: w})
	if err != nil {
		t.Fatal(err)
	}
	w.sw = sw
	pauses := 0
	if err := sw.Inherit(t.Context(), live, func() { pauses++ }); err != nil || pauses == 0 {
		t.Fatalf("inherit: %v, %d pauses", err, pauses)
	}
	var told []string
	for _, e := range eventsAfter(t, log, last.Cursor) {
		told = append(told, fmt.Sprint(e.Kind, " ", e.Agent, " ", e.Cause))
		checkEnd(t, &e, last)
		live.Apply(&e)
	}
	want := []string{
		"transfer_changed anna gateway_restart", "leg_ended anna gateway_restart", "leg_ended anna gateway_restart", "call_ended anna gateway_restart",
		"leg_ended anna gateway_restart", "call_ended anna gateway_restart", "agent_changed anna ", "agent_changed boris ",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	if len(live.Calls)+len(live.Transfers) != 0 {
		t.Errorf("still alive: %+v", live)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sw.Run(ctx) }()
	if s := snapshot(t, sw); s.Cursor != log.Last() || len(s.Calls)+len(s.Transfers) != 0 {
		t.Errorf("snapshot %+v", s)
	}
	if err := sw.Inherit(ctx, Live{}, nil); err == nil {
		t.Error("inherited while it runs")
	}
	sw.Signal("anna", Signal{Kind: SignalLine, Up: true})
	sw.Signal("anna", Signal{Kind: SignalDevice, Up: true})
	synctest.Wait()
	talkOn(t, sw, w)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// eventsAfter are the events of a journal as they come back from a disk.
func eventsAfter(t *testing.T, log *journal.Memory[Event], from journal.Cursor) []Event {
	t.Helper()
	var out []Event
	sub := log.Subscribe(from)
	for seq := from.Seq; seq < log.Last().Seq; {
		e, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seq = e.Cursor.Seq
		text, err := json.Marshal(e.Event)
		if err != nil {
			t.Fatal(err)
		}
		var back Event
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		out = append(out, back)
	}
	return out
}

// checkEnd: the end of a call says what the call was.
func checkEnd(t *testing.T, e *Event, last Snapshot) {
	t.Helper()
	if e.Kind != EventCallEnded {
		return
	}
	i := slices.IndexFunc(last.Calls, func(c CallView) bool { return c.ID == e.CallID })
	if i < 0 || e.Call == nil {
		t.Fatalf("end of no call: %+v", e)
	}
	was, c := last.Calls[i], e.Call
	if c.Phase != PhaseEnded || c.Cause != CauseGatewayRestart || len(c.Legs) != 0 || c.Interaction != was.Interaction || c.Remote != was.Remote ||
		!c.Started.Equal(was.Started) || !c.Answered.Equal(was.Answered) || e.At.Before(was.Started) {
		t.Errorf("end of %+v: %+v", was, e)
	}
}

// TestInheritNothing: the first run of all has nothing to tell.
func TestInheritNothing(t *testing.T) {
	w, log := &world{}, journal.NewMemory[Event]("e1", 10)
	sw, err := New(Config{Desks: []DeskConfig{{Agent: "anna"}}}, Deps{Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := sw.Inherit(t.Context(), Live{}, nil); err != nil || log.Last().Seq != 0 {
		t.Errorf("told %d events, %v", log.Last().Seq, err)
	}
}
