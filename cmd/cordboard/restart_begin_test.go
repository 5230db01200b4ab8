package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// Numbers that are dialled at most once: half of them answer at once, the others ring.
const (
	firstDialled = 30000
	dialled      = 2000
)

// restartLimit is from a restart until nothing of the run before is left at any peer.
const restartLimit = 5 * time.Second

// rounds is how often a test kills the daemon: a few times, or KILLS times.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("KILLS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KILLS=%s", text)
	}
	return n
}

// Killed in the first moments of calls, when most of them are known by one message only, the daemon leaves no leg either that
// the next start does not end, and no call whose end is not told once.
func TestProcessKilledBeginning(t *testing.T) {
	p := newKilling(t)
	var followed journal.Cursor
	for round := range rounds(t, 4) {
		stopPhones := p.run()
		customers, dials := p.begin(round)
		<-time.After(time.Duration(rand.IntN(60_000)) * time.Microsecond)
		p.kill()
		p.client.Close()
		before := p.allParties()

		begin := time.Now()
		p.start()
		up := time.Since(begin)
		parties := p.allParties()
		s := p.partiesLeft(parties, before, customers, begin)
		for _, c := range customers {
			c.Hangup()
		}
		p.repeat(dials)
		var live callcontrol.Live
		followed = p.fold(followed, s.Cursor, &live)
		for id := range live.Calls {
			if !isLive(s, id) {
				t.Errorf("by the events call %s is alive", id)
			}
		}
		p.until("the customers who called the next run are gone", func() bool {
			s, err := p.client.Snapshot(p.ctx)
			p.must(err)
			return len(s.Calls) == 0
		})
		t.Logf("round %d: up after %v, %d parties, all ended after %v, %d calls began anew", round, up, len(parties), time.Since(begin), len(s.Calls))
		stopPhones()
	}
}

// begin lets every agent be called or call, all at the same time, and does not wait for anything.
func (p *killing) begin(round int) (customers map[callcontrol.Number]*sim.Party, dials []callcontrol.Command) {
	p.t.Helper()
	customers = map[callcontrol.Number]*sim.Party{}
	for i := range phases {
		if (i+round)%3 > 0 {
			number := fmt.Sprint(380440000000 + 100*round + i)
			customer, err := p.pbx.Call(sipua.Identity{Number: number}, user(i), sim.Tone(-20, 1000))
			p.must(err)
			customers[callcontrol.Number(number)] = customer
			p.keep(customer)
			continue
		}
		number := fmt.Sprint(firstDialled + len(phases)*round + i)
		dial := callcontrol.Command{ID: callcontrol.CommandID("crm/" + number), Kind: callcontrol.KindDial, Agent: name(i), Number: callcontrol.Number(number)}
		dials = append(dials, dial)
		client := p.client
		go func() {
			ctx, cancel := context.WithTimeout(p.ctx, restartLimit)
			defer cancel()
			_, _ = client.Do(ctx, dial)
		}()
	}
	return customers, dials
}

// repeat gives commands again whose answers were lost: what was begun is not done a second time.
func (p *killing) repeat(dials []callcontrol.Command) {
	p.t.Helper()
	for _, c := range dials {
		r, err := p.client.Do(p.ctx, c)
		if err == nil && !r.Replayed { // the first one did not arrive
			p.until("it can be hung up", func() bool {
				_, err := p.client.Do(p.ctx, callcontrol.Command{Kind: callcontrol.KindHangup, Call: r.Call})
				return err == nil || errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchCall})
			})
		}
		agent, _ := strconv.Atoi(strings.TrimPrefix(string(c.Agent), "a"))
		if n, m := p.pbx.Calls(string(c.Number)), p.phones[agent].Calls(); n > 1 || m > 1 {
			p.t.Errorf("%s was called %d times, the phone of %s %d times (%+v, %v)", c.Number, n, c.Agent, m, r, err)
		}
	}
}

// partiesLeft waits for the end of every call of the run before. What a customer's INVITE, said again, has begun in this run is
// none, nor is what it has the phones ring for it, which can be called at once.
func (p *killing) partiesLeft(parties, before []*sim.Party, customers map[callcontrol.Number]*sim.Party, begin time.Time) (s callcontrol.Snapshot) {
	p.t.Helper()
	for end := time.Now().Add(restartLimit); ; {
		var err error
		s, err = p.client.Snapshot(p.ctx)
		p.must(err)
		anew, rung := map[*sim.Party]bool{}, map[string]bool{}
		for _, c := range s.Calls {
			anew[customers[c.Remote.Number]] = true
			agent, _ := strconv.Atoi(strings.TrimPrefix(string(c.Agent), "a"))
			rung["phone"+user(agent)] = true
		}
		var left []string
		for _, party := range parties {
			if party.State() != sim.StateEnded && !anew[party] && !(rung[party.Name] && !slices.Contains(before, party)) {
				left = append(left, fmt.Sprint(party.Name, " ", party.State()))
			}
		}
		if len(left) == 0 {
			return s
		}
		if time.Now().After(end) {
			p.t.Errorf("%v after the restart there are %v", time.Since(begin), left)
			return s
		}
		<-time.After(10 * time.Millisecond)
	}
}

func isLive(s callcontrol.Snapshot, id callcontrol.CallID) bool {
	for _, c := range s.Calls {
		if c.ID == id {
			return true
		}
	}
	return false
}

// fold reads the events up to a cursor. Each call ends once, and nothing is told of it afterwards.
func (p *killing) fold(from, to journal.Cursor, live *callcontrol.Live) journal.Cursor {
	p.t.Helper()
	ended := map[callcontrol.CallID]int{}
	for sub := p.client.Subscribe(from); from.Epoch != to.Epoch || from.Seq < to.Seq; {
		e, err := sub.Next(p.ctx)
		p.must(err)
		if e.Gap != nil {
			p.t.Fatalf("gap %+v", *e.Gap)
		}
		from = e.Cursor
		live.Apply(&e.Event)
		if e.Event.Kind == callcontrol.EventCallEnded {
			ended[e.Event.CallID]++
		}
		if n := ended[e.Event.CallID]; n > 1 || n == 1 && e.Event.Call != nil && e.Event.Call.Phase != callcontrol.PhaseEnded {
			p.t.Errorf("%s of call %s, which has ended %d times", e.Event.Kind, e.Event.CallID, n)
		}
	}
	return from
}

// fill appends events to the journal of a daemon that was stopped.
func (p *killing) fill(n int) {
	p.t.Helper()
	store, err := journal.Open(p.ctx, journal.Config{Dir: filepath.Join(p.dir, "state", "journal")})
	p.must(err)
	events, err := journal.OpenLog(p.ctx, store, journal.LogConfig[callcontrol.Event]{Name: "events"})
	p.must(err)
	for i := range n {
		id := callcontrol.CallID(fmt.Sprint("earlier-", i/8))
		e := callcontrol.Event{At: time.Now(), Kind: callcontrol.EventCallChanged, Agent: name(i % len(phases)), CallID: id}
		e.Call = &callcontrol.CallView{ID: id, Agent: e.Agent, Phase: callcontrol.PhaseTalking, Started: e.At}
		for range 4 {
			e.Call.Legs = append(e.Call.Legs, callcontrol.LegView{ID: callcontrol.LegID(id + "-leg"), State: callcontrol.LegConnected,
				Actions: []callcontrol.Kind{callcontrol.KindHold, callcontrol.KindHangup, callcontrol.KindConsult, callcontrol.KindBlind}})
		}
		if i%8 == 7 {
			e.Kind, e.Call.Phase = callcontrol.EventCallEnded, callcontrol.PhaseEnded
		}
		_, err := events.Append(p.ctx, e)
		p.must(err)
		p.until("there is room", func() bool { return events.Status().Pending < 8192 })
	}
	p.must(store.Close())
}

// recorded sees that the history has one record of each call that was alive, closed by the restart.
func (p *killing) recorded(alive callcontrol.Snapshot) {
	p.t.Helper()
	for _, c := range alive.Calls {
		var found []callcontrol.HistoryRecord
		p.until("the call is in the history", func() bool {
			all, err := p.client.History(p.ctx, control.HistoryQuery{Agent: c.Agent, Limit: 100})
			p.must(err)
			found = slices.DeleteFunc(all, func(r callcontrol.HistoryRecord) bool { return r.Call != c.ID })
			return len(found) > 0
		})
		if r := found[0]; len(found) != 1 || r.Cause != callcontrol.CauseGatewayRestart || r.Ended.IsZero() {
			p.t.Errorf("%d records of call %s of %s: %+v", len(found), c.ID, c.Agent, found)
		}
	}
}
