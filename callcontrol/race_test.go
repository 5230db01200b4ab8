package callcontrol

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/journal"
)

const raceSeeds = 1000

// The moments of a consult at which somebody hangs up, and who does.
var (
	raceStages = []string{"dialling", "alerting", "talking", "swapped", "conference", "completing"}
	raceActors = []string{"customer", "phone", "agent", "target"}
)

// TestRaceConsultHangup: somebody hangs up at a random moment of a consult, while answers, refusals, patches and other
// hang-ups are under way for random times. After every input the desk is whole, no leg is alone and the patch is the table's;
// an event is told only with that patch in force; in the end no leg is left and the desk is free. The seeds are 1 to 1,000; one
// is repeated by -run 'TestRaceConsultHangup/^17$'.
func TestRaceConsultHangup(t *testing.T) {
	t.Logf("seeds 1 to %d", raceSeeds)
	seen := map[string]int{}
	for seed := 1; seed <= raceSeeds; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newRace(t, uint64(seed), seen).play() })
		})
	}
	for _, stage := range raceStages {
		for _, actor := range raceActors {
			if n := seen[stage+" "+actor]; n < 10 {
				t.Errorf("%s: %s hung up %d times", stage, actor, n)
			}
		}
	}
	for _, s := range []TransferStatus{TransferCompleted, TransferCancelled, TransferFailed, TransferRecalling, TransferReferring} {
		if seen["transfer "+string(s)] == 0 {
			t.Errorf("no transfer was %s", s)
		}
	}
	t.Log(seen)
}

// race is one story: a customer, an agent, a target, and the moment.
type race struct {
	t     *testing.T
	rng   *rand.Rand
	sw    *Switchboard
	w     *raceWorld
	seen  map[string]int
	stage string
}

func newRace(t *testing.T, seed uint64, seen map[string]int) *race {
	r := &race{t: t, rng: rand.New(rand.NewPCG(seed, 0)), seen: seen}
	pick := func() bool { return r.rng.IntN(2) == 0 }
	cfg := DeskConfig{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}
	if pick() {
		cfg.Hold = HoldSignal
	}
	if pick() {
		cfg.ConsultReturn = ReturnManual
	}
	if pick() {
		cfg.CallWaiting = CallWaitingWait
	}
	if r.rng.IntN(4) == 0 {
		cfg.Transfer = TransferRefer
	}
	if r.rng.IntN(4) == 0 {
		cfg.Connect = Persistent
	}
	r.stage = raceStages[r.rng.IntN(len(raceStages))]
	r.w = &raceWorld{world: &world{}, rng: rand.New(rand.NewPCG(seed, 1)), legs: map[LegID]*raceLeg{}, patches: map[uint64]Patch{}, gates: map[any]uint64{}}
	r.w.fails = r.stage == "dialling" || r.stage == "alerting"
	log := raceJournal{journal.NewMemory[Event]("e", 1000), r.w}
	var err error
	r.sw, err = New(Config{Boot: "b", Desks: []DeskConfig{cfg}}, Deps{Log: slog.New(slog.DiscardHandler), Telephony: r.w, Media: r.w, Journal: log})
	if err != nil {
		t.Fatal(err)
	}
	r.w.sw = r.sw
	desk := r.sw.roster.all()[0]
	desk.next = func(d Desk, in Input) (Desk, []Action, error) { return r.w.next(desk, d, in) }
	return r
}

func (r *race) play() {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.sw.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}()
	r.sw.Signal("anna", Signal{Kind: SignalLine, Up: true})
	r.sw.Signal("anna", Signal{Kind: SignalDevice, Up: true})
	time.Sleep(time.Second)
	r.lead()
	r.moment()
	time.Sleep(time.Second) // all that was under way has arrived
	r.agree()
	r.end()
}

// lead brings the story to where its moment begins.
func (r *race) lead() {
	customer := r.sw.NewLegID()
	r.w.incoming(customer)
	r.sw.Incoming(Offer{Kind: OfferLine, Leg: customer, Agent: "anna", From: Identity{Number: "555"}})
	synctest.Wait()
	r.do(KindAnswer)
	r.reach(func(d *Desk) bool { return d.focus() != nil && d.focus().phase == PhaseTalking })
	if r.stage == "dialling" {
		return
	}
	r.do(KindConsult)
	if r.stage == "alerting" {
		r.reach(func(d *Desk) bool { return len(d.transfer) == 0 || d.transfer[0].status != TransferDialling })
		return
	}
	r.reach(func(d *Desk) bool { return d.transfer[0].status == TransferTalking })
	if r.stage == "completing" {
		if k := []Kind{"", KindSwap, KindConference}[r.rng.IntN(3)]; k != "" {
			r.do(k)
		}
	}
}

// moment: the stage's own verb, and the hang-up of one or two, with random times between them.
func (r *race) moment() {
	verb := map[string]Kind{"dialling": KindConsult, "swapped": KindSwap, "conference": KindConference, "completing": KindComplete}[r.stage]
	var wg sync.WaitGroup
	if after := r.delay(20); verb != "" {
		wg.Go(func() {
			time.Sleep(after)
			r.do(verb)
		})
	}
	for range 1 + r.rng.IntN(3)/2 {
		actor, after := raceActors[r.rng.IntN(len(raceActors))], r.delay(120)
		r.seen[r.stage+" "+actor]++
		wg.Go(func() {
			time.Sleep(after)
			if actor == "agent" {
				r.do(KindHangup)
				return
			}
			r.w.leaves(actor)
		})
	}
	wg.Wait()
}

func (r *race) delay(ms int) time.Duration {
	return time.Duration(r.rng.IntN(ms*1000)) * time.Microsecond
}

// do gives a command; a refusal is a fine answer, no answer is not.
func (r *race) do(k Kind) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second)
	defer cancel()
	_, err := r.sw.Do(ctx, Command{Kind: k, Agent: "anna", Number: "300"})
	var refused *Refusal
	if err != nil && (!errors.As(err, &refused) || refused.Code == CodeTimeout) {
		r.t.Errorf("%s: %v", k, err)
	}
}

// desk is the desk after its newest step.
func (r *race) desk() *Desk {
	synctest.Wait()
	r.w.lock.Lock()
	defer r.w.lock.Unlock()
	d := r.w.now
	return &d
}

func (r *race) reach(ok func(*Desk) bool) {
	r.t.Helper()
	for range 1000 {
		if ok(r.desk()) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatalf("%s is not reached: %s", r.stage, chart(r.desk()))
}

// agree: once nothing is under way, the desk knows exactly the legs that live in the world.
func (r *race) agree() {
	r.t.Helper()
	var d *Desk
	var known, live []LegID
	for range 20 { // somebody may be picking up, or declining, just now
		d = r.desk()
		if known, live = liveLegs(d), r.w.live(); slices.Equal(known, live) && d.device.ending == "" {
			r.w.report(r.t, r.stage, r.seen)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Errorf("%s: the desk knows %v, in the world live %v: %s", r.stage, known, live, chart(d))
}

func liveLegs(d *Desk) (ids []LegID) {
	if l := d.device.leg; l != nil {
		ids = append(ids, l.id)
	}
	for _, c := range d.calls {
		for _, l := range c.legs {
			if l.live() {
				ids = append(ids, l.id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// end lets those who are left hang up one after the other, in any order; then the desk is free.
func (r *race) end() {
	for range 20 {
		actors := []string{"customer", "phone", "target"}
		if r.rng.IntN(3) == 0 { // somebody lets it ring, or listens to the tone
			time.Sleep(time.Minute)
		}
		r.w.leaves(actors[r.rng.IntN(len(actors))])
		time.Sleep(r.delay(200))
	}
	for _, a := range []string{"customer", "target", "phone"} {
		r.w.leaves(a)
	}
	time.Sleep(2 * time.Minute)
	r.agree()
	d := r.desk()
	idle := d.config.Connect == Persistent || d.device.leg == nil && len(d.timers) == 0
	if len(d.calls)+len(d.transfer) > 0 || d.busy() || len(why(d)) > 0 || !idle {
		r.t.Errorf("%s: the desk is not free: %s, %v, timers %v", r.stage, chart(d), why(d), d.timers)
	}
	if err := r.sw.Release(r.t.Context()); err != nil {
		r.t.Error(err)
	}
	time.Sleep(time.Second)
	if live := r.w.live(); len(live) > 0 {
		r.t.Errorf("%s: orphans %v", r.stage, live)
	}
}

// raceLeg is a leg as the other end knows it.
type raceLeg struct {
	id       LegID
	party    string // customer, phone, target
	answered bool
	over     bool
	heard    time.Time // when the newest of its signals arrives: they do not overtake each other
}

// raceWorld is Telephony and Media that take random times, both ways: what crosses on the wire crosses here.
type raceWorld struct {
	*world
	fails bool // targets may refuse, or never answer

	lock    sync.Mutex
	rng     *rand.Rand
	legs    map[LegID]*raceLeg
	now     Desk
	patches map[uint64]Patch // what the desk asked for, by number
	asked   uint64
	inForce uint64
	applied time.Time
	gates   map[any]uint64 // number of the patch with which an event may be told
	told    int
	faults  []error
	seen    []string
}

func (w *raceWorld) fault(f string, a ...any) { w.faults = append(w.faults, fmt.Errorf(f, a...)) }

func (w *raceWorld) report(t *testing.T, stage string, seen map[string]int) {
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, err := range w.faults {
		t.Errorf("%s: %v", stage, err)
	}
	for _, s := range w.seen {
		seen[s]++
	}
	if w.told == 0 {
		t.Error("no event was looked at")
	}
	w.faults, w.seen = nil, nil
}

// next looks at every step of the desk.
func (w *raceWorld) next(r *runner, d Desk, in Input) (Desk, []Action, error) {
	after, acts, err := next(d, in)
	w.lock.Lock()
	defer w.lock.Unlock()
	w.now = after
	for _, check := range []func(*Desk) error{checkShape, checkBusy, checkAlone, checkPatch} {
		if err := check(&after); err != nil {
			w.fault("after %s: %w in %s", describe(in), err, chart(&after))
		}
	}
	gate := r.asked
	for _, a := range acts {
		switch a.Kind {
		case ActPatch:
			gate++
			w.patches[gate] = after.patch
		case ActPublish:
			for _, k := range subjects(a.Event) {
				w.gates[k] = gate
			}
			if a.Event.Transfer != nil {
				w.seen = append(w.seen, "transfer "+string(a.Event.Transfer.Status))
			}
		}
	}
	return after, acts, err
}

// subjects are the states that an event carries; they tell events apart.
func subjects(e *Event) (out []any) {
	if e.Call != nil {
		out = append(out, e.Call)
	}
	if e.Transfer != nil {
		out = append(out, e.Transfer)
	}
	if e.State != nil {
		out = append(out, e.State)
	}
	return out
}

// raceJournal looks at every event when it is told.
type raceJournal struct {
	*journal.Memory[Event]
	w *raceWorld
}

func (j raceJournal) Append(ctx context.Context, events ...Event) (journal.Cursor, error) {
	j.w.lock.Lock()
	for i := range events {
		for _, k := range subjects(&events[i]) {
			gate, ok := j.w.gates[k]
			if j.w.told++; !ok || gate > j.w.inForce {
				j.w.fault("%s was told with patch %d in force, it is of patch %d", events[i].Kind, j.w.inForce, gate)
			}
		}
	}
	j.w.lock.Unlock()
	return j.Memory.Append(ctx, events...)
}

func (w *raceWorld) live() (ids []LegID) {
	w.lock.Lock()
	defer w.lock.Unlock()
	for id, l := range w.legs {
		if !l.over {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
