package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/journal"
	"cordboard/plugins/host"
	"cordboard/rtp"
	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// ErrTooManyLegs says that limits.max_legs is reached.
var ErrTooManyLegs = errors.New("limits.max_legs is reached")

// Daemon is one running gateway.
type Daemon struct {
	cfg         *configs.Config // with which it was started
	log         *slog.Logger
	key         []byte                // of this installation
	plant       atomic.Pointer[plant] // of the configuration in force
	engine      *rtp.Engine
	stack       *sipua.Stack
	board       *callcontrol.Switchboard
	store       *journal.Store
	events      *journal.Log[callcontrol.Event]
	living      *living
	calls       *history                   // those that have ended
	bindings    *journal.Table[bindingRow] // where phones are registered
	farewells   *journal.Table[legRow]     // what ends the legs, by leg
	commands    *commands                  // what became of those of the last minutes
	orphans     map[string]legRow          // legs of the last run
	orphanCalls int                        // calls of the last run
	metrics     *metrics
	adapters    *host.Set
	sockets     string // adapters' folder; empty: none
	started     time.Time
	mediaAddr   netip.Addr

	legs atomic.Int64
	reloads

	stop    chan struct{} // closed when workers must end
	workers sync.WaitGroup
}

// New makes a gateway of a checked configuration and opens its journal. No port is bound before Run, which must follow: it
// closes the journal.
func New(cfg *configs.Config, log *slog.Logger) (*Daemon, error) {
	d := &Daemon{
		cfg: cfg, log: log, mediaAddr: mediaAddr(cfg), started: time.Now(), stop: make(chan struct{}),
		reloads: reloads{sweeps: make(chan struct{}, 1)},
	}
	if err := d.prepare(); err != nil {
		d.closeAdapters()
		d.closeJournal()
		return nil, err
	}
	return d, nil
}

// prepare makes the rooms.
func (d *Daemon) prepare() error {
	cfg, log := d.cfg, d.log
	sounds, err := newSounds(cfg)
	if err != nil {
		return err
	}
	d.plant.Store(newPlant(cfg, sounds, nil))
	if d.engine, err = rtp.New(rtpConfig(cfg), log); err != nil {
		return fmt.Errorf("media: %w", err)
	}
	if d.key, err = contactKey(cfg); err != nil {
		return err
	}
	if err = d.openJournal(); err != nil {
		return err
	}
	if err = d.newBoard(); err != nil {
		return fmt.Errorf("call control: %w", err)
	}
	sip, err := mapping.SIP(cfg, d.key)
	if err != nil {
		return err
	}
	d.holdCertificate(&sip)
	d.sip, d.trunks = sip, sip.Trunks
	d.stack, err = sipua.New(sip, sipua.Deps{Log: log, OnInvite: d.onInvite, OnLine: d.onLine, OnPhone: d.onPhone, OnContacts: d.keepBinding})
	if err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	d.metrics = newMetrics(d)
	return d.newAdapters()
}

func (d *Daemon) newBoard() error {
	cfg := callcontrol.Config{}
	for _, a := range d.cfg.Agents {
		cfg.Desks = append(cfg.Desks, deskConfig(d.cfg, a))
	}
	var err error
	d.board, err = callcontrol.New(cfg, d.boardDeps())
	return err
}

func (d *Daemon) boardDeps() callcontrol.Deps {
	return callcontrol.Deps{Log: d.log, Telephony: telephony{d}, Media: media{d}, Meter: media{d}, Journal: d.events, Directory: d, Commands: d.commands}
}

// Run serves until ctx ends, then drains: no new calls, the running ones get calls.drain. It returns when every
// goroutine, socket and port is released. A second stop is asked for with force: all calls are hung up at once.
func (d *Daemon) Run(ctx context.Context, ready func(), force <-chan struct{}) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g, work := errgroup.WithContext(work)
	if err := d.inherit(work); err != nil { // before the first call
		g.Go(func() error { return err })
	}
	d.restoreBindings()
	g.Go(func() error { return d.engine.Run(work) })
	g.Go(func() error { return d.stack.Run(work) })
	g.Go(func() error { return d.endOrphans(work) })
	g.Go(func() error { return d.living.follow(work, d.board.Snapshot) })
	g.Go(func() error { return d.board.Run(work) })
	bound := make(chan struct{}, 2) // a word from each that opens its socket now
	g.Go(func() error { return d.serveControl(work, bound) })
	g.Go(func() error { return d.adapters.Run(work) })
	g.Go(func() error { return d.lookParties(work) })
	g.Go(func() error { return d.sweep(work) })
	g.Go(func() error { return d.metrics.run(work, d.cfg.Metrics.Listen.AddrPort, bound) })
	g.Go(func() error {
		for range cap(bound) {
			select {
			case <-bound:
			case <-work.Done():
				return nil
			}
		}
		d.startDevices()
		if ready != nil {
			ready()
		}
		select {
		case <-ctx.Done():
			d.windDown(work, force)
			d.settleAdapters(work)
			cancel()
		case <-work.Done():
		}
		return nil
	})
	err := g.Wait()
	close(d.stop)
	d.workers.Wait()
	d.living.settle()
	d.closeAdapters()
	d.closeJournal()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// windDown lets calls end by themselves, then hangs up what is left.
func (d *Daemon) windDown(ctx context.Context, force <-chan struct{}) {
	d.endReloads()
	limit := d.now().cfg.Calls.Drain
	drain, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	go func() {
		select {
		case <-force:
			cancel()
		case <-drain.Done():
		}
	}()
	d.log.Info("draining", "limit", limit)
	d.stack.Drain()
	if err := d.board.Drain(drain); err == nil {
		d.log.Info("drained")
		return
	}
	release, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := d.board.Release(release); err != nil {
		d.log.Warn("calls left at the end", "err", err)
	}
}

// goRun starts a short-lived worker that Run waits for.
func (d *Daemon) goRun(f func(stop <-chan struct{})) {
	d.workers.Go(func() { f(d.stop) })
}

func (d *Daemon) desk(agent callcontrol.AgentID) *desk { return d.now().desks[agent] }

func (d *Daemon) leg(agent callcontrol.AgentID, id callcontrol.LegID) *leg {
	desk := d.desk(agent)
	if desk == nil || id == "" {
		return nil
	}
	return desk.leg(id)
}

func (d *Daemon) newLeg(desk *desk, id callcontrol.LegID, device bool) *leg {
	l := &leg{id: id, desk: desk, set: desk.settings(), d: d, device: device, opened: time.Now(), infoDone: make(chan sipua.InfoFailed, 1), gone: make(chan struct{})}
	desk.add(l)
	return l
}

// room refuses a call for which there are not ports enough, before anything rings: one pair for its own leg and one for the
// device that will take it, unless that is there.
func (d *Daemon) room(desk *desk, l *leg) error {
	need := 2
	if slices.ContainsFunc(desk.all(), func(other *leg) bool { return other != l && other.device }) {
		need = 1
	}
	if u := d.engine.Usage(); u.Free() < need {
		return &rtp.PortsError{Usage: u}
	}
	return nil
}

// admit counts a leg against limits.max_legs.
func (d *Daemon) admit(l *leg) error {
	if d.legs.Add(1) > int64(d.now().cfg.Limits.MaxLegs) {
		d.legs.Add(-1)
		return ErrTooManyLegs
	}
	l.mu.Lock()
	l.release = func() { d.legs.Add(-1) }
	l.mu.Unlock()
	return nil
}

// ended logs a leg's media figures once.
func (d *Daemon) ended(l *leg, s rtp.Stats) {
	d.metrics.legs.ended(l.device, s)
	d.log.Info("leg media ended", "agent", l.desk.agent, "leg", l.id, "seconds", int(time.Since(l.opened).Seconds()),
		"packets_in", s.PacketsReceived, "packets_out", s.PacketsSent, "lost", s.Lost, "jitter_ms", s.Jitter.Milliseconds(),
		"mos", s.MOS, "foreign_dropped", s.ForeignDropped)
}

// AgentOfLine implements callcontrol.Directory.
func (d *Daemon) AgentOfLine(trunk, user string) (callcontrol.AgentID, bool) {
	a, ok := d.now().lines[[2]string{trunk, user}]
	return a, ok
}

// AgentOfPhone implements callcontrol.Directory.
func (d *Daemon) AgentOfPhone(user string) (callcontrol.AgentID, bool) {
	a, ok := d.now().phones[user]
	return a, ok
}

// Internal implements callcontrol.Directory: a number is internal when it is one of the lines'.
func (d *Daemon) Internal(n callcontrol.Number) bool {
	p := d.now()
	return slices.ContainsFunc(p.cfg.Trunks, func(t configs.Trunk) bool {
		_, ok := p.lines[[2]string{t.Name, string(n)}]
		return ok
	})
}

func (d *Daemon) mayLearn(device bool) bool {
	switch d.now().cfg.RTP.Learn {
	case configs.LearnAll:
		return true
	case configs.LearnPhones:
		return device
	}
	return false
}

func (d *Daemon) silenceLimit(n offer.Negotiated) time.Duration {
	if n.PeerHolds() || !n.Direction.Recv() {
		return d.now().cfg.RTP.Timeout.Hold
	}
	return d.now().cfg.RTP.Timeout.Talk
}

func mediaAddr(c *configs.Config) netip.Addr {
	for _, a := range []netip.Addr{c.RTP.Advertise, c.SIP.Advertise, c.RTP.Bind} {
		if a.IsValid() && !a.IsUnspecified() {
			return a
		}
	}
	if len(c.SIP.Listen) > 0 {
		return c.SIP.Listen[0].Addr.Addr()
	}
	return c.RTP.Bind
}
