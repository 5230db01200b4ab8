package callcontrol

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"cordboard/journal"
)

// Config is what a switchboard serves.
type Config struct {
	Desks []DeskConfig
	// Boot makes the ids of this life differ from those of any other one; empty: random. Letters and
	// digits only.
	Boot string
}

// Deps are the rooms a switchboard works with. All but Directory, Meter, Commands and Record are required.
type Deps struct {
	Log       *slog.Logger
	Telephony Telephony
	Media     Media
	Journal   Journal
	Directory Directory // nil: offers name their agent, no number is internal
	Meter     Meter     // nil: snapshots have no figures of media
	Commands  Commands  // nil: results of commands are not kept beyond this switchboard
	// Record, when set, gets every input of every desk in order, from the desk's goroutine. Digits are
	// removed.
	Record func(AgentID, Input)
}

// Switchboard runs the desks: one goroutine each, while there is something to do, applies the machine; one
// publishes what they did.
type Switchboard struct {
	deps    Deps
	boot    string
	roster  roster
	serial  atomic.Uint64
	memory  *memory
	pub     *publisher
	started atomic.Bool
	stopped chan struct{}  // closed when Run returns
	running sync.WaitGroup // desks with something to do
	retired chan struct{}  // capacity 1: Retired

	mu   sync.Mutex
	legs map[LegID]*runner // owners of legs that others began
}

var _ Control = (*Switchboard)(nil)

// New makes a switchboard. It errs on a missing dependency, a missing or doubled agent, and a bad
// number in an identity.
func New(cfg Config, deps Deps) (*Switchboard, error) {
	if deps.Log == nil || deps.Telephony == nil || deps.Media == nil || deps.Journal == nil {
		return nil, errors.New("callcontrol: a dependency is missing")
	}
	boot := cfg.Boot
	if boot == "" {
		var b [5]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("make boot id: %w", err)
		}
		boot = hex.EncodeToString(b[:])
	}
	if strings.Trim(boot, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return nil, errors.New("callcontrol: boot id has other than letters and digits")
	}
	s := &Switchboard{
		deps: deps, boot: boot, memory: newMemory(len(cfg.Desks), deps.Commands), roster: newRoster(len(cfg.Desks)),
		stopped: make(chan struct{}), legs: make(map[LegID]*runner), retired: make(chan struct{}, 1),
	}
	s.pub = newPublisher(s)
	if err := checkDesks(cfg.Desks); err != nil {
		return nil, err
	}
	for _, c := range cfg.Desks {
		r := s.roster.add(s, c)
		s.pub.views[c.Agent] = viewOf(&r.desk)
	}
	return s, nil
}

// checkDesks errs on a missing or doubled agent, and on a bad number.
func checkDesks(desks []DeskConfig) error {
	seen := make(map[AgentID]bool, len(desks))
	for _, c := range desks {
		if c.Agent == "" || seen[c.Agent] {
			return fmt.Errorf("callcontrol: agent %q is empty or there twice", c.Agent)
		}
		seen[c.Agent] = true
		if n := c.Identity.Number; n != "" && !n.valid() {
			return fmt.Errorf("callcontrol: agent %q: identity: %w", c.Agent, ErrBadNumber)
		}
	}
	return nil
}

// Run serves until ctx ends and returns when every goroutine has ended. Live calls are not hung up:
// Drain or Release comes first. It may be called once.
func (s *Switchboard) Run(ctx context.Context) error {
	if s.started.Swap(true) {
		return errors.New("callcontrol: the switchboard has run already")
	}
	defer close(s.stopped)
	var pub sync.WaitGroup
	pubCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	pub.Go(func() { s.pub.run(pubCtx) })
	for _, r := range s.roster.open() {
		r.inbox.serve()
	}
	<-ctx.Done()
	desks := s.roster.close()
	for _, r := range desks {
		r.inbox.close()
	}
	s.running.Wait()
	for _, r := range desks {
		r.stop()
	}
	stop()
	pub.Wait()
	return nil
}

// NewLegID makes an id for a leg that the glue is about to hand to Incoming.
func (s *Switchboard) NewLegID() LegID {
	return LegID("l-" + s.boot + "-" + strconv.FormatUint(s.serial.Add(1), 10))
}

// Incoming takes a new leg to the desk it is for; a leg for nobody is rejected. It never waits.
func (s *Switchboard) Incoming(o Offer) {
	r := s.deskOf(&o)
	if r == nil {
		s.deps.Log.Info("offer is for no agent", slog.String("leg", string(o.Leg)), slog.String("line", o.Line), slog.String("phone", o.Phone))
		s.deps.Telephony.Reject("", o.Leg, CauseBadNumber)
		return
	}
	in := Input{Offer: &o}
	if dir := s.deps.Directory; dir != nil {
		if o.Kind == OfferDevice {
			in.Internal = dir.Internal(o.To)
		} else {
			o.Internal = o.Internal || dir.Internal(o.From.Number)
		}
	}
	s.own(o.Leg, r)
	if !r.inbox.push(envelope{in: in}) {
		s.disown(o.Leg)
		s.deps.Telephony.Reject(r.agent, o.Leg, CauseCongestion)
	}
}

func (s *Switchboard) deskOf(o *Offer) *runner {
	dir := s.deps.Directory
	if o.Agent != "" || dir == nil {
		return s.roster.of(o.Agent)
	}
	agent, ok := AgentID(""), false
	if o.Kind == OfferDevice {
		agent, ok = dir.AgentOfPhone(o.Phone)
	} else {
		agent, ok = dir.AgentOfLine(o.Trunk, o.Line)
	}
	if !ok {
		return nil
	}
	return s.roster.of(agent)
}

// Signal takes an outcome from SIP or media to a desk, in the order of the calls. It never waits. One
// for an unknown agent is dropped.
func (s *Switchboard) Signal(agent AgentID, sig Signal) {
	r := s.roster.of(agent)
	if r == nil {
		s.deps.Log.Debug("signal is for no agent", slog.String("agent", string(agent)))
		return
	}
	r.inbox.push(envelope{in: Input{Signal: &sig}})
}

// Do implements Control.
func (s *Switchboard) Do(ctx context.Context, c Command) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, s.refused(ctx, &c, refuse(CodeTimeout, "the command's deadline has passed; nothing was done"))
	}
	if r := c.check(); r != nil {
		return Result{}, s.refused(ctx, &c, r)
	}
	e, first, refusal := s.memory.begin(c)
	if refusal != nil {
		return Result{}, s.refused(ctx, &c, refusal)
	}
	if first {
		s.dispatch(ctx, c, e)
	}
	select {
	case <-e.done:
		return e.answer(first)
	case <-ctx.Done():
		r := refuse(CodeTimeout, "no result in time; the command may still be carried out: "+ctx.Err().Error())
		return Result{}, s.refused(ctx, &c, r)
	case <-s.stopped:
		return Result{}, refuse(CodeUnavailable, "the switchboard has stopped")
	}
}

func (s *Switchboard) dispatch(ctx context.Context, c Command, e *entry) {
	r, refusal := s.find(&c)
	if refusal != nil {
		e.finish(Result{}, s.refused(ctx, &c, refusal))
		return
	}
	in := Input{Command: &c}
	if s.deps.Directory != nil && c.Number != "" {
		in.Internal = s.deps.Directory.Internal(c.Number)
	}
	if !r.inbox.push(envelope{in: in, entry: e}) {
		e.finish(Result{}, s.refused(ctx, &c, refuse(CodeOverloaded, "the desk has too much to do")))
	}
}

// find is the desk of a command, by its agent or by what it names. A call of another agent is not the
// given agent's.
func (s *Switchboard) find(c *Command) (*runner, *Refusal) {
	named := s.named(c)
	if c.Agent == "" {
		switch {
		case named != nil:
			return named, nil
		case c.Call != "" || c.Leg != "":
			return nil, refuse(CodeNoSuchCall, "there is no such call or leg")
		case c.Transfer != "":
			return nil, refuse(CodeNoSuchTransfer, "there is no such transfer")
		}
		return nil, refuse(CodeNoSuchAgent, "name an agent or a call")
	}
	r := s.roster.of(c.Agent)
	if r == nil {
		return nil, refuse(CodeNoSuchAgent, "there is no such agent")
	}
	if named != nil && named != r {
		return nil, refuse(CodeNotOwner, "that belongs to another agent")
	}
	return r, nil
}

// named is the desk of the call, transfer or leg that a command names, nil where there is none.
func (s *Switchboard) named(c *Command) *runner {
	for _, id := range []string{string(c.Call), string(c.Transfer), string(c.Leg)} {
		if r := s.owner(id); r != nil {
			return r
		}
	}
	return nil
}

// owner finds the desk that made an id, or that has a leg which others began.
func (s *Switchboard) owner(id string) *runner {
	parts := strings.Split(id, "-")
	if len(parts) == 3 {
		if n, ok := strings.CutPrefix(parts[1], s.boot+"."); ok {
			if i, err := strconv.Atoi(n); err == nil {
				return s.roster.numbered(i)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.legs[LegID(id)]
}

func (s *Switchboard) own(l LegID, r *runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[l] = r
}

func (s *Switchboard) disown(l LegID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.legs, l)
}

// Snapshot implements Control. It errs with ctx.Err(), or a Refusal when the switchboard has stopped. The figures of media
// are read after it; a media loop that does not answer costs only them.
func (s *Switchboard) Snapshot(ctx context.Context) (Snapshot, error) {
	var snap Snapshot
	if err := s.pub.do(ctx, func() { snap = s.pub.snapshot() }); err != nil {
		return Snapshot{}, err
	}
	s.measure(ctx, snap.Calls)
	return snap, nil
}

// Subscribe implements Control.
func (s *Switchboard) Subscribe(from journal.Cursor) journal.Subscription[Event] {
	return s.deps.Journal.Subscribe(from)
}

// Drain takes no new calls from now on, in either direction, and returns when the last leg has ended, or
// with ctx's error. The desks stay drained.
func (s *Switchboard) Drain(ctx context.Context) error { return s.empty(ctx, Input{Drain: true}) }

// Release hangs up every call and returns when the last leg has ended, or with ctx's error.
func (s *Switchboard) Release(ctx context.Context) error { return s.empty(ctx, Input{Release: true}) }

func (s *Switchboard) empty(ctx context.Context, in Input) error {
	for _, r := range s.roster.all() {
		r.inbox.push(envelope{in: in})
	}
	idle := make(chan struct{})
	if err := s.pub.do(ctx, func() { s.pub.whenIdle(idle) }); err != nil {
		return err
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		return refuse(CodeUnavailable, "the switchboard has stopped")
	}
}
