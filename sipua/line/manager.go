package line

import (
	"cmp"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"cordboard/sipua/alarm"
	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// ErrStopped is returned by Update once Run is ending.
var ErrStopped = errors.New("line manager is stopping")

// Deps are what a Manager works with.
type Deps struct {
	Log     *slog.Logger // required
	Sender  Sender       // required
	Targets Targets      // required
	// OnState is told every change of phase, of the binding and of the reason,
	// in order per line, on the manager's goroutine: it must not block.
	OnState func(State)
	// InFlight bounds the REGISTER transactions under way per trunk; default 256.
	InFlight int
	// StopTimeout bounds unregistering at the end of Run; default 10 s.
	StopTimeout time.Duration
	// StopSilence is how long a trunk may leave a REGISTER without an answer
	// during the stop; then its lines are given up. Default 2 s, at most
	// StopTimeout.
	StopSilence time.Duration
	// Float gives random numbers in [0,1); default math/rand/v2.
	Float func() float64
}

// event is a change to report.
type event struct {
	State
	entry   *entry
	entered bool // the phase is new
	gained  bool // the line became registered
}

// Manager keeps all lines registered. Its methods are safe for concurrent use
// and do not wait for the network.
type Manager struct {
	deps  Deps
	wake  chan struct{} // capacity 1: there is something for Run to look at
	asked chan struct{} // by Check

	gathering []*watch // that will have something to tell; owned by the goroutine of Run

	mu       sync.Mutex
	trunks   map[string]*trunk
	accounts map[account]*entry // all machines that are not Gone
	ids      map[string]*entry  // the wanted lines
	alarms   alarm.Heap[any]    // of entries, trunks and flows
	stopping bool
	leaving  []*trunk // whose lines the stop waits for
	events   []event  // for OnState, in order
	ready    []*job   // left the pacer, to be sent by Run
	pings    []*flow  // due, to be sent by Run
}

// New makes a manager with its first configuration; nothing is sent before Run.
func New(cfg Config, deps Deps) (*Manager, error) {
	if deps.Log == nil || deps.Sender == nil || deps.Targets == nil {
		return nil, errors.New("line manager: log, sender and targets are required")
	}
	if deps.OnState == nil {
		deps.OnState = func(State) {}
	}
	if deps.InFlight <= 0 {
		deps.InFlight = 256
	}
	if deps.StopTimeout <= 0 {
		deps.StopTimeout = 10 * time.Second
	}
	if deps.StopSilence <= 0 {
		deps.StopSilence = 2 * time.Second
	}
	deps.StopSilence = min(deps.StopSilence, deps.StopTimeout)
	if deps.Float == nil {
		deps.Float = rand.Float64
	}
	m := &Manager{
		deps: deps, wake: make(chan struct{}, 1), asked: make(chan struct{}), trunks: make(map[string]*trunk),
		accounts: make(map[account]*entry), ids: make(map[string]*entry),
	}
	return m, m.Update(cfg)
}

// Snapshot gives all wanted lines, sorted by id.
func (m *Manager) Snapshot() []State {
	now := time.Now()
	m.mu.Lock()
	out := make([]State, 0, len(m.ids))
	for _, e := range m.ids {
		out = append(out, e.state(now))
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

// State gives one line; false when there is none of that id.
func (m *Manager) State(id string) (State, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.ids[id]
	if !ok {
		return State{}, false
	}
	return e.state(time.Now()), true
}

// Credentials gives the digest client of a line, which its calls share: one
// nonce count for all requests of the account.
func (m *Manager) Credentials(id string) (*digest.Client, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.ids[id]
	if !ok {
		return nil, false
	}
	return e.client, true
}

// Retry makes a line try now (paced) instead of at its time.
func (m *Manager) Retry(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.ids[id]; ok {
		m.stepLocked(e, input{kind: inRetry})
	}
}

// FlowLost tells that the connection to a target of a trunk has ended: the
// lines on it register again, at another target where there is one.
func (m *Manager) FlowLost(trunkName string, t resolve.Target) {
	m.deps.Targets.MarkDead(t, 0)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.ids {
		if e.trunk.cfg.Name == trunkName && e.target == t {
			m.stepLocked(e, input{kind: inFlowLost, reason: "keep-alive not answered"})
		}
	}
}

// ConnLost tells that a stream has ended: the lines on it register again, at
// the same target while it can be connected to.
func (m *Manager) ConnLost(transport string, remote netip.AddrPort) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.accounts {
		if e.target.Transport == transport && e.target.Addr == remote {
			m.stepLocked(e, input{kind: inFlowLost, reason: "connection ended"})
		}
	}
}

// stepLocked runs one machine and does what it asks, m.mu held.
func (m *Manager) stepLocked(e *entry, in input) {
	in.now, in.roll = time.Now(), m.deps.Float()
	before := e.m
	var eff effect
	e.m, eff = next(e.m, in, e.trunk.limits())
	if eff.drop && e.job != nil {
		e.job.dropped, e.job = true, nil
	}
	m.alarms.Set(&e.alarm, eff.arm)
	if eff.send {
		m.enqueueLocked(e, eff)
	}
	if e.m.phase == Gone {
		m.removeLocked(e)
	}
	if before.phase != e.m.phase || before.bound != e.m.bound || before.reason != e.m.reason || before.until != e.m.until {
		m.events = append(m.events, event{e.state(in.now), e, before.phase != e.m.phase, e.m.bound && !before.bound})
	}
	m.poke()
}

// removeLocked forgets a machine that has ended, m.mu held.
func (m *Manager) removeLocked(e *entry) {
	m.moveFlowLocked(e, resolve.Target{})
	if key := (account{e.trunk, e.line.User}); m.accounts[key] == e {
		delete(m.accounts, key)
	}
	if m.ids[e.line.ID] == e {
		delete(m.ids, e.line.ID)
	}
}

// poke wakes Run.
func (m *Manager) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
