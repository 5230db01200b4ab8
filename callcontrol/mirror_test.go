package callcontrol

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/journal"
)

// mirrorInputs is how many random inputs the test of mirrors gives; CORDBOARD_MIRROR_INPUTS is another number. TestInvariants
// compares the same after each of more than 100,000, for one desk without a switchboard around it.
const mirrorInputs = 20_000

// TestMirror: who takes a snapshot at any moment and applies the events after it has exactly what a new snapshot tells, through
// random commands, signals, faults of the machine and of the glue, and restarts of the daemon.
func TestMirror(t *testing.T) {
	inputs := mirrorInputs
	if n, err := strconv.Atoi(os.Getenv("CORDBOARD_MIRROR_INPUTS")); err == nil {
		inputs = n
	}
	const each = 2000
	seen := map[string]int{}
	for seed := range uint64(max(inputs/each, 1)) {
		synctest.Test(t, func(t *testing.T) { newStage(t, seed, seen).play(each) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, what := range []string{"checks", "restarts", "machine faults", "glue faults", "drains", "call_ended", "transfer_changed", "agent_changed"} {
		if seen[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
	t.Log(seen)
}

// stage is a few desks whose inputs are random, and those who follow them.
type stage struct {
	*world // Directory and what is noted; no leg answers by itself
	t      *testing.T
	rng    *rand.Rand
	seen   map[string]int
	log    *journal.Memory[Event]
	boots  int
	hands  map[AgentID]*driver // draw the inputs
	end    func()
	doing  sync.WaitGroup

	lock sync.Mutex
	now  map[AgentID]Desk

	events  []Event // by seq, as they come from a disk
	live    Live
	mirrors []*Mirror
}

var stageAgents = []AgentID{"anna", "boris", "clara"}

func newStage(t *testing.T, seed uint64, seen map[string]int) *stage {
	s := &stage{
		world: &world{}, t: t, rng: rand.New(rand.NewPCG(seed, 3)), seen: seen, log: journal.NewMemory[Event]("e", 1<<13),
		hands: map[AgentID]*driver{}, now: map[AgentID]Desk{}, events: make([]Event, 1),
	}
	for i, a := range stageAgents {
		s.hands[a] = &driver{pick: s.rng.IntN, legs: (i + 1) * 1_000_000}
	}
	s.begin()
	return s
}

// begin starts a run of the daemon, after the one before has ended without a word.
func (s *stage) begin() {
	s.boots++
	cfg := Config{Boot: "b" + strconv.Itoa(s.boots)}
	for _, a := range stageAgents {
		d := newDriver(s.rng.IntN).d.config
		d.Agent, d.Line = a, LineID(a)
		cfg.Desks = append(cfg.Desks, d)
	}
	sw, err := New(cfg, Deps{Log: slog.New(slog.DiscardHandler), Telephony: s, Media: s, Journal: s.log, Directory: s})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sw = sw
	for _, a := range stageAgents {
		r, _ := sw.find(&Command{Agent: a})
		s.now[a] = r.desk
		r.next = func(d Desk, in Input) (Desk, []Action, error) { return s.next(r.agent, d, in) }
	}
	s.follow()
	if err := sw.Inherit(s.t.Context(), s.live, nil); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- sw.Run(ctx) }()
	s.end = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		s.doing.Wait()
	}
	for _, a := range stageAgents {
		sw.Signal(a, Signal{Kind: SignalLine, Up: true})
		sw.Signal(a, Signal{Kind: SignalDevice, Up: true})
	}
}

// next is the machine, with a fault now and then.
func (s *stage) next(a AgentID, d Desk, in Input) (Desk, []Action, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if in.Fault == "" && !in.Reset && s.rng.IntN(400) == 0 {
		s.seen["machine faults"]++ // under the lock
		panic("fault in the machine")
	}
	after, acts, err := next(d, in)
	s.now[a] = after
	return after, acts, err
}

func (s *stage) saw(what string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.seen[what]++
}

func (s *stage) roll(n int) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.rng.IntN(n)
}

// Patch comes into force at once, or after a while.
func (s *stage) Patch(_ AgentID, _ Patch, done func()) {
	if after := s.roll(30); after > 10 {
		time.AfterFunc(time.Duration(after)*time.Millisecond, done)
		return
	}
	done()
}

// Invite fails in the glue now and then, and is answered only by the drivers.
func (s *stage) Invite(Invite) {
	if s.roll(100) == 0 {
		s.saw("glue faults")
		panic("fault in the glue")
	}
}
func (s *stage) Answer(AgentID, LegID)        {}
func (s *stage) Hangup(AgentID, LegID, Cause) {}

func (s *stage) play(inputs int) {
	for i := range inputs {
		s.give(stageAgents[s.roll(len(stageAgents))])
		switch n := s.roll(2000); {
		case n < 800:
			time.Sleep(time.Duration(n) * time.Millisecond / 10)
		case n < 810:
			time.Sleep(40 * time.Second)
		case n < 860:
			s.mirror()
		case n < 864:
			s.saw("restarts")
			s.end()
			s.begin()
		}
		if i%100 == 99 {
			s.check()
		}
	}
	time.Sleep(time.Minute)
	s.check()
	s.end()
}

// give gives a desk its next input.
func (s *stage) give(a AgentID) {
	s.lock.Lock()
	hand := s.hands[a]
	hand.d = s.now[a]
	in := hand.input()
	again := s.rng.IntN(5)
	id := CommandID(strconv.FormatUint(s.rng.Uint64(), 36))
	s.lock.Unlock()
	switch r, _ := s.sw.find(&Command{Agent: a}); {
	case in.Command != nil:
		in.Command.Agent = a
		if again == 0 {
			in.Command.ID = id
		}
		for range 1 + 2*max(0, 1-again) { // thrice, as if replies were lost
			s.doing.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_, _ = s.sw.Do(ctx, *in.Command)
			})
		}
	case in.Signal != nil:
		s.sw.Signal(a, *in.Signal)
	case in.Offer != nil:
		in.Offer.Agent = a
		s.sw.Incoming(*in.Offer)
	default:
		if in.Drain || in.Release {
			s.saw("drains")
		}
		r.inbox.push(envelope{in: in})
	}
}

func (s *stage) snapshot() Snapshot {
	s.t.Helper()
	snap, err := s.sw.Snapshot(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return snap
}

// mirror begins to follow at this moment. The oldest of many who do goes.
func (s *stage) mirror() {
	s.mirrors = append(s.mirrors, NewMirror(s.snapshot()))
	if len(s.mirrors) > 8 {
		s.mirrors = s.mirrors[1:]
	}
}

// follow reads what the journal has new.
func (s *stage) follow() {
	last := s.log.Last()
	for _, e := range eventsAfter(s.t, s.log, journal.Cursor{Epoch: last.Epoch, Seq: uint64(len(s.events) - 1)}) {
		s.saw(string(e.Kind))
		s.events = append(s.events, e)
		s.live.Apply(&e)
	}
}

// check brings every mirror to the cursor of a new snapshot and compares.
func (s *stage) check() {
	s.t.Helper()
	snap := s.snapshot()
	s.follow()
	want := text(s.t, NewMirror(snap).Snapshot())
	for _, m := range s.mirrors {
		for seq := m.Cursor.Seq + 1; seq <= snap.Cursor.Seq; seq++ {
			m.Apply(journal.Cursor{Epoch: snap.Cursor.Epoch, Seq: seq}, &s.events[seq])
		}
		if got := text(s.t, m.Snapshot()); got != want || m.Draining() != snap.Draining {
			s.t.Fatalf("the mirror has\n%s\nthe daemon\n%s", got, want)
		}
		s.saw("checks")
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMirrorKeepsItsCursor: an event that comes again, as after a lost connection, changes nothing.
func TestMirrorKeepsItsCursor(t *testing.T) {
	m := NewMirror(Snapshot{Cursor: journal.Cursor{Epoch: "e", Seq: 5}, Calls: []CallView{{ID: "c", Phase: PhaseHeld, Legs: []LegView{{Media: &LegMedia{}}}}}})
	old := &Event{Kind: EventCallChanged, CallID: "c", Call: &CallView{ID: "c", Phase: PhaseTalking}}
	m.Apply(journal.Cursor{Epoch: "e", Seq: 5}, old)
	if c := m.Calls["c"]; c.Phase != PhaseHeld || c.Legs[0].Media != nil {
		t.Errorf("%+v", c)
	}
	m.Apply(journal.Cursor{Epoch: "e", Seq: 6}, &Event{Kind: EventCallEnded, CallID: "c", Call: &CallView{ID: "c"}})
	m.Apply(journal.Cursor{Epoch: "e", Seq: 7}, &Event{Kind: EventAgentChanged, State: &AgentView{ID: "a", Why: []Why{{Code: WhyDraining, Text: "the daemon takes no new calls"}}}})
	if s := m.Snapshot(); len(s.Calls) != 0 || len(s.Agents) != 1 || !s.Draining || s.Cursor.Seq != 7 {
		t.Errorf("%+v", s)
	}
	m.Apply(journal.Cursor{Epoch: "e", Seq: 8}, &Event{Kind: EventAgentRemoved, Agent: "a"})
	if s := m.Snapshot(); len(s.Agents) != 0 || s.Draining {
		t.Errorf("%+v", s)
	}
}
