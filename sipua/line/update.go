package line

import (
	"cordboard/sipua/digest"
)

// Update takes a new configuration, all or nothing: after an error nothing has
// changed. Unchanged lines send nothing and keep Call-ID and CSeq; so do lines
// that only changed their id. A changed password or realm makes a line
// register at once. Removed lines unregister; lines of a trunk whose server or
// domain changed unregister there and register anew. ErrStopped after the end
// of Run began.
func (m *Manager) Update(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return ErrStopped
	}
	m.updateTrunksLocked(c.Trunks)
	wanted := make(map[*entry]bool, len(c.Lines))
	m.ids = make(map[string]*entry, len(c.Lines))
	for _, l := range c.Lines {
		e := m.wantLocked(l)
		wanted[e] = true
		m.ids[l.ID] = e
	}
	for _, e := range m.accounts {
		if !wanted[e] && e.m.phase != Unregistering {
			m.stepLocked(e, input{kind: inStop, queued: e.job != nil && !e.job.sent})
		} else if !wanted[e] {
			m.stepLocked(e, input{kind: inStop})
		}
	}
	m.poke()
	return nil
}

// updateTrunksLocked takes the trunks. One that moved becomes a new trunk: its
// old lines leave through the old one.
func (m *Manager) updateTrunksLocked(list []Trunk) {
	old := m.trunks
	m.trunks = make(map[string]*trunk, len(list))
	for _, cfg := range list {
		cfg = cfg.withDefaults()
		t := old[cfg.Name]
		switch {
		case t == nil:
			t = newTrunk(cfg, m.deps.Log)
		case t.cfg.movesTo(cfg):
			slot := t.slot
			t = newTrunk(cfg, m.deps.Log)
			t.slot = slot
		default:
			t.cfg = cfg
			for _, f := range t.flows {
				m.armFlowLocked(f)
			}
		}
		m.trunks[cfg.Name] = t
	}
}

// wantLocked gives the machine of a line, made or changed as needed.
func (m *Manager) wantLocked(l Line) *entry {
	t := m.trunks[l.Trunk]
	cred := l.credentials(t.cfg)
	key := account{t, l.User}
	e := m.accounts[key]
	if e == nil {
		e = newEntry(l, t, digest.NewClient(cred))
		m.accounts[key] = e
		m.stepLocked(e, input{kind: inStart})
		return e
	}
	e.line = l
	if e.m.phase == Unregistering || e.m.stop {
		m.stepLocked(e, input{kind: inStart})
	}
	if !e.client.Matches(cred) {
		e.client = digest.NewClient(cred)
		m.stepLocked(e, input{kind: inRetry})
	}
	return e
}
