package edge

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Dialled judges bytes that came on a stream which the SIP library dialled by itself, so that it cannot be wrapped: to be
// called from the library's read filter with each piece as it was read, by one goroutine for each connection. It does what
// Conn does and returns the bytes of whole accepted messages, often none. After an error, always an ErrBroken, the
// connection must be closed. write sends an answer or a pong on the connection; nil: none are sent. The bytes of a
// message are kept here until it is whole, for no more than MessageTimeout.
func (f *Filter) Dialled(local, remote netip.AddrPort, data []byte, write func([]byte)) ([]byte, error) {
	key := flow{local, remote}
	s := f.flows.get(key)
	if s == nil {
		s = f.stream(sink{write: write}, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()))
		s.dialled = true
	} else if !s.deadline.IsZero() && time.Now().After(s.deadline) {
		f.flows.forget(key)
		return nil, s.end(ReasonIdle, nil)
	}
	s.buf = append(s.buf, data...)
	var out []byte
	for more := false; !more; {
		var err error
		if more, err = s.next(); err != nil {
			f.flows.forget(key)
			return nil, err
		}
		out = append(out, s.buf[:s.ready]...)
		s.discard(s.ready)
		s.ready = 0
	}
	if len(s.buf) == 0 && s.crlf == 0 {
		f.flows.forget(key)
	} else if !f.flows.keep(key, s, f.cfg.MaxConns) {
		return nil, s.end(ReasonConns, nil)
	}
	return out, nil
}

// flow names a connection.
type flow struct{ local, remote netip.AddrPort }

// flowTable holds the connections with a message, or a ping, under way.
type flowTable struct {
	mu sync.Mutex
	m  map[flow]*stream
}

func (t *flowTable) get(k flow) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[k]
}

func (t *flowTable) forget(k flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, k)
}

// keep stores a connection's state, unless there are too many. Those whose message should have ended long ago belong
// to connections that are gone.
func (t *flowTable) keep(k flow, s *stream, limit int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.m[k]; !known && len(t.m) >= limit {
		now := time.Now()
		for old, s := range t.m {
			if now.After(s.stale) {
				delete(t.m, old)
			}
		}
		if len(t.m) >= limit {
			return false
		}
	}
	s.stale = time.Now().Add(2 * max(pingGap, s.filter.cfg.MessageTimeout))
	t.m[k] = s
	return true
}

// sink is the connection of a stream whose bytes come by Dialled.
type sink struct {
	net.Conn
	write func([]byte)
}

func (s sink) Write(p []byte) (int, error) {
	if s.write != nil {
		s.write(p)
	}
	return len(p), nil
}

func (sink) SetWriteDeadline(time.Time) error { return nil }
func (sink) Close() error                     { return nil }
