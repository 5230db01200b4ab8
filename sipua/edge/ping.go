package edge

import (
	"net"
	"time"
)

// pingGap is how far apart the halves of one ping may come; two pongs or single CRLFs are further apart.
const pingGap = time.Second

// PongTime is how long a peer may take for the answer to a ping: RFC 5626 §4.4.1.
const PongTime = 10 * time.Second

// Pinger is what the connections of Conn and of Listener are besides.
type Pinger interface {
	net.Conn
	// Ping sends a keep-alive, a double CRLF. The peer need not answer, unless the ping says that it did so before.
	Ping() (Ping, error)
}

// Ping is a keep-alive that was sent.
type Ping struct {
	Answers bool            // the peer has answered a ping on this connection before
	Pong    <-chan struct{} // closed by the answer; not for a ping that another has followed
	Gone    <-chan struct{} // closed with the connection
}

// pings is what a connection knows of its keep-alives, guarded by stream.mu.
type pings struct {
	sent    time.Time
	pong    chan struct{} // of the last one, nil once it is answered
	lone    bool          // a single CRLF answered it, as far as is known: it may be half of a ping
	answers bool
}

// Ping implements Pinger.
func (s *stream) Ping() (Ping, error) {
	s.mu.Lock()
	p := &s.pings
	p.answers = p.answers || p.lone
	p.sent, p.pong, p.lone = time.Now(), make(chan struct{}), false
	out := Ping{Answers: p.answers, Pong: p.pong, Gone: s.closed}
	s.mu.Unlock()
	_, err := s.Write([]byte("\r\n\r\n"))
	return out, err
}

// heard takes a CRLF for the answer to our ping, or takes that back: it was half of a ping of the peer.
func (s *stream) heard(pong bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.pings
	p.lone = pong && p.pong != nil && time.Since(p.sent) <= PongTime
	if p.lone {
		close(p.pong)
		p.pong = nil
	}
}

// keepAlive takes CR and LF off the buffer between messages and answers a ping.
func (s *stream) keepAlive() error {
	if s.frame != (frame{}) {
		return nil
	}
	now := time.Now()
	if now.Sub(s.crlfAt) > pingGap {
		s.crlf = 0
	}
	n := 0
	for n < len(s.buf) && (s.buf[n] == '\r' || s.buf[n] == '\n') {
		n++
		if s.crlf++; s.crlf == 2 {
			s.heard(true)
		}
		if s.crlf < 4 {
			continue
		}
		s.crlf = 0
		s.heard(false)
		s.filter.drop(ReasonKeepAlive)
		if err := s.pace(s.dialled || s.filter.cfg.Trusted(s.src.Addr())); err != nil {
			return err
		}
		s.filter.count.pongs.Add(1)
		if _, err := s.Write([]byte("\r\n")); err != nil {
			return err
		}
	}
	if n > 0 {
		s.crlfAt = now
		s.discard(n)
	}
	return nil
}
