package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
)

// missesMost is how many health checks in a row may go unanswered.
const missesMost = 3

// Host is the supervisor of one adapter.
type Host struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	start launcher // launch, but in tests

	ran     atomic.Bool
	dropped atomic.Uint64 // log lines
	failed  atomic.Uint64 // lookups and searches
	asks    asks
	track   track

	mu     sync.Mutex
	status control.AdapterStatus
	now    instance // nil unless one is configured and alive
	info   adapter.Info
	starts int
}

// New makes the supervisor of an adapter. Errors: a missing name, command or dependency.
func New(cfg Config, deps Deps) (*Host, error) {
	cfg = cfg.withDefaults()
	if err := errors.Join(cfg.check(), deps.check()); err != nil {
		return nil, err
	}
	if deps.Metrics == nil {
		deps.Metrics = noMetrics{}
	}
	h := &Host{cfg: cfg, deps: deps, log: deps.Log.With("adapter", cfg.Name)}
	h.status = control.AdapterStatus{Name: cfg.Name, Kind: cfg.Kind, State: control.AdapterStopped}
	h.start = h.launch
	h.asks.slots = make(chan struct{}, mostAsked)
	h.track.name, h.track.metrics = cfg.Name, deps.Metrics
	return h, nil
}

// Name is the adapter's.
func (h *Host) Name() string { return h.cfg.Name }

// Run keeps the adapter alive until ctx ends, then stops it and returns once nothing of it is left. It
// may be called once. An adapter that cannot be kept alive is no error of Run: Status tells.
func (h *Host) Run(ctx context.Context) error {
	if h.ran.Swap(true) {
		return errors.New("host: the adapter's supervisor has run already")
	}
	h.track.begin(h.last())
	b := backoff{first: h.cfg.Backoff}
	for ctx.Err() == nil {
		e := h.live(ctx)
		h.asks.wait()
		if ctx.Err() != nil {
			break
		}
		wait := b.next(e)
		h.log.Warn("adapter is down", "error", e.err, "next_start_in", wait.String())
		h.change(func(s *control.AdapterStatus) {
			h.downLocked(e.err)
			s.NextStart = time.Now().Add(wait)
		})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	h.change(func(s *control.AdapterStatus) { s.State, s.NextStart = control.AdapterStopped, time.Time{} })
	return nil
}

// live is one life of the process, from start to end.
func (h *Host) live(ctx context.Context) ending {
	h.change(func(s *control.AdapterStatus) {
		s.State, s.NextStart, s.Restarts = control.AdapterStarting, time.Time{}, h.starts
		h.starts++
	})
	starting, cancel := context.WithTimeout(ctx, h.cfg.StartTimeout)
	defer cancel()
	h.deps.Metrics.Started(h.cfg.Name)
	in, err := h.start(starting)
	if err != nil {
		return ending{err: err}
	}
	killer := context.AfterFunc(starting, in.kill)
	info, health, err := h.introduce(starting, in)
	killer()
	if err != nil {
		err = h.why(ctx, starting, in, err)
		h.end(in)
		return ending{err: err}
	}
	h.enter(in, info)
	h.tellHealth(health)
	e := h.watch(ctx, in)
	h.leave(e)
	if ctx.Err() != nil {
		h.stop(in)
		return e
	}
	h.deps.Metrics.Ended(h.cfg.Name)
	h.end(in)
	return e
}

// why explains an introduction that failed: the process's end says more than a broken connection, and a
// deadline more than what it cut off.
func (h *Host) why(ctx, starting context.Context, in instance, err error) error {
	if ctx.Err() == nil && (starting.Err() != nil || errors.Is(err, errNoAnswer)) {
		return fmt.Errorf("it was not ready within %s", h.cfg.StartTimeout)
	}
	select {
	case <-in.gone():
		if end, _ := in.end(); end != nil {
			return end
		}
	case <-time.After(200 * time.Millisecond):
	}
	return err
}

// enter makes a configured instance the adapter's.
func (h *Host) enter(in instance, info adapter.Info) {
	h.mu.Lock()
	h.now, h.info = in, info
	s := &h.status
	s.State, s.PID, s.Started = control.AdapterRunning, in.pid(), time.Now()
	s.Program, s.Version, s.Capabilities = info.Name, info.Version, nil
	for _, c := range info.Capabilities {
		s.Capabilities = append(s.Capabilities, string(c))
	}
	h.mu.Unlock()
	h.log.Info("adapter runs", "program", info.Name, "version", info.Version, "pid", in.pid())
}

// leave ends the instance's time as the adapter's.
func (h *Host) leave(e ending) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = nil
	h.status.PID = 0
	if e.err != nil {
		h.downLocked(e.err)
	}
}

// downLocked says that the adapter is down, and why.
func (h *Host) downLocked(err error) {
	s := &h.status
	s.State, s.LastError, s.LastErrorAt = control.AdapterBackoff, shorten(err.Error()), time.Now()
}

// watch looks after a running instance until it ends, hangs, or ctx is over.
func (h *Host) watch(ctx context.Context, in instance) ending {
	since := time.Now()
	good, misses := since, 0
	tick := time.NewTicker(h.cfg.HealthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ending{well: good.Sub(since)}
		case <-in.gone():
			err, outside := in.end()
			return ending{err: err, well: max(good.Sub(since), 1), outside: outside}
		case <-tick.C:
		}
		health, err := h.health(ctx, in)
		switch {
		case err == nil:
			good, misses = time.Now(), 0
			h.tellHealth(health)
			continue
		case ctx.Err() != nil:
			continue
		}
		if misses++; misses < missesMost {
			h.setState(control.AdapterHung, fmt.Sprintf("it did not answer %d health checks: %v", misses, err))
			continue
		}
		in.kill()
		return ending{err: fmt.Errorf("it did not answer %d health checks and was killed", misses), well: max(good.Sub(since), 1)}
	}
}

func (h *Host) health(ctx context.Context, in instance) (adapter.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.HealthTimeout)
	defer cancel()
	r, err := in.rpc().Health(ctx, &adapterv1.HealthRequest{})
	if err != nil {
		return adapter.Health{}, plainError(err)
	}
	return adapter.DecodeHealth(r), nil
}

func (h *Host) tellHealth(health adapter.Health) {
	if health.State == adapter.HealthOK {
		h.setState(control.AdapterRunning, "")
		return
	}
	h.setState(control.AdapterDegraded, health.Message)
}

// stop lets the adapter finish within the grace, then ends it.
func (h *Host) stop(in instance) {
	h.change(func(s *control.AdapterStatus) { s.State = control.AdapterStopping })
	ctx, cancel := context.WithTimeout(context.Background(), h.cfg.Grace)
	defer cancel()
	if _, err := in.rpc().Stop(ctx, stopRequest(h.cfg.Grace)); err != nil {
		h.log.Warn("adapter did not stop in order", "error", plainError(err))
	}
	in.close(ctx)
	h.log.Info("adapter stopped")
}

// end closes an instance that is not wanted any more, or gone already.
func (h *Host) end(in instance) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	in.close(now)
}
