package daemon

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// told is one event of a call, so many seconds after its start.
func told(id callcontrol.CallID, start time.Time, after int, p callcontrol.Phase, by callcontrol.Ender) callcontrol.Event {
	e := callcontrol.Event{Kind: callcontrol.EventCallChanged, At: start.Add(time.Duration(after) * time.Second), CallID: id, Agent: "anna"}
	e.Call = &callcontrol.CallView{ID: id, Agent: "anna", Phase: p, Started: start, EndedBy: by}
	if p == callcontrol.PhaseEnded {
		e.Kind = callcontrol.EventCallEnded
	}
	return e
}

// handOver lets the history take what was closed, as a running daemon does.
func (l *lives) handOver() {
	l.t.Helper()
	if h := l.living.history; !h.ready() {
		if err := h.load(l.t.Context()); err != nil {
			l.t.Fatal(err)
		}
	}
	l.living.hand()
}

// records are those of the history, by call; one that is there twice fails.
func (l *lives) records() map[callcontrol.CallID]callcontrol.HistoryRecord {
	l.t.Helper()
	l.handOver()
	all, err := l.living.history.find(l.t.Context(), control.HistoryQuery{Limit: 1000})
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[callcontrol.CallID]callcontrol.HistoryRecord{}
	for _, r := range all {
		if _, twice := out[r.Call]; twice {
			l.t.Errorf("call %s is there twice", r.Call)
		}
		out[r.Call] = r
	}
	return out
}

// A call that ends has one record, wherever between its end and the disk the daemon was killed, with the time of all lives.
func TestHistoryOverRestarts(t *testing.T) {
	l := &lives{t: t, dir: t.TempDir()}
	start := time.Now().Add(-time.Hour)
	offered, talking, held, ended := callcontrol.PhaseOffered, callcontrol.PhaseTalking, callcontrol.PhaseHeld, callcontrol.PhaseEnded
	l.begin("events")
	for _, id := range []callcontrol.CallID{"behind", "closed", "handed", "alive"} {
		l.append(true, told(id, start, 0, offered, ""), told(id, start, 5, talking, ""), told(id, start, 15, held, ""))
	}
	l.append(true, told("done", start, 0, offered, ""), told("done", start, 3, ended, callcontrol.EnderCustomer))
	l.append(true, told("handed", start, 35, ended, callcontrol.EnderAgent))
	l.handOver() // in the history, and its row still in the table
	l.append(true, told("closed", start, 35, ended, callcontrol.EnderAgent))
	l.append(false, told("behind", start, 35, ended, callcontrol.EnderAgent))
	l.die()

	l.want(l.begin("events"), "alive held")
	got := l.records()
	if len(got) != 4 {
		t.Errorf("%d records: %+v", len(got), got)
	}
	want := callcontrol.Parts{Ring: 5 * time.Second, Talk: 10 * time.Second, Held: 20 * time.Second}
	for _, id := range []callcontrol.CallID{"behind", "closed", "handed"} {
		if r := got[id]; r.Parts != want || r.EndedBy != callcontrol.EnderAgent || r.Ended.Sub(r.Started) != want.Sum() {
			t.Errorf("%s: %+v", id, r)
		}
	}
	end := told("alive", start, 3600, ended, callcontrol.EnderGateway) // as Inherit tells it
	end.Call.Cause = callcontrol.CauseGatewayRestart
	l.append(true, end)
	l.die()

	for range 2 {
		l.want(l.begin("events"), "")
		got = l.records()
		if r := got["alive"]; len(got) != 5 || r.Cause != callcontrol.CauseGatewayRestart || r.Parts.Sum() != time.Hour || r.Parts.Talk != 10*time.Second {
			t.Errorf("%d records, %+v", len(got), r)
		}
		l.die()
	}
}

// After a gap a snapshot tells what is alive; a call that ended in it is closed, and is not any more.
func TestHistoryOverAGap(t *testing.T) {
	l := &lives{t: t, dir: t.TempDir()}
	start := time.Now().Add(-time.Minute)
	l.begin("events")
	l.append(true, told("gone", start, 0, callcontrol.PhaseOffered, ""), told("goes on", start, 1, callcontrol.PhaseTalking, ""))
	l.append(true, callcontrol.Event{Kind: callcontrol.EventTransferChanged, Transfer: &callcontrol.TransferView{ID: "t", Status: callcontrol.TransferTalking}})
	l.living.resync(callcontrol.Snapshot{Cursor: l.events.Last(), Calls: []callcontrol.CallView{
		*told("goes on", start, 0, callcontrol.PhaseHeld, "").Call, *told("new", start, 0, callcontrol.PhaseTalking, "").Call,
	}})
	got := l.records()
	if r, ok := got["gone"]; !ok || len(got) != 1 || r.EndedBy != "" || r.Parts.Sum() < time.Minute {
		t.Errorf("%+v", got)
	}
	l.die()
	l.want(l.begin("events"), "goes on held, new talking")
	l.die()
}

// Asked for are the newest, of one agent or of all; of each agent, of all, and by age so many are kept.
func TestHistoryFind(t *testing.T) {
	store, err := journal.Open(t.Context(), journal.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	h, err := openHistory(t.Context(), store, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.find(ctx, control.HistoryQuery{Limit: 1}); err == nil {
		t.Error("told before it was read")
	}
	if err := h.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-30 * time.Minute)
	add := func(n int, agent callcontrol.AgentID, ended time.Time) {
		h.add(&callcontrol.HistoryRecord{Call: callcontrol.CallID(fmt.Sprint("c", n)), Agent: agent, Ended: ended})
	}
	add(0, "anna", begin.Add(-time.Hour)) // too old
	const calls = 2*historyOfAgent + 3
	for n := 1; n <= calls; n++ {
		add(n, []callcontrol.AgentID{"anna", "boris"}[n%2], begin.Add(time.Duration(n)*time.Second))
	}
	add(calls, "boris", begin.Add(calls*time.Second)) // again
	ask := func(q control.HistoryQuery) (out []callcontrol.CallID) {
		t.Helper()
		records, err := h.find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			out = append(out, r.Call)
		}
		return out
	}
	for _, tc := range []struct {
		q    control.HistoryQuery
		want string
	}{
		{control.HistoryQuery{Limit: 3}, "[c403 c402 c401]"},
		{control.HistoryQuery{Agent: "anna", Limit: 2}, "[c402 c400]"},
		{control.HistoryQuery{Agent: "anna", Limit: 2, Before: begin.Add(400 * time.Second)}, "[c398 c396]"},
		{control.HistoryQuery{Limit: 2, Before: begin.Add(6 * time.Second)}, "[c5 c4]"},
		{control.HistoryQuery{Agent: "carl", Limit: 2}, "[]"},
	} {
		if got := fmt.Sprint(ask(tc.q)); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.q, got, tc.want)
		}
	}
	if a, b := len(ask(control.HistoryQuery{Agent: "anna", Limit: 1000})), len(ask(control.HistoryQuery{Limit: 1000})); a != historyOfAgent || b != 2*historyOfAgent {
		t.Errorf("%d of an agent, %d of all", a, b)
	}
}

// Each adapter has its share of what is found.
func TestFound(t *testing.T) {
	many := func(n int) (cs []adapter.Contact) {
		for i := range n {
			cs = append(cs, adapter.Contact{ID: fmt.Sprint(i)})
		}
		return cs
	}
	got := found([]host.Answer{{Adapter: "a", Contacts: many(9)}, {Adapter: "b", Err: context.DeadlineExceeded}, {Adapter: "c", Contacts: many(2)}}, 6)
	var text string
	for _, c := range got.Contacts {
		text += c.Adapter + c.ID + " "
	}
	if text != "a0 a1 a2 a3 c0 c1 " || len(got.Failures) != 1 || got.Failures[0].Adapter != "b" {
		t.Errorf("%s, %+v", text, got.Failures)
	}
}
