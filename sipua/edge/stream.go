package edge

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Conn wraps an established connection (TCP, or TLS seen in plain text) that we dialled ourselves: its peer is trusted.
// Read returns only whole messages that passed Validate, and io.EOF after the connection was closed for breaking a
// rule. Faulty requests are answered and left out; a double CRLF is answered by one CRLF (RFC 5626 §4.4.1).
func (f *Filter) Conn(c net.Conn) net.Conn {
	s := f.stream(c, addrPort(c.RemoteAddr()))
	s.dialled = true
	return s
}

func (f *Filter) stream(c net.Conn, src netip.AddrPort) *stream {
	return &stream{Conn: c, filter: f, src: src, closed: make(chan struct{})}
}

// stream is a wrapped connection. Read is called by one goroutine; Write, Close and the deadlines by any.
type stream struct {
	net.Conn
	filter  *Filter
	src     netip.AddrPort
	dialled bool
	release func() // nil or counts the connection out
	closed  chan struct{}
	once    sync.Once

	// Used by Read only.
	buf      []byte // bytes received and not yet handed on
	ready    int    // how many at its start belong to an accepted message
	frame    frame
	crlf     int       // CR and LF seen in a row between messages: four make a ping
	crlfAt   time.Time // when the last of them came
	deadline time.Time // for the message under way, or for a stranger's first; zero: IdleTimeout

	stale time.Time // Dialled only, guarded by its table: when what is left here belongs to nobody any more

	mu    sync.Mutex
	user  time.Time // read deadline set from outside
	pings pings
}

// ErrBroken is the error of Dialled: the stream broke a rule, and its connection must be closed. Read of a wrapped
// connection says io.EOF instead.
var ErrBroken = errors.New("stream broke a rule of the edge")

// Read returns the bytes of one accepted message, in pieces if p is small.
func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.ready == 0 {
		more, err := s.next()
		if err == nil && more {
			err = s.fill(p)
		}
		if errors.Is(err, ErrBroken) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[:s.ready])
	s.ready -= n
	s.discard(n)
	return n, nil
}

// discard takes n bytes off the buffer. An empty one is let go: an idle connection holds none.
func (s *stream) discard(n int) {
	if s.buf = s.buf[n:]; len(s.buf) == 0 {
		s.buf = nil
	}
}

// fill reads once more, using p as scratch space.
func (s *stream) fill(p []byte) error {
	now := time.Now()
	limit := s.deadline
	if limit.IsZero() {
		limit = now.Add(s.filter.cfg.IdleTimeout)
	}
	s.mu.Lock()
	user := s.user
	ours := user.IsZero() || limit.Before(user)
	if !ours {
		limit = user
	}
	err := s.Conn.SetReadDeadline(limit)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	n, err := s.Conn.Read(p)
	s.buf = append(s.buf, p[:n]...)
	if n > 0 {
		return nil // an error comes again with the next read
	}
	if ours && errors.Is(err, os.ErrDeadlineExceeded) && !s.userExpired() {
		return s.end(ReasonIdle, nil)
	}
	return err
}

// userExpired reports whether a deadline from outside, set while Read was waiting, is the one that passed.
func (s *stream) userExpired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.user.IsZero() && !time.Now().Before(s.user)
}

// next cuts the next message off the buffer. more means bytes are missing.
func (s *stream) next() (more bool, err error) {
	if err := s.keepAlive(); err != nil {
		return false, err
	}
	if len(s.buf) == 0 {
		return true, nil
	}
	if s.crlf = 0; s.frame == (frame{}) && s.deadline.IsZero() {
		s.deadline = time.Now().Add(s.filter.cfg.MessageTimeout)
	}
	size, fault := s.frame.step(s.buf, &s.filter.cfg)
	if fault != ReasonNone {
		return false, s.end(fault, s.buf)
	}
	if size == 0 || size > len(s.buf) {
		return true, nil
	}
	s.frame, s.deadline = frame{}, time.Time{}
	return false, s.judge(size)
}

// judge decides about the whole message at the start of the buffer.
func (s *stream) judge(size int) error {
	message := s.buf[:size]
	trusted := s.dialled || s.filter.cfg.Trusted(s.src.Addr())
	if !s.filter.allowed(trusted, message) {
		return s.end(ReasonStranger, nil)
	}
	if err := s.pace(trusted); err != nil {
		return err
	}
	v := Validate(message, true)
	if v.Action == Accept {
		s.filter.count.accepted.Add(1)
		s.ready = size
		return nil
	}
	if !trusted {
		return s.end(v.Reason, nil)
	}
	s.filter.drop(v.Reason)
	if v.Action == Answer {
		s.answer(message, v)
	}
	s.discard(size)
	return nil
}

// pace takes a token: a trusted peer above its rate is read more slowly, a stranger is cut off.
func (s *stream) pace(trusted bool) error {
	for {
		ok, wait := s.filter.take(s.src.Addr(), trusted)
		if ok {
			return nil
		}
		if !trusted {
			return s.end(ReasonRate, nil)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-s.closed:
			t.Stop()
			return net.ErrClosed
		}
	}
}

// answer sends an error status; a failed write closes the connection, which the next read will tell.
func (s *stream) answer(message []byte, v Verdict) {
	if reply := respond(message, v, s.src); reply != nil {
		if _, err := s.Write(reply); err == nil {
			s.filter.count.answered.Add(1)
		}
	}
}

// end closes the connection for a reason. A trusted peer's request that broke the framing is answered first.
func (s *stream) end(r Reason, message []byte) error {
	s.filter.drop(r)
	if status := r.status(); status != 0 && message != nil && (s.dialled || s.filter.cfg.Trusted(s.src.Addr())) {
		s.answer(message, Verdict{Action: Answer, Reason: r, Status: status})
	}
	s.buf, s.frame = nil, frame{}
	s.Close()
	return ErrBroken
}

// Write writes all of p within WriteTimeout. After a write that failed half-way nothing can follow, so the connection
// is closed.
func (s *stream) Write(p []byte) (int, error) {
	if err := s.Conn.SetWriteDeadline(time.Now().Add(s.filter.cfg.WriteTimeout)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Write(p)
	if err != nil {
		s.Close()
	}
	return n, err
}

// Close closes the connection, also under a Read or Write.
func (s *stream) Close() error {
	err := net.ErrClosed
	s.once.Do(func() {
		close(s.closed)
		if s.release != nil {
			s.release()
		}
		err = s.Conn.Close()
	})
	return err
}

// SetReadDeadline sets a deadline besides the edge's own; the nearer one counts.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = t
	return s.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does nothing: each write has the edge's own.
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the read deadline only.
func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }
