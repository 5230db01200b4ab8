package line

import (
	"context"
	"sync"
	"time"
)

// Run keeps the lines registered until ctx ends, then unregisters them, paced,
// for at most Deps.StopTimeout, those of a trunk that does not answer for
// Deps.StopSilence. It returns when all its goroutines have ended.
func (m *Manager) Run(ctx context.Context) error {
	// Transactions outlive ctx: unregistering comes after it.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var deadline <-chan time.Time
	done := ctx.Done()
	for {
		wait, left := m.turn(work, &group)
		if deadline != nil && left == 0 {
			return nil
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-m.wake:
		case <-m.asked:
		case <-done:
			done = nil
			stop := time.NewTimer(m.deps.StopTimeout)
			defer stop.Stop()
			deadline = stop.C
			m.stopAll()
		case <-deadline:
			m.deps.Log.Warn("lines left registered at the stop deadline", "lines", left)
			return nil
		}
	}
}

// Check returns nil as soon as Run has come round, or ctx's error.
func (m *Manager) Check(ctx context.Context) error {
	select {
	case m.asked <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn handles everything that is due, starts what is to be sent and calls
// back. It gives the time to the next alarm and the number of machines left.
func (m *Manager) turn(ctx context.Context, group *sync.WaitGroup) (wait time.Duration, left int) {
	m.mu.Lock()
	now := time.Now()
	for a := m.alarms.Due(now); a != nil; a = m.alarms.Due(now) {
		switch owner := a.Owner.(type) {
		case *entry:
			m.stepLocked(owner, input{kind: inDue})
		case *trunk:
			m.releaseLocked(owner, now)
		case *flow:
			m.pings = append(m.pings, owner)
		}
	}
	for _, j := range m.ready {
		r, sticky, cfg := j.entry.prepare(j), j.entry.target, j.entry.trunk.cfg
		group.Go(func() { m.transmit(ctx, j, r, sticky, cfg) })
	}
	for _, f := range m.pings {
		name, ka := f.trunk.cfg.Name, f.trunk.cfg.KeepAlive
		group.Go(func() { m.ping(ctx, f, name, ka) })
	}
	events := m.events
	m.ready, m.pings, m.events = nil, nil, nil
	wait = m.alarms.Wait(m.giveUpLocked(now))
	left = len(m.accounts)
	m.mu.Unlock()
	for _, e := range events {
		m.report(e)
	}
	return min(wait, m.settle(now)), left
}
