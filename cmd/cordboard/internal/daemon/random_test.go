package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/sim"
	"cordboard/sipua"
)

const (
	randomStories = 1400
	hangUpsInside = 1000 // so many times somebody must have hung up while a consult began or was going on
	randomAgents  = 40
	voiceAgents   = 6                // of these; their parties send tones, and what is heard is measured. The others' only listen.
	storyLimit    = 60 * time.Second // beyond 64×T1: what was lost on a busy machine has been sent again
)

// TestRandomConsults plays consult stories with real SIP parties in which somebody hangs up, or a verb is given, at a random
// moment. Whatever happens: who hears whom is what the table says, who talks has a leg, and nothing is left at the end.
// RANDOM_SEED repeats the choices of a run (not its timing).
func TestRandomConsults(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("RANDOM_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("RANDOM_SEED=%d", seed)
	rw := newRandomWorld(t, seed)
	begun := time.Now()
	var failed atomic.Bool // one failure tells enough
	var g errgroup.Group
	for i := range randomAgents {
		g.Go(func() error {
			for n := i; n < randomStories && !failed.Load(); n += randomAgents {
				if err := rw.play(i, n); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		close(rw.force)
		t.Fatalf("%v\nRANDOM_SEED=%d", err, seed)
	}
	t.Logf("%d stories in %v", randomStories, time.Since(begun).Round(time.Second/10))
	rw.until("every agent is free", func() bool {
		return !slices.ContainsFunc(rw.snapshot().Agents, func(a callcontrol.AgentView) bool { return a.Busy || len(a.Why) > 0 })
	})
	rw.checkEvents()
	t.Logf("seen: %v", rw.seen)
	rw.checkSeen()
}

// randomWorld is a daemon with many agents, and a number at the PBX for each story.
type randomWorld struct {
	*world
	seed  uint64
	watch *patchWatch
	shot  atomic.Pointer[callcontrol.Snapshot] // newest of what the sampler takes

	mu   sync.Mutex
	seen map[string]int
}

func newRandomWorld(t *testing.T, seed uint64) *randomWorld {
	t.Helper()
	gate(t)
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir(), force: make(chan struct{})}
	t.Cleanup(w.close)
	rw := &randomWorld{world: w, seed: seed, seen: map[string]int{}}
	cfg := sim.PBXConfig{Addr: loopbackAny, Plan: map[string]sim.Behaviour{}}
	for n := range randomStories {
		cfg.Plan[storyNumber(n)] = rw.behaviour(n)
	}
	for i := range randomAgents {
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: user(i), Password: "line" + user(i)})
	}
	var err error
	w.pbx, err = sim.NewPBX(cfg)
	w.must(err)
	w.background("pbx", w.pbx.Run)
	w.daemon = w.newDaemon(setup{agents: randomAgents, large: true, trunk: "register: {rate: 200}"})
	rw.tune()
	w.background("daemon", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, w.force) })
	for i := range randomAgents {
		rw.phone(i)
	}
	w.must(w.pbx.WaitRegistered(w.ctx, randomAgents))
	w.until("every agent can work", func() bool {
		return !slices.ContainsFunc(w.snapshot().Agents, func(a callcontrol.AgentView) bool { return len(a.Why) > 0 })
	})
	w.background("sampler", rw.sample)
	return rw
}

// tune makes desks that a test can wait for, with a watch on their patches, and streams that may be silent.
func (rw *randomWorld) tune() {
	d := rw.daemon
	d.cfg.RTP.Timeout.Talk = 10 * time.Minute
	d.log = slog.New(slog.DiscardHandler)
	rw.watch = &patchWatch{media: media{d}, force: map[callcontrol.AgentID]callcontrol.Patch{}}
	cfg := callcontrol.Config{}
	for i, a := range d.cfg.Agents {
		c := deskConfig(d.cfg, a)
		c.Tone, c.ConsultNoAnswer, c.BlindNoAnswer = time.Second, time.Second, time.Second
		if i%2 == 1 {
			c.Hold = callcontrol.HoldSignal
		}
		if i%4 >= 2 {
			c.ConsultReturn = callcontrol.ReturnManual
		}
		cfg.Desks = append(cfg.Desks, c)
	}
	var err error
	d.board, err = callcontrol.New(cfg, callcontrol.Deps{Log: d.log, Telephony: telephony{d}, Media: rw.watch, Journal: d.events, Directory: d})
	rw.must(err)
}

func (rw *randomWorld) phone(i int) {
	source := sim.Quiet
	if i < voiceAgents {
		source = voice("agent")
	}
	p, err := sim.NewPhone(sim.PhoneConfig{
		Addr: loopback, Server: rw.daemon.stack.Addr("udp"), User: "phone" + user(i), Password: "phone" + user(i),
		Source: source, AutoAnswer: true,
	})
	rw.must(err)
	rw.background("phone", p.Run)
	rw.must(p.WaitRegistered(rw.ctx))
	rw.phones = append(rw.phones, p)
}

func (rw *randomWorld) rng(n int) *rand.Rand { return rand.New(rand.NewPCG(rw.seed, uint64(n))) }

func storyNumber(n int) string    { return fmt.Sprintf("70%04d", n) }
func customerNumber(n int) string { return fmt.Sprintf("38044%04d", n) }

// behaviour of a story's target.
func (rw *randomWorld) behaviour(n int) sim.Behaviour {
	r := rw.rng(n)
	ms := func(max int) time.Duration { return time.Duration(r.IntN(max)) * time.Millisecond }
	b := sim.Behaviour{Ring: ms(300), Early: r.IntN(4) == 0, Source: sim.Quiet}
	switch k := r.IntN(20); {
	case k == 0:
		b.Status = []int{486, 603, 503}[r.IntN(3)]
	case k < 3:
		b.Silent = true
	case k < 6:
		b.Hangup = ms(250)
	}
	if n%randomAgents < voiceAgents {
		b.Source = voice("target")
	}
	return b
}

// sample keeps a fresh snapshot for all stories.
func (rw *randomWorld) sample(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := rw.daemon.board.Snapshot(ctx)
		if err != nil {
			return context.Canceled
		}
		rw.shot.Store(&s)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (rw *randomWorld) count(what string) {
	rw.mu.Lock()
	defer rw.mu.Unlock()
	rw.seen[what]++
}

// checkSeen fails when the stories did not reach what they are about.
func (rw *randomWorld) checkSeen() {
	rw.t.Helper()
	inside := 0
	for _, a := range storyActs {
		if !strings.Contains(a.name, "hang") {
			continue
		}
		inside += rw.seen[a.name+" in a consult"]
	}
	if inside < hangUpsInside {
		rw.t.Errorf("somebody hung up in a consult %d times, want %d", inside, hangUpsInside)
	}
	want := []string{"measured"}
	for _, a := range storyActs {
		want = append(want, "act "+a.name)
	}
	for _, p := range []callcontrol.Phase{
		callcontrol.PhaseOffered, callcontrol.PhaseTalking, callcontrol.PhaseHeld, callcontrol.PhaseDialling, callcontrol.PhaseConference,
		callcontrol.PhaseBridged, callcontrol.PhaseForwarding, callcontrol.PhaseRecall, callcontrol.PhaseTone,
	} {
		want = append(want, "phase "+string(p))
	}
	for _, k := range want {
		if rw.seen[k] == 0 {
			rw.t.Errorf("never seen: %s", k)
		}
	}
}

// checkEvents reads what was told: each call and each leg begins once and ends once, and nothing is told of it afterwards.
func (rw *randomWorld) checkEvents() {
	rw.t.Helper()
	last := rw.daemon.events.Last()
	sub := rw.daemon.board.Subscribe(journal.Cursor{})
	calls, legs := map[callcontrol.CallID]string{}, map[callcontrol.LegID]string{}
	for {
		e, err := sub.Next(rw.ctx)
		rw.must(err)
		if e.Gap != nil {
			rw.t.Fatalf("the log is too short: %+v", e.Gap)
		}
		ev := e.Event
		if ev.CallID != "" && calls[ev.CallID] == "ended" && ev.Kind != callcontrol.EventTransferChanged {
			rw.t.Errorf("%s of call %s, which has ended", ev.Kind, ev.CallID)
		}
		if ev.Call != nil {
			rw.count("phase " + string(ev.Call.Phase))
		}
		switch ev.Kind {
		case callcontrol.EventCallStarted:
			calls[ev.CallID] = "live"
		case callcontrol.EventCallEnded:
			calls[ev.CallID] = "ended"
		case callcontrol.EventLegInitiated, callcontrol.EventLegAlerting, callcontrol.EventLegConnected, callcontrol.EventLegHeld:
			if legs[ev.Leg] == "ended" {
				rw.t.Errorf("%s of leg %s, which has ended", ev.Kind, ev.Leg)
			}
			legs[ev.Leg] = "live"
		case callcontrol.EventLegEnded:
			legs[ev.Leg] = "ended"
		}
		if e.Cursor.Seq >= last.Seq {
			break
		}
	}
	for id, s := range calls {
		if s != "ended" {
			rw.t.Errorf("the end of call %s was not told", id)
		}
	}
	for id, s := range legs {
		if s != "ended" {
			rw.t.Errorf("the end of leg %s was not told", id)
		}
	}
	rw.t.Logf("%d calls, %d legs, %d events", len(calls), len(legs), last.Seq)
}

// story is one customer's call to one agent.
type story struct {
	rw       *randomWorld
	rng      *rand.Rand
	i, n     int
	agent    callcontrol.AgentID
	before   int // calls of the agent's phone before this story
	customer *sim.Party
	ctx      context.Context
	begun    time.Time
	acting   bool // the random moment has come
	mu       sync.Mutex
	trail    []string
}

// storyAct is what somebody does out of turn.
type storyAct struct {
	name string
	do   func(*story)
}

var hangUps = []storyAct{
	{"customer hangs up", func(s *story) { s.each([]*sim.Party{s.customer}, (*sim.Party).Hangup) }},
	{"agent hangs up", func(s *story) { s.each(s.devices(), (*sim.Party).Hangup) }},
	{"target hangs up", func(s *story) { s.each(s.targets(), (*sim.Party).Hangup) }},
}

var storyActs = append(slices.Clip(hangUps), []storyAct{
	{"hangup", func(s *story) { s.verb(callcontrol.KindHangup) }},
	{"cancel", func(s *story) { s.verb(callcontrol.KindCancel) }},
	{"complete", func(s *story) { s.verb(callcontrol.KindComplete) }},
	{"reject", func(s *story) { s.verb(callcontrol.KindReject) }},
	{"swap", func(s *story) { s.verb(callcontrol.KindSwap) }},
	{"conference", func(s *story) { s.verb(callcontrol.KindConference) }},
	{"blind", func(s *story) { s.verb(callcontrol.KindBlind) }},
	{"agent and customer hang up", func(s *story) {
		s.customer.Hangup()
		s.each(s.devices(), (*sim.Party).Hangup)
	}},
	{"all hang up", func(s *story) { s.each(s.parties(), (*sim.Party).Hangup) }},
}...)

// consulting tells whether a consult is going on.
func (s *story) consulting() bool {
	return slices.ContainsFunc(s.desk().calls, func(c callcontrol.CallView) bool { return c.Transfer != "" })
}

// play tells story n with agent i: as far as the random moment in order, then what is done out of turn, then the end.
func (rw *randomWorld) play(i, n int) error {
	ctx, cancel := context.WithTimeout(rw.ctx, storyLimit)
	defer cancel()
	s := &story{rw: rw, rng: rw.rng(n), i: i, n: n, agent: callcontrol.AgentID(agent(i)), before: rw.phones[i].Calls(), ctx: ctx, begun: time.Now()}
	source := sim.Quiet()
	if i < voiceAgents {
		source = voice("customer")()
	}
	var err error
	s.customer, err = rw.pbx.Call(sipua.Identity{Number: customerNumber(n)}, user(i), source, sipua.Header{Name: "X-Queue", Value: "Sales"})
	if err != nil {
		return err
	}
	s.note("customer calls")
	if err := s.acts(); err != nil {
		return s.fail(err)
	}
	if err := s.end(); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *story) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trail = append(s.trail, fmt.Sprintf("%v %s (%s)", time.Since(s.begun).Round(time.Millisecond), what, s.phases()))
}

func (s *story) fail(err error) error {
	var b strings.Builder
	for _, p := range s.parties() {
		fmt.Fprintf(&b, "\n  party %s is %s, %s with %v, received %+v", p.Name, p.State(), p.Sound.Agreed().Direction, p.Sound.Agreed().Remote, p.Sound.Wire())
	}
	for _, l := range s.rw.daemon.desk(s.agent).all() {
		if _, stream, local := l.current(); stream != nil {
			fmt.Fprintf(&b, "\n  leg %s at %v wants %s, %+v", l.id, stream.Local(), local.Direction, stream.Stats())
		}
	}
	fmt.Fprintf(&b, "\n  edge %v, faults %+v", s.rw.daemon.stack.EdgeStats().Dropped, s.rw.daemon.stack.Counters())
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("story %d of %s: %w\n  %s%s\n  desk: %v", s.n, s.agent, err, strings.Join(s.trail, "\n  "), b.String(), s.desk())
}

// desk is the newest view of the agent's desk.
func (s *story) desk() deskView {
	if shot := s.rw.shot.Load(); shot != nil {
		return deskOf(shot, s.agent)
	}
	return deskView{}
}

func (s *story) phases() string {
	var p []string
	for _, c := range s.desk().calls {
		p = append(p, string(c.Phase))
	}
	return strings.Join(p, "+")
}

func (s *story) devices() (ps []*sim.Party) {
	phone := s.rw.phones[s.i]
	for k := s.before + 1; k <= phone.Calls(); k++ {
		if p, err := phone.Call(s.ctx, k); err == nil {
			ps = append(ps, p)
		}
	}
	return ps
}

func (s *story) targets() (ps []*sim.Party) {
	for k := 1; k <= s.rw.pbx.Calls(storyNumber(s.n)); k++ {
		if p, err := s.rw.pbx.Called(s.ctx, storyNumber(s.n), k); err == nil {
			ps = append(ps, p)
		}
	}
	return ps
}

func (s *story) parties() []*sim.Party {
	return append(append([]*sim.Party{s.customer}, s.devices()...), s.targets()...)
}

func (s *story) each(ps []*sim.Party, do func(*sim.Party)) {
	for _, p := range ps {
		if p.State() != sim.StateEnded {
			do(p)
		}
	}
}

// verb gives a command to the newest call of the desk that is named in the view. A refusal is a fine answer.
func (s *story) verb(k callcontrol.Kind) {
	calls := s.desk().calls
	if len(calls) == 0 {
		return
	}
	c := callcontrol.Command{Kind: k, Call: calls[len(calls)-1].ID}
	if k == callcontrol.KindConsult || k == callcontrol.KindBlind {
		c.Call, c.Number = calls[0].ID, callcontrol.Number(storyNumber(s.n))
	}
	_, err := s.rw.daemon.board.Do(s.ctx, c)
	var refused *callcontrol.Refusal
	switch {
	case err == nil:
		s.rw.count("verb " + string(k))
	case !errors.As(err, &refused), refused.Code == callcontrol.CodeTimeout, refused.Code == callcontrol.CodeBusy, refused.Code == callcontrol.CodeOverloaded:
		s.note(fmt.Sprintf("%s: %v", k, err))
	default:
		s.rw.count(fmt.Sprintf("refused %s %s %s", k, refused.Code, refused.State))
	}
}

// consultStage is the stage of acts at which the consult begins, counted from 1.
const consultStage = 3

// acts plays the story in order up to a random stage, at a random moment of which somebody acts out of turn.
func (s *story) acts() error {
	stages := []func() error{
		s.rings,
		func() error { return s.gives(callcontrol.KindAnswer, callcontrol.PhaseTalking) },
		func() error {
			return s.gives(callcontrol.KindConsult, callcontrol.PhaseDialling, callcontrol.PhaseTalking)
		},
		func() error { return s.gives("", callcontrol.PhaseTalking) },
	}
	middle := []callcontrol.Kind{callcontrol.KindSwap, callcontrol.KindMute, callcontrol.KindConference, callcontrol.KindSwap, callcontrol.KindHold}
	for range s.rng.IntN(3) {
		k := middle[s.rng.IntN(len(middle))]
		stages = append(stages, func() error { return s.gives(k) })
	}
	stages = append(stages, func() error { return s.gives(callcontrol.KindComplete) }, func() error { return nil })
	moment, first := 1+max(s.rng.IntN(len(stages)), s.rng.IntN(len(stages))), storyActs // rather late
	if s.n%8 != 0 {
		moment, first = consultStage+s.rng.IntN(len(stages)-consultStage), hangUps
	}
	for _, stage := range stages[:moment-1] {
		if err := stage(); err != nil {
			return err
		}
		if err := s.settled(); err != nil {
			return err
		}
	}
	s.acting = true
	soon := 60_000
	if moment == len(stages)-1 {
		soon = 3000 // a complete takes no longer
	}
	var acted sync.WaitGroup
	for range 1 + s.rng.IntN(4)/3 { // sometimes two at once
		act, after := first[s.rng.IntN(len(first))], time.Duration(s.rng.IntN(soon))*time.Microsecond
		first = storyActs
		acted.Go(func() {
			select {
			case <-time.After(after):
			case <-s.ctx.Done():
			}
			s.note(act.name)
			if moment == consultStage || s.consulting() {
				s.rw.count(act.name + " in a consult")
			}
			act.do(s)
			s.rw.count("act " + act.name)
		})
	}
	err := stages[moment-1]()
	acted.Wait()
	if err != nil {
		return err
	}
	if err := s.settled(); err != nil {
		return err
	}
	return s.measure()
}

// rings waits until the call is offered: an agent who is free takes every call. The customer may miss that it rings, for a
// 180 that is lost is not sent again.
func (s *story) rings() error {
	return s.until("the call is offered", func(d deskView) bool { return len(d.calls) > 0 || s.acting && s.customer.State() == sim.StateEnded })
}

// party waits for a state of one party, or its end.
func (s *story) party(p *sim.Party, state sim.State) error {
	return p.Wait(s.ctx, state, sim.StateEnded)
}

// gives gives a verb and waits until the newest call is in one of the phases, or will not be any more, or for a while: what
// is done out of turn may lead elsewhere.
func (s *story) gives(k callcontrol.Kind, phases ...callcontrol.Phase) error {
	s.note(string(k))
	if k != "" {
		s.verb(k)
	}
	end := time.Now().Add(5 * time.Second)
	if s.acting {
		end = time.Now().Add(200 * time.Millisecond)
	}
	return s.until("stage", func(d deskView) bool {
		if len(phases) == 0 || len(d.calls) == 0 || s.customer.State() == sim.StateEnded {
			return true
		}
		over := k == "" && len(d.calls) == 1 // the consult has failed
		return over || slices.Contains(phases, d.calls[len(d.calls)-1].Phase) || time.Now().After(end)
	})
}

func (s *story) until(what string, ok func(deskView) bool) error {
	for {
		if ok(s.desk()) {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-s.ctx.Done():
			return fmt.Errorf("not so: %s", what)
		}
	}
}

// settled waits until who hears whom is what the table says of the state that is told, on the desk and on the board, and who
// talks has a leg.
func (s *story) settled() error {
	wrong := ""
	err := s.until("settled", func(d deskView) bool {
		wrong = d.wrongPatch(s.rw.watch.inForce(s.agent), onBoard(s.rw.daemon.desk(s.agent)))
		if wrong == "" {
			wrong = s.orphan(d)
		}
		return wrong == ""
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, wrong)
	}
	return nil
}

// orphan names parties that talk without a leg here, or legs without a party.
func (s *story) orphan(d deskView) string {
	talk := map[string]int{}
	for _, p := range s.parties() {
		if p.State() == sim.StateTalking {
			talk[p.Name]++
		}
	}
	for id, name := range s.names(d) {
		if talk[name]--; talk[name] < 0 {
			return fmt.Sprintf("leg %s is connected, %s does not talk", id, name)
		}
	}
	for name, n := range talk {
		if n > 0 {
			return fmt.Sprintf("%s talks, and has no leg", name)
		}
	}
	return ""
}

// names are the parties behind the legs that are up.
func (s *story) names(d deskView) map[callcontrol.LegID]string {
	names := map[callcontrol.LegID]string{}
	if d.agent.Device.State == callcontrol.LegConnected {
		names[d.agent.Device.Leg] = "phone" + user(s.i)
	}
	for _, c := range d.calls {
		for _, l := range c.Legs {
			if l.Role != callcontrol.RoleDevice && up(l) {
				names[l.ID] = string(l.Party.Number)
			}
		}
	}
	return names
}

// end hangs up one party after the other, in any order, until nothing is left; who hears whom must be right in between.
func (s *story) end() error {
	for {
		live := slices.DeleteFunc(s.parties(), func(p *sim.Party) bool { return p.State() == sim.StateEnded })
		if len(live) == 0 {
			d := s.desk()
			if len(d.calls) == 0 && !d.agent.Busy && d.agent.Device.Leg == "" {
				return s.settled()
			}
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return errors.New("every party has ended and the desk is not free")
			}
		}
		p := live[s.rng.IntN(len(live))]
		s.note(p.Name + " hangs up at the end")
		p.Hangup()
		if err := s.party(p, sim.StateEnded); err != nil {
			return err
		}
		if err := s.settled(); err != nil {
			return err
		}
	}
}

// measure listens to what the parties of an agent with voices hear, and compares it with the table, as long as nothing
// changes meanwhile.
func (s *story) measure() error {
	if s.i >= voiceAgents {
		return nil
	}
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
		d := s.desk()
		want, names := d.table(), s.names(d)
		if s.orphan(d) != "" {
			return nil // somebody is leaving
		}
		got := map[callcontrol.LegID]string{}
		var mu sync.Mutex
		var g errgroup.Group
		for id, name := range names {
			for _, p := range s.parties() {
				if p.Name == name && p.State() == sim.StateTalking {
					g.Go(func() error {
						heard, err := p.Tones(s.ctx, 300*time.Millisecond, tones)
						mu.Lock()
						got[id] = strings.Join(heard, "+")
						mu.Unlock()
						return err
					})
				}
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
		if !maps.Equal(s.desk().table(), want) {
			return nil // it changed by itself
		}
		if s.same(want, got, names) {
			s.rw.count("measured")
			return nil
		}
		s.note(fmt.Sprintf("heard %v, want %v", got, want))
	}
	return errors.New("what is heard is not what the table says")
}

// same compares what was measured with the table.
func (s *story) same(want hearing, got, names map[callcontrol.LegID]string) bool {
	for id := range names {
		words := []string{}
		for _, word := range strings.Fields(want[id]) {
			switch name := names[callcontrol.LegID(word)]; {
			case name == "phone"+user(s.i):
				words = append(words, "agent")
			case name == customerNumber(s.n):
				words = append(words, "customer")
			case name == storyNumber(s.n):
				words = append(words, "target")
			case word == "ring_back", word == "busy", word == "congestion":
				return true // cadences are measured elsewhere
			default:
				words = append(words, word)
			}
		}
		slices.Sort(words)
		if got[id] != strings.Join(words, "+") {
			return false
		}
	}
	return true
}
