package host

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"cordboard/plugins/control"
)

// Set is all adapters of a daemon.
type Set struct {
	deps Deps

	mu      sync.Mutex
	members []*member
	ctx     context.Context // nil until Run
	started []*member       // also those that have left the set
	folders map[string]func()
}

// member is one adapter and its life in the set.
type member struct {
	host *Host
	cfg  Config
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// NewSet makes the supervisors of adapters. Errors: as New; a name twice.
func NewSet(cfgs []Config, deps Deps) (*Set, error) {
	s := &Set{deps: deps}
	if err := deps.check(); err != nil {
		return nil, err
	}
	return s, s.Apply(cfgs)
}

// Run keeps all adapters alive until ctx ends, and returns when nothing of them is left. Their socket
// folders are this set's alone until then; that another daemon has one is an error. It may be called once.
func (s *Set) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.ctx != nil {
		s.mu.Unlock()
		return fmt.Errorf("host: the adapters have run already")
	}
	defer s.leaveFolders()
	if err := s.enterLocked(s.members); err != nil {
		s.mu.Unlock()
		return err
	}
	s.ctx = ctx
	for _, m := range s.members {
		s.startLocked(m, nil)
	}
	s.mu.Unlock()
	<-ctx.Done()
	for _, done := range s.ends() {
		<-done
	}
	return nil
}

// Apply makes the set that of a new configuration: adapters whose configuration is unchanged run on,
// others are stopped, started, or both. It does not wait for that. With an error nothing changes.
func (s *Set) Apply(cfgs []Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := make(map[string]*member, len(s.members))
	for _, m := range s.members {
		old[m.host.Name()] = m
	}
	next := make([]*member, 0, len(cfgs))
	seen := map[string]bool{}
	for _, cfg := range cfgs {
		if seen[cfg.Name] {
			return fmt.Errorf("adapter %s is there twice", cfg.Name)
		}
		seen[cfg.Name] = true
		if m := old[cfg.Name]; m != nil && m.cfg.same(cfg) {
			next = append(next, m)
			continue
		}
		h, err := New(cfg, s.deps)
		if err != nil {
			return err
		}
		next = append(next, &member{host: h, cfg: cfg, done: make(chan struct{})})
	}
	if s.ctx != nil {
		if err := s.enterLocked(next); err != nil {
			return err
		}
	}
	s.replaceLocked(old, next)
	return nil
}

// enterLocked takes the members' socket folders.
func (s *Set) enterLocked(members []*member) error {
	for _, m := range members {
		dir := m.cfg.RuntimeDir
		if dir == "" || s.folders[dir] != nil {
			continue
		}
		release, err := Sockets(dir)
		if err != nil {
			return err
		}
		if s.folders == nil {
			s.folders = map[string]func(){}
		}
		s.folders[dir] = release
	}
	return nil
}

// same reports whether an adapter need not be started anew. One that runs keeps the log level it was given.
func (c Config) same(other Config) bool {
	other.LogLevel = c.LogLevel
	return reflect.DeepEqual(c, other)
}

func (s *Set) leaveFolders() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, release := range s.folders {
		release()
	}
	s.folders = nil
}

func (s *Set) replaceLocked(old map[string]*member, next []*member) {
	for _, m := range next {
		if before := old[m.host.Name()]; before == m {
			delete(old, m.host.Name())
		}
	}
	for _, m := range old {
		if m.stop != nil {
			m.stop()
		}
	}
	for _, m := range next {
		if m.stop == nil && s.ctx != nil {
			s.startLocked(m, old[m.host.Name()])
		}
	}
	s.members = next
}

// startLocked runs a member once the one it follows has ended.
func (s *Set) startLocked(m, after *member) {
	if s.ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(s.ctx)
	m.stop = stop
	s.started = slices.DeleteFunc(append(s.started, m), (*member).ended)
	go func() {
		defer close(m.done)
		defer stop()
		if after != nil && after.stop != nil {
			<-after.done
			m.host.track.begin(after.host.track.beginning()) // it is the same adapter, and may have taken nothing yet
		}
		_ = m.host.Run(ctx) // its only error is a second run
	}()
}

// ends are closed when every adapter that was started has ended. Once the context has ended none is
// started any more.
func (s *Set) ends() []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []chan struct{}
	for _, m := range s.started {
		out = append(out, m.done)
	}
	return out
}

func (m *member) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// Status is how each adapter is, in the order of the configuration.
func (s *Set) Status() []control.AdapterStatus {
	out := []control.AdapterStatus{}
	for _, h := range s.hosts() {
		out = append(out, h.Status())
	}
	return out
}

func (s *Set) hosts() []*Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Host, len(s.members))
	for i, m := range s.members {
		out[i] = m.host
	}
	return out
}
