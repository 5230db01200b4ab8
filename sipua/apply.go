package sipua

import (
	"fmt"

	"cordboard/sipua/line"
	"cordboard/sipua/registrar"
)

// Apply takes trunks, lines, phones and MaxDialogs of another configuration while calls run; what else it says is not looked at.
// After an error nothing has changed. Calls go on as they began, also those of a trunk that is gone, whose addresses stay known
// for them. Lines register and unregister as LineChanges says. One Apply at a time.
func (s *Stack) Apply(cfg Config) error {
	if s.stopping.Load() {
		return line.ErrStopped
	}
	cfg.ContactKey = s.cfg.ContactKey
	cfg.defaults()
	peers, err := newPeers(cfg)
	if err != nil {
		return err
	}
	lines, phones := lineConfig(peers.trunks, s.cfg.Register), users(cfg.Phones)
	if err := lines.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := registrar.Validate(phones); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	fixed := newFixedPhones(cfg.Phones)
	s.peers.take(peers, s.trunksInUse())
	if err := s.lines.Update(lines); err != nil { // the stop has begun: nothing else can be wrong
		return err
	}
	s.fixed.Store(&fixed)
	s.dialogMax.Store(int64(cfg.MaxDialogs))
	s.admitPhones(len(phones))
	return s.registrar.Update(phones)
}

// trunksInUse are those of live dialogs.
func (s *Stack) trunksInUse() map[*trunk]bool {
	out := map[*trunk]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dialogs {
		if t := d.used.Load(); t != nil {
			out[t] = true
		}
	}
	return out
}

// LineChange is what another configuration means for a line: "register", "unregister", "register again" or "move", which is both
// at different servers.
type LineChange struct {
	Trunk, User string
	Does        string
}

// LineChanges says which lines send a REGISTER when Apply takes after in place of before. Errors wrap ErrConfig.
func LineChanges(before, after Config) ([]LineChange, error) {
	var lines [2]line.Config
	for i, c := range []Config{before, after} {
		p, err := newPeers(c)
		if err != nil {
			return nil, err
		}
		lines[i] = lineConfig(p.trunks, c.Register)
	}
	var out []LineChange
	for _, c := range line.Compare(lines[0], lines[1]) {
		out = append(out, LineChange{Trunk: c.Trunk, User: c.User, Does: c.Kind.String()})
	}
	return out, nil
}
