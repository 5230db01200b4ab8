package edge

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// connTable counts open connections.
type connTable struct {
	mu                 sync.Mutex
	bySource           map[netip.Addr]int // holds only addresses with a connection, so at most MaxConns
	total, ofStrangers int
}

func (t *connTable) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// admit counts a connection in, or says why not.
func (t *connTable) admit(cfg *Config, key netip.Addr, trusted bool) Reason {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.total >= cfg.MaxConns, !trusted && t.ofStrangers >= (cfg.MaxConns+1)/2:
		return ReasonConns
	case t.bySource[key] >= cfg.MaxConnsPerSource:
		return ReasonPerConns
	}
	t.total++
	t.bySource[key]++
	if !trusted {
		t.ofStrangers++
	}
	return ReasonNone
}

func (t *connTable) release(key netip.Addr, trusted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.bySource[key]--; t.bySource[key] <= 0 {
		delete(t.bySource, key)
	}
	if !trusted {
		t.ofStrangers--
	}
}

// Listener wraps a TCP listener or a tls.NewListener on top of one. Accept returns only admitted connections, each
// wrapped as by Conn. A connection of a source that may not send anything, or above a cap, is closed at once. Passing errors
// of Accept (no more descriptors) are waited out, so that they do not end the listener.
func (f *Filter) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, filter: f, closed: make(chan struct{})}
}

type listener struct {
	net.Listener
	filter *Filter
	closed chan struct{}
	once   sync.Once
}

const maxAcceptPause = time.Second

func (l *listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			if admitted := l.filter.admit(c); admitted != nil {
				return admitted, nil
			}
			continue
		}
		if !passing(err) {
			return nil, err
		}
		l.filter.drop(ReasonSocket)
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-l.closed:
			wait.Stop()
			return nil, net.ErrClosed
		}
		pause = min(2*pause, maxAcceptPause)
	}
}

// passing tells errors of accept(2) that say nothing against the listener.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit wraps an accepted connection, or closes it and returns nil.
func (f *Filter) admit(c net.Conn) net.Conn {
	src := addrPort(c.RemoteAddr())
	trusted := f.cfg.Trusted(src.Addr())
	reason := ReasonStranger
	if trusted || f.admits() != StrangersSilence {
		reason = f.conns.admit(&f.cfg, sourceKey(src.Addr()), trusted)
	}
	if reason != ReasonNone {
		f.drop(reason)
		c.Close()
		return nil
	}
	f.count.connections.Add(1)
	key := sourceKey(src.Addr())
	s := f.stream(c, src)
	s.release = func() { f.conns.release(key, trusted) }
	if !trusted {
		s.deadline = time.Now().Add(f.cfg.MessageTimeout)
	}
	return s
}
