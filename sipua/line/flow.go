package line

import (
	"context"
	"log/slog"
	"time"

	"cordboard/sipua/alarm"
	"cordboard/sipua/resolve"
)

// flow is what the lines of one trunk share towards one target; it is pinged
// once for all of them. Guarded by Manager.mu.
type flow struct {
	trunk  *trunk
	target resolve.Target
	lines  int
	down   bool // the last ping failed
	alarm  alarm.Alarm[any]
}

// kind is the keep-alive of a target, KeepAliveOff for none.
func (k KeepAlive) kind(t resolve.Target) KeepAliveKind {
	udp := t.Transport == "udp"
	switch {
	case k.Kind == KeepAliveDefault && udp:
		return KeepAliveOff
	case k.Kind == KeepAliveAuto && udp:
		return KeepAliveOptions
	case k.Kind == KeepAliveDefault, k.Kind == KeepAliveAuto:
		return KeepAliveCRLF
	}
	return k.Kind
}

// moveFlowLocked counts a line from its old target to a new one (zero: none),
// m.mu held.
func (m *Manager) moveFlowLocked(e *entry, to resolve.Target) {
	if e.target == to {
		return
	}
	if f := e.trunk.flows[e.target]; f != nil {
		if f.lines--; f.lines == 0 {
			m.alarms.Set(&f.alarm, time.Time{})
			delete(e.trunk.flows, e.target)
		}
	}
	e.target = to
	if to.Zero() {
		return
	}
	f := e.trunk.flows[to]
	if f == nil {
		f = &flow{trunk: e.trunk, target: to}
		f.alarm.Owner = f
		e.trunk.flows[to] = f
		m.armFlowLocked(f)
	}
	f.lines++
}

// armFlowLocked sets the time of the next ping, m.mu held.
func (m *Manager) armFlowLocked(f *flow) {
	ka := f.trunk.cfg.KeepAlive
	if f.trunk.flows[f.target] != f || ka.kind(f.target) == KeepAliveOff || m.stopping {
		m.alarms.Set(&f.alarm, time.Time{})
		return
	}
	m.alarms.Set(&f.alarm, time.Now().Add(scale(ka.Interval, 0.8+0.2*m.deps.Float())))
}

// ping keeps one flow open and reports when it is gone.
func (m *Manager) ping(ctx context.Context, f *flow, name string, ka KeepAlive) {
	pctx, cancel := context.WithTimeout(ctx, ka.Timeout)
	defer cancel()
	err := m.deps.Sender.Ping(pctx, name, f.target, ka.kind(f.target))
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	again := f.down
	f.down = err != nil
	m.armFlowLocked(f)
	m.mu.Unlock()
	if err != nil {
		level := slog.LevelWarn
		if again {
			level = slog.LevelDebug
		}
		m.deps.Log.Log(ctx, level, "keep-alive failed", "trunk", name, "remote", f.target.String(), "error", err)
		m.FlowLost(name, f.target)
	}
	m.poke()
}
