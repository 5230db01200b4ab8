package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// lives is a journal whose daemon dies again and again.
type lives struct {
	t      *testing.T
	dir    string
	store  *journal.Store
	events *journal.Log[callcontrol.Event]
	living *living
}

// begin opens the journal as a start does, with a log of that name, and tells what was alive.
func (l *lives) begin(log string) string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	var err error
	if l.store, err = journal.Open(ctx, journal.Config{Dir: l.dir}); err == nil {
		l.events, err = journal.OpenLog(ctx, l.store, journal.LogConfig[callcontrol.Event]{Name: log, Encode: encodeEvent, Decode: decodeEvent})
	}
	var h *history
	if err == nil {
		h, err = openHistory(ctx, l.store, 0)
	}
	if err == nil {
		l.living, err = openLiving(ctx, l.store, l.events, h)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(l.living.live.Calls)) {
		out = append(out, fmt.Sprint(id, " ", l.living.live.Calls[id].Phase))
	}
	for _, id := range slices.Sorted(maps.Keys(l.living.live.Transfers)) {
		out = append(out, string(id))
	}
	return strings.Join(out, ", ")
}

// die ends a run without a word; the table has what it was told before.
func (l *lives) die() {
	l.t.Helper()
	if err := l.store.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// tell appends the phases of a call, and lets the table know if it is followed.
func (l *lives) tell(follow bool, id callcontrol.CallID, phases ...callcontrol.Phase) {
	l.t.Helper()
	for _, p := range phases {
		e := callcontrol.Event{Kind: callcontrol.EventCallChanged, CallID: id, Call: &callcontrol.CallView{ID: id, Phase: p}}
		if p == callcontrol.PhaseEnded {
			e.Kind = callcontrol.EventCallEnded
		}
		l.append(follow, e)
	}
}

func (l *lives) append(follow bool, events ...callcontrol.Event) {
	l.t.Helper()
	if _, err := l.events.Append(l.t.Context(), events...); err != nil {
		l.t.Fatal(err)
	}
	if follow {
		if err := l.living.catchUp(l.t.Context()); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lives) want(got, want string) {
	l.t.Helper()
	if got != want {
		l.t.Errorf("alive: %q, want %q", got, want)
	}
}

// What was alive is known at the next start, whether the table was told of it, was behind, or knows another journal.
func TestLiving(t *testing.T) {
	l := &lives{t: t, dir: t.TempDir()}
	l.want(l.begin("events"), "")
	l.tell(true, "a", callcontrol.PhaseOffered, callcontrol.PhaseTalking)
	l.tell(true, "b", callcontrol.PhaseTalking, callcontrol.PhaseEnded)
	l.tell(false, "c", callcontrol.PhaseDialling)
	l.append(false, callcontrol.Event{Kind: callcontrol.EventTransferChanged, CallID: "c", Transfer: &callcontrol.TransferView{ID: "t", Status: callcontrol.TransferTalking}})
	l.die()

	l.want(l.begin("events"), "a talking, c dialling, t")
	l.tell(true, "a", callcontrol.PhaseEnded)
	l.append(true, callcontrol.Event{Kind: callcontrol.EventTransferChanged, CallID: "c", Transfer: &callcontrol.TransferView{ID: "t", Status: callcontrol.TransferFailed}})
	l.die()

	l.want(l.begin("events"), "c dialling")
	l.tell(false, "c", callcontrol.PhaseEnded)
	l.tell(false, "d", callcontrol.PhaseHeld)
	many := slices.Repeat([]callcontrol.Event{{Kind: callcontrol.EventAgentChanged, Agent: "anna"}}, 3*livingEvery)
	l.append(true, many...)
	if n := l.living.at.Seq - l.living.noted.Seq; n >= livingEvery {
		t.Errorf("the next start has to read %d events", n)
	}
	l.die()

	l.want(l.begin("events"), "d held")
	l.die()
	l.want(l.begin("another"), "d held") // a journal begun anew: nothing says that it ended
	l.tell(false, "e", callcontrol.PhaseTalking)
	l.die()
	l.want(l.begin("another"), "d held, e talking")
	l.tell(true, "d", callcontrol.PhaseEnded)
	l.die()
	l.want(l.begin("another"), "e talking")
	l.die()
}
