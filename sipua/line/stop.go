package line

import (
	"slices"
	"time"
)

// stopAll asks every machine to unregister.
func (m *Manager) stopAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopping = true
	for _, e := range m.accounts {
		queued := e.job != nil && !e.job.sent
		m.stepLocked(e, input{kind: inStop, queued: queued})
	}
	for key := range m.accounts { // what is left of them
		if !slices.Contains(m.leaving, key.trunk) {
			m.leaving = append(m.leaving, key.trunk)
		}
	}
	m.poke()
}

// giveUpLocked forgets the lines of trunks that have been silent for too long
// during a stop, and gives the time to the next look; m.mu held.
func (m *Manager) giveUpLocked(now time.Time) time.Duration {
	next := time.Hour
	m.leaving = slices.DeleteFunc(m.leaving, func(t *trunk) bool {
		if t.inFlight == 0 {
			return false
		}
		if left := t.waited.Add(m.deps.StopSilence).Sub(now); left > 0 {
			next = min(next, left)
			return false
		}
		n := 0
		for key, e := range m.accounts {
			if key.trunk == t {
				m.stepLocked(e, input{kind: inAbandon})
				n++
			}
		}
		m.deps.Log.Warn("lines left registered: no answer", "trunk", t.cfg.Name, "lines", n)
		return true
	})
	return next
}
