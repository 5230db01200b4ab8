package line

import (
	"context"
	"time"

	"cordboard/sipua/resolve"
)

// enqueueLocked gives a REGISTER to the pacer, m.mu held.
func (m *Manager) enqueueLocked(e *entry, eff effect) {
	j := &job{entry: e, expires: eff.expires}
	if old := e.job; old != nil && !eff.fresh {
		j.tried = old.tried
		if eff.urgent {
			j.client, j.exchange, j.headers, j.again = old.client, old.exchange, old.headers, true
		}
	}
	e.job = j
	if eff.urgent {
		e.trunk.urgent.push(j)
	} else {
		e.trunk.normal.push(j)
	}
	m.armPacerLocked(e.trunk)
}

// armPacerLocked sets the time of the trunk's next REGISTER, m.mu held. At the
// limit of transactions under way the pacer waits for one to end.
func (m *Manager) armPacerLocked(t *trunk) {
	switch {
	case !t.waiting(), t.inFlight >= m.deps.InFlight:
		m.alarms.Set(&t.alarm, time.Time{})
	default:
		m.alarms.Set(&t.alarm, later(t.slot, time.Now()))
	}
}

// releaseLocked lets one REGISTER of a trunk go, m.mu held.
func (m *Manager) releaseLocked(t *trunk, now time.Time) {
	if t.inFlight < m.deps.InFlight && !now.Before(t.slot) {
		if j := t.pop(); j != nil {
			t.slot = now.Add(t.gap())
			if t.inFlight++; t.inFlight == 1 {
				t.waited = now
			}
			m.ready = append(m.ready, j)
		}
	}
	m.armPacerLocked(t)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// transmit sends one REGISTER and reports its outcome; it runs in a goroutine
// of its own, of which Deps.InFlight bounds the number.
func (m *Manager) transmit(ctx context.Context, j *job, r Request, sticky resolve.Target, t Trunk) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	var resp Response
	list, err := m.deps.Targets.Resolve(ctx, t.Server)
	if err == nil {
		j.targets = len(list)
		j.target = j.choose(sticky, list, m.deps.Targets.Dead)
		r.Target = j.target
		resp, err = m.deps.Sender.Register(ctx, r)
	}
	m.finish(j, resp, err)
}

// finish takes the outcome of a REGISTER.
func (m *Manager) finish(j *job, resp Response, err error) {
	in, headers := judge(resp, err, j.exchange)
	in.targets = j.targets
	if !j.target.Zero() {
		if in.kind == inLost {
			m.deps.Targets.MarkDead(j.target, in.deadFor())
		} else {
			m.deps.Targets.MarkAlive(j.target)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := j.entry
	e.trunk.inFlight--
	if err == nil {
		e.trunk.waited = time.Now()
	}
	m.armPacerLocked(e.trunk)
	if e.job != j { // not wanted any more
		m.poke()
		return
	}
	switch in.kind {
	case inChallenged:
		j.headers = headers
	case inLost:
		if !j.target.Zero() {
			j.tried = append(j.tried, j.target)
		}
	case inOK:
		if j.expires > 0 {
			e.serviceRoute, e.path = resp.ServiceRoute, resp.Path
			m.moveFlowLocked(e, j.target)
		}
	}
	m.stepLocked(e, in)
	if e.job == j {
		e.job = nil
	}
	if j.client != e.client { // the password changed meanwhile
		m.stepLocked(e, input{kind: inRetry})
	}
}
