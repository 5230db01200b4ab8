package callcontrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/journal"
)

// world is a hand-made Telephony, Media and Directory: it answers like friendly peers, at once or when
// told to.
type world struct {
	sw *Switchboard

	mu      sync.Mutex
	log     []string
	invites []Invite
	patches []Patch
	hold    bool // patches are not confirmed until release is called
	waiting []func()
	auto    bool // devices and lines answer by themselves
	panics  string
	records [][]byte // anna's inputs, as JSON
}

func (w *world) record(a AgentID, in Input) {
	b, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	if a == "anna" {
		w.records = append(w.records, b)
	}
}

func (w *world) note(f string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(f, a...)
	w.log = append(w.log, text)
	if w.panics != "" && strings.HasPrefix(text, w.panics) {
		w.panics = ""
		panic("fault in the glue")
	}
}

func (w *world) Invite(p Invite) {
	w.note("invite device=%v to=%s", p.Device, p.To)
	w.mu.Lock()
	w.invites = append(w.invites, p)
	auto := w.auto
	w.mu.Unlock()
	if auto {
		go w.sw.Signal(p.Agent, Signal{Kind: SignalAnswered, Leg: p.Leg, Events: true})
	}
}
func (w *world) Ring(_ AgentID, l LegID, _ bool) { w.note("ring %s", l) }
func (w *world) Answer(a AgentID, l LegID) {
	w.note("answer %s", l)
	go w.sw.Signal(a, Signal{Kind: SignalAnswered, Leg: l, Events: true})
}
func (w *world) Reject(_ AgentID, _ LegID, c Cause) { w.note("reject %s", c) }
func (w *world) Hangup(a AgentID, l LegID, c Cause) {
	w.note("hangup %s", c)
	go w.sw.Signal(a, Signal{Kind: SignalEnded, Leg: l})
}
func (w *world) Refer(AgentID, LegID, Number, LegID)     { w.note("refer") }
func (w *world) ReferReply(_ AgentID, _ LegID, s int)    { w.note("refer reply %d", s) }
func (w *world) Info(AgentID, LegID, Digits)             { w.note("info") }
func (w *world) Identify(AgentID, LegID, Identity)       { w.note("identify") }
func (w *world) Reoffer(_ AgentID, _ LegID, d Direction) { w.note("reoffer %s", d) }

func (w *world) Patch(_ AgentID, p Patch, done func()) {
	w.mu.Lock()
	w.patches = append(w.patches, p)
	if w.hold {
		w.waiting = append(w.waiting, done)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	go done()
}

func (w *world) Digits(_ AgentID, _ LegID, d Digits, done func(error)) {
	w.note("digits %d", len(d.Text))
	go done(nil)
}

func (w *world) AgentOfLine(trunk, user string) (AgentID, bool) {
	return "anna", trunk == "pbx" && user == "100"
}
func (w *world) AgentOfPhone(user string) (AgentID, bool) { return "anna", user == "phone-anna" }
func (w *world) Internal(n Number) bool                   { return len(n) <= 3 }

func (w *world) has(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, text) })
}

func (w *world) count(text string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.log {
		if strings.HasPrefix(s, text) {
			n++
		}
	}
	return n
}

// withSwitchboard runs f against a switchboard with two agents, in a bubble of its own time.
func withSwitchboard(t *testing.T, f func(t *testing.T, sw *Switchboard, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{auto: true}
		log := journal.NewMemory[Event]("e1", 1000)
		sw, err := New(Config{Boot: "b", Desks: []DeskConfig{
			{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}, {Agent: "boris", Line: "101", Trunk: "pbx"},
		}}, Deps{Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: log, Directory: w, Record: w.record})
		if err != nil {
			t.Fatal(err)
		}
		w.sw = sw
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- sw.Run(ctx) }()
		for _, a := range []AgentID{"anna", "boris"} {
			sw.Signal(a, Signal{Kind: SignalLine, Up: true})
			sw.Signal(a, Signal{Kind: SignalDevice, Up: true})
		}
		synctest.Wait()
		f(t, sw, w)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func must(t *testing.T, sw *Switchboard, c Command) Result {
	t.Helper()
	r, err := sw.Do(context.Background(), c)
	if err != nil {
		t.Fatalf("%s: %v", c.Kind, err)
	}
	synctest.Wait()
	return r
}

func refused(t *testing.T, sw *Switchboard, c Command, code Code) {
	t.Helper()
	if _, err := sw.Do(context.Background(), c); !errors.Is(err, &Refusal{Code: code}) {
		t.Errorf("%s: got %v, want %s", c.Kind, err, code)
	}
}

func snapshot(t *testing.T, sw *Switchboard) Snapshot {
	t.Helper()
	s, err := sw.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// talk brings a customer to anna and answers; it returns the call.
func talkOn(t *testing.T, sw *Switchboard, w *world) CallView {
	t.Helper()
	w.mu.Lock()
	w.auto = false // the phone rings
	w.mu.Unlock()
	sw.Incoming(Offer{Kind: OfferLine, Leg: sw.NewLegID(), Trunk: "pbx", Line: "100", From: Identity{Number: "0501234567"}, Queue: "Sales"})
	synctest.Wait()
	w.mu.Lock()
	w.auto = true
	w.mu.Unlock()
	must(t, sw, Command{Kind: KindAnswer, Agent: "anna"})
	calls := snapshot(t, sw).Calls
	if len(calls) != 1 || calls[0].Phase != PhaseTalking {
		t.Fatalf("no talk: %+v", calls)
	}
	return calls[0]
}

func TestSwitchboardStory(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		if c.Direction != Inbound || c.Queue != "Sales" || c.Remote.Number != "0501234567" || len(c.Legs) != 2 {
			t.Errorf("call: %+v", c)
		}
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		must(t, sw, Command{Kind: KindRetrieve, Call: c.ID})
		must(t, sw, Command{Kind: KindDigits, Call: c.ID, Digits: "42#"})
		tr := must(t, sw, Command{Kind: KindConsult, Call: c.ID, Number: "300"}).Transfer
		must(t, sw, Command{Kind: KindSwap, Transfer: tr})
		must(t, sw, Command{Kind: KindConference, Transfer: tr})
		must(t, sw, Command{Kind: KindComplete, Transfer: tr})
		s := snapshot(t, sw)
		if len(s.Calls) != 1 || s.Calls[0].Phase != PhaseBridged || s.Agents[0].Busy {
			t.Errorf("after the story: %+v", s)
		}
		must(t, sw, Command{Kind: KindHangup, Call: c.ID})
		if s := snapshot(t, sw); len(s.Calls) != 0 || s.Cursor.Seq == 0 {
			t.Errorf("after the end: %+v", s)
		}
		if !w.has("digits 3") || w.count("invite device=false") != 1 || w.count("identify") != 2 {
			t.Errorf("telephony: %v", w.log)
		}
	})
}

// TestReplay: the recorded inputs of a desk, read back from JSON, lead to the same desk; no digit is in
// the record.
func TestReplay(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		must(t, sw, Command{Kind: KindDigits, Call: c.ID, Digits: "42#"})
		must(t, sw, Command{Kind: KindDigits, Call: c.ID, Digits: ",42#"})
		sw.Signal("anna", Signal{Kind: SignalDigit, Leg: c.Legs[1].ID, Digits: "7"})
		tr := must(t, sw, Command{Kind: KindConsult, Call: c.ID, Number: "300"}).Transfer
		must(t, sw, Command{Kind: KindConference, Transfer: tr})
		time.Sleep(time.Minute)
		must(t, sw, Command{Kind: KindMute, Call: c.ID})
		r := sw.roster.of("anna")
		d := newDesk(DeskConfig{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}, "b.0")
		for _, b := range w.records {
			var in Input
			if err := json.Unmarshal(b, &in); err != nil {
				t.Fatal(err)
			}
			d, _, _ = next(d, in)
			if s := string(b); strings.Contains(s, "42#") || strings.Contains(s, `"7"`) {
				t.Errorf("a digit was recorded: %s", s)
			}
		}
		if got, want := viewOf(&d), viewOf(&r.desk); len(got.calls) != 1 || !got.calls[0].equal(&want.calls[0]) || !d.patch.equal(r.desk.patch) {
			t.Errorf("the replay differs:\n%s\n%s", chart(&d), chart(&r.desk))
		}
	})
}

// TestPatchGate: neither event, snapshot nor result tells of a state before its patch is in force.
func TestPatchGate(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		w.mu.Lock()
		w.hold = true
		w.mu.Unlock()
		before := snapshot(t, sw).Cursor
		result := make(chan error, 1)
		go func() {
			_, err := sw.Do(context.Background(), Command{Kind: KindHold, Call: c.ID})
			result <- err
		}()
		synctest.Wait()
		s := snapshot(t, sw)
		if s.Cursor != before || s.Calls[0].Phase != PhaseTalking || len(result) != 0 {
			t.Errorf("told before the patch: %v %s", s.Cursor, s.Calls[0].Phase)
		}
		w.mu.Lock()
		done := w.waiting
		w.hold, w.waiting = false, nil
		w.mu.Unlock()
		if len(done) != 1 {
			t.Fatalf("%d patches wait", len(done))
		}
		done[0]()
		if err := <-result; err != nil {
			t.Error(err)
		}
		if s := snapshot(t, sw); s.Cursor == before || s.Calls[0].Phase != PhaseHeld {
			t.Errorf("not told after the patch: %+v", s)
		}
	})
}

func TestIdempotency(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		dial := Command{ID: "k1", Kind: KindDial, Agent: "anna", Number: "200"}
		first := must(t, sw, dial)
		again := must(t, sw, dial)
		if first.Replayed || !again.Replayed || again.Call != first.Call {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if n := w.count("invite device=false"); n != 1 {
			t.Errorf("one dial sent %d INVITEs", n)
		}
		other := dial
		other.Number = "201"
		refused(t, sw, other, CodeConflict)
		bad := Command{ID: "k2", Kind: KindSwap, Agent: "anna"}
		refused(t, sw, bad, CodeNotAllowedInState)
		refused(t, sw, bad, CodeNotAllowedInState)
		time.Sleep(CommandMemory + time.Second)
		synctest.Wait()
		must(t, sw, Command{Kind: KindHangup, Agent: "anna"})
		if r := must(t, sw, other); r.Replayed {
			t.Error("a command id is remembered for ever")
		}
	})
}

// TestConcurrentRetries: many senders of one command get one result.
func TestConcurrentRetries(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		var wg sync.WaitGroup
		results := make([]Result, 20)
		for i := range results {
			wg.Go(func() {
				results[i], _ = sw.Do(context.Background(), Command{ID: "k", Kind: KindDial, Agent: "anna", Number: "200"})
			})
		}
		wg.Wait()
		synctest.Wait()
		fresh := 0
		for _, r := range results {
			if r.Call != results[0].Call || r.Call == "" {
				t.Errorf("results differ: %+v", results)
			}
			if !r.Replayed {
				fresh++
			}
		}
		if fresh != 1 || w.count("invite device=false") != 1 {
			t.Errorf("%d first results, log %v", fresh, w.log)
		}
	})
}

func TestOwnership(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		refused(t, sw, Command{Kind: KindHold, Agent: "boris", Call: c.ID}, CodeNotOwner)
		refused(t, sw, Command{Kind: KindHold, Agent: "boris", Leg: c.Legs[1].ID}, CodeNotOwner)
		refused(t, sw, Command{Kind: KindHold, Agent: "carl"}, CodeNoSuchAgent)
		refused(t, sw, Command{Kind: KindHold}, CodeNoSuchAgent)
		refused(t, sw, Command{Kind: KindHold, Call: "c-x.1-2"}, CodeNoSuchCall)
		refused(t, sw, Command{Kind: KindCancel, Transfer: "t-x"}, CodeNoSuchTransfer)
		must(t, sw, Command{Kind: KindHold, Leg: c.Legs[1].ID})
		sw.Incoming(Offer{Kind: OfferLine, Leg: "x", Trunk: "pbx", Line: "999"})
		if !w.has("reject bad_number") {
			t.Error("an offer for nobody was not rejected")
		}
	})
}

func TestTimersAreReal(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		w.mu.Lock()
		w.auto = false
		w.mu.Unlock()
		sw.Incoming(Offer{Kind: OfferLine, Leg: sw.NewLegID(), Trunk: "pbx", Line: "100"})
		synctest.Wait()
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if w.has("reject") {
			t.Error("rejected too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !w.has("reject no_answer") {
			t.Errorf("not rejected: %v", w.log)
		}
	})
}

func TestDrainAndRelease(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		drained := make(chan error, 1)
		go func() { drained <- sw.Drain(context.Background()) }()
		synctest.Wait()
		if len(drained) != 0 || !snapshot(t, sw).Draining {
			t.Error("drained with a call")
		}
		refused(t, sw, Command{Kind: KindDial, Agent: "boris", Number: "200"}, CodeDraining)
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := sw.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain: %v", err)
		}
		if err := sw.Release(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if s := snapshot(t, sw); len(s.Calls) != 0 {
			t.Errorf("calls are left: %+v", s.Calls)
		}
	})
}

// TestPanicEndsOneCall: a fault in the machine or the glue ends the call it happened in; the desk and
// the others go on.
func TestPanicEndsOneCall(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		r := sw.roster.of("anna")
		synctest.Wait()
		r.next = func(d Desk, in Input) (Desk, []Action, error) {
			if in.Command != nil && in.Command.Kind == KindMute {
				panic("fault in the machine")
			}
			return next(d, in)
		}
		refused(t, sw, Command{Kind: KindMute, Call: c.ID}, CodeUnavailable)
		synctest.Wait()
		if s := snapshot(t, sw); len(s.Calls) != 0 || !w.has("hangup internal") {
			t.Errorf("the call was not ended: %+v", s.Calls)
		}
		must(t, sw, Command{Kind: KindHangup, Call: must(t, sw, Command{Kind: KindDial, Agent: "anna", Number: "200"}).Call})
		w.mu.Lock()
		w.panics = "invite device=false"
		w.mu.Unlock()
		if _, err := sw.Do(context.Background(), Command{Kind: KindDial, Agent: "anna", Number: "200"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := snapshot(t, sw); len(s.Calls) != 0 {
			t.Errorf("the call was not ended: %+v", s.Calls)
		}
	})
}

// TestEvents: a reader of the journal sees the story in order and every event carries the state.
func TestEvents(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		from := snapshot(t, sw).Cursor
		c := talkOn(t, sw, w)
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		must(t, sw, Command{Kind: KindHangup, Call: c.ID})
		end := snapshot(t, sw).Cursor
		sub := sw.Subscribe(from)
		var got []string
		for at := from; at != end; {
			e, err := sub.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			at = e.Cursor
			if e.Event.At.IsZero() || e.Event.Agent != "anna" {
				t.Errorf("event without time or agent: %+v", e.Event)
			}
			if k := e.Event.Kind; k != EventAgentChanged && k != EventCallChanged && k != EventLegInitiated {
				got = append(got, string(k))
			}
		}
		want := []string{
			"call_started", "leg_alerting", "leg_ended", "leg_connected", "leg_connected", "leg_held", "leg_ended", "leg_ended", "call_ended",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestDoTimesOut(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		w.mu.Lock()
		w.hold = true
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := sw.Do(ctx, Command{Kind: KindHold, Call: c.ID}); !errors.Is(err, &Refusal{Code: CodeTimeout}) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewRefusesBadConfig(t *testing.T) {
	w := &world{}
	deps := Deps{Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: journal.NewMemory[Event]("e", 1)}
	for _, c := range []Config{
		{Desks: []DeskConfig{{}}},
		{Desks: []DeskConfig{{Agent: "a"}, {Agent: "a"}}},
		{Desks: []DeskConfig{{Agent: "a", Identity: Identity{Number: "1\r\n"}}}},
		{Boot: "a-b"},
	} {
		if _, err := New(c, deps); err == nil {
			t.Errorf("accepted %+v", c)
		}
	}
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("accepted no dependencies")
	}
}

func TestInboxBounds(t *testing.T) {
	started := 0
	b := newInbox(func() { started++ }, func() {})
	digit := envelope{in: Input{Signal: &Signal{Kind: SignalDigit}}}
	for range inboxDigits {
		b.push(digit)
	}
	if b.push(digit) {
		t.Error("digits are not bounded")
	}
	for range inboxSize - inboxDigits {
		if !b.push(envelope{in: Input{Drain: true}}) {
			t.Fatal("full too early")
		}
	}
	if b.push(envelope{in: Input{Drain: true}}) {
		t.Error("not bounded")
	}
	if !b.push(envelope{patched: 1}) {
		t.Error("the word of a patch was dropped")
	}
	if started != 0 {
		t.Error("the desk runs before its inbox serves")
	}
	b.serve()
	if q, n, more := b.take(); len(q) != inboxSize+1 || n != 2 || !more || started != 1 {
		t.Errorf("took %d, dropped %d, more %t, started %d", len(q), n, more, started)
	}
}

// A desk has a goroutine exactly while there is something to do.
func TestInboxStartsTheDesk(t *testing.T) {
	started := 0
	b := newInbox(func() { started++ }, func() {})
	b.serve()
	e := envelope{in: Input{Drain: true}}
	if started != 0 {
		t.Error("started with nothing to do")
	}
	b.push(e)
	b.push(e)
	if started != 1 {
		t.Errorf("started %d times for two inputs", started)
	}
	if _, _, more := b.take(); !more {
		t.Error("took nothing")
	}
	b.push(e)
	if started != 1 {
		t.Error("started a second time while it runs")
	}
	b.take()
	if _, _, more := b.take(); more {
		t.Error("goes on with nothing to do")
	}
	b.push(e)
	if started != 2 {
		t.Error("not started again after it ended")
	}
	b.close()
	if q, _, more := b.take(); more || q != nil {
		t.Error("goes on after the close")
	}
	b.push(e)
	if started != 2 {
		t.Error("started after the close")
	}
}

// A daemon without agents serves until it is stopped, like any other.
func TestSwitchboardWithoutDesks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(world)
		s, err := New(Config{}, Deps{
			Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: journal.NewMemory[Event]("e", 10),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		if snap, err := s.Snapshot(ctx); err != nil || len(snap.Agents) != 0 {
			t.Errorf("snapshot %+v, %v", snap, err)
		}
		if err := s.Drain(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
