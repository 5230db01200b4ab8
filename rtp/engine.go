package rtp

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"reflect"
	"sync"
	"time"
)

// Engine owns the media sockets and shards of the daemon. Its methods are safe from any goroutine.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	backend backend
	ports   *ports
	alarm   alarm
	seed    maphash.Seed
	shards  []*shard
	events  *inbox[delivery]
	dones   *inbox[func()]

	mu      sync.Mutex
	state   engineState
	streams map[*Stream]struct{}
	boards  map[Board]*seats
}

type engineState uint8

const (
	engineIdle engineState = iota + 1
	engineRunning
	engineStopped
)

// seats are the slots of a board that are taken.
type seats struct {
	group string
	taken uint32
}

// delivery is an event on its way to its callback.
type delivery struct {
	to    func(Event)
	event Event
}

// New makes an engine. Nothing is bound and no goroutine runs before Open and Run.
func New(cfg Config, log *slog.Logger) (*Engine, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b, err := newBackend(cfg.Backend, log)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, log: log, backend: b, ports: newPorts(cfg, time.Now), alarm: alarm{log: log}, seed: maphash.MakeSeed(),
		events: newInbox[delivery](), dones: newInbox[func()](),
		state: engineIdle, streams: map[*Stream]struct{}{}, boards: map[Board]*seats{},
	}
	epoch := time.Now()
	for range cfg.Shards {
		e.shards = append(e.shards, newShard(epoch))
	}
	return e, nil
}

// Run runs the shards until ctx ends. It returns after all goroutines ended and all sockets are closed; every stream has said
// BYE then. An engine runs once.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.state != engineIdle {
		e.mu.Unlock()
		return fmt.Errorf("run: %w", ErrStopped)
	}
	e.state = engineRunning
	e.mu.Unlock()
	e.log.Info("media engine started", "backend", e.cfg.Backend, "shards", len(e.shards), "bind", e.cfg.Bind)

	var loops, callers sync.WaitGroup
	for _, s := range e.shards {
		loops.Go(func() { s.run(ctx, e.log) })
	}
	callers.Go(func() { e.events.serve(func(d delivery) { d.to(d.event) }) })
	callers.Go(func() { e.dones.serve(func(f func()) { f() }) })
	<-ctx.Done()
	loops.Wait()

	e.mu.Lock()
	e.state = engineStopped
	left := make([]*Stream, 0, len(e.streams))
	for s := range e.streams {
		left = append(left, s)
	}
	e.mu.Unlock()
	for _, s := range left {
		s.Close()
	}
	e.events.close()
	e.dones.close()
	callers.Wait()
	return nil
}

// shardOf gives the shard on which all legs of a group live.
func (e *Engine) shardOf(group string) *shard {
	return e.shards[maphash.String(e.seed, group)%uint64(len(e.shards))]
}

// Do runs f on the loop of group's shard, in order with Open, Update and Close of the same group; done (may be nil) is called
// off the loop after f ran. This is how boards are changed. Once the engine has stopped f is not run, and done
// is called by Do itself.
func (e *Engine) Do(group string, f func(), done func()) {
	letter := func() {
		f()
		if done != nil {
			e.dones.put(done, 0)
		}
	}
	if !e.shardOf(group).mail.put(letter, 0) && done != nil {
		done()
	}
}

// call runs f on the loop and waits. Before Run and after it there is no loop, and f runs here.
func (e *Engine) call(s *shard, f func()) {
	e.mu.Lock()
	if e.state == engineIdle {
		defer e.mu.Unlock()
		s.letters()
		f()
		return
	}
	e.mu.Unlock()
	ran := make(chan struct{})
	if s.mail.put(func() { f(); close(ran) }, 0) {
		<-ran
		return
	}
	<-s.stopped
	f() // the leg is closed: nothing changes any more
}

// Check waits until every media loop has answered, and is an error when one does not before ctx ends or is far behind its
// clock: what a watchdog asks. A loop without legs rests and answers too.
func (e *Engine) Check(ctx context.Context) error {
	for i, s := range e.shards {
		late := make(chan time.Duration, 1)
		if !s.mail.put(func() { late <- s.late() }, 0) {
			return ErrStopped
		}
		select {
		case d := <-late:
			if d > maxLate {
				return fmt.Errorf("media loop %d is %v late", i, d.Round(time.Millisecond))
			}
		case <-s.stopped:
			return ErrStopped
		case <-ctx.Done():
			return fmt.Errorf("media loop %d does not answer: %w", i, ctx.Err())
		}
	}
	return nil
}

// Usage tells how far the port range is used.
func (e *Engine) Usage() Usage { return e.ports.usage() }

// Stats sums up all shards.
func (e *Engine) Stats() EngineStats {
	e.mu.Lock()
	out := EngineStats{Streams: len(e.streams), Backend: e.cfg.Backend}
	e.mu.Unlock()
	for _, s := range e.shards {
		out.Ticks += s.ticks.Load()
		out.TicksLate += s.overdue.Load()
		out.TicksSkipped += s.skipped.Load()
		out.QueueDropped += s.dropped.Load()
	}
	out.Ports = e.ports.usage()
	return out
}

// reserve takes a seat at the board.
func (e *Engine) reserve(p OpenParams) error {
	if p.Slot < 0 || p.Slot >= MaxSlots {
		return fmt.Errorf("%w: slot %d: want 0 to %d", ErrBadSlot, p.Slot, MaxSlots-1)
	}
	if !reflect.TypeOf(p.Board).Comparable() {
		return fmt.Errorf("%w: board of type %T is not comparable", ErrBadSlot, p.Board)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == engineStopped {
		return ErrStopped
	}
	b := e.boards[p.Board]
	if b == nil {
		b = &seats{group: p.Group}
		e.boards[p.Board] = b
	}
	if b.group != p.Group {
		return fmt.Errorf("%w: board belongs to another group", ErrBadSlot)
	}
	if b.taken&(1<<p.Slot) != 0 {
		return fmt.Errorf("%w: slot %d is taken", ErrBadSlot, p.Slot)
	}
	b.taken |= 1 << p.Slot
	return nil
}

func (e *Engine) vacate(board Board, slot int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.boards[board]
	if b.taken &^= 1 << slot; b.taken == 0 {
		delete(e.boards, board)
	}
}

// forget gives back what a closed stream held.
func (e *Engine) forget(s *Stream) {
	e.vacate(s.board, s.slot)
	e.mu.Lock()
	delete(e.streams, s)
	e.mu.Unlock()
	e.ports.release(s.port)
}

// bindPair binds a dealt port and the one above; with 0 the pair follows from what the system chose.
func (e *Engine) bindPair(s *Stream, port uint16) (err error) {
	media := inlet{shard: s.shard, stream: s}
	if s.media, err = e.backend.open(netip.AddrPortFrom(e.cfg.Bind, port), media); err != nil {
		return err
	}
	port = s.media.local().Port()
	if port&1 != 0 {
		s.media.close()
		return errOddPort
	}
	control := inlet{shard: s.shard, stream: s, rtcp: true}
	if s.control, err = e.backend.open(netip.AddrPortFrom(e.cfg.Bind, port+1), control); err != nil {
		s.media.close()
	}
	return err
}

var errOddPort = errors.New("port is odd")
