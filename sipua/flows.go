package sipua

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/registrar"
	"cordboard/sipua/resolve"
)

// errFlowLost ends a request whose connection ended before the answer.
var errFlowLost = errors.New("connection ended")

// flows hears of streams that ended. Their readers only leave a note: they may hold sipgo's locks.
type flows struct {
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	ended []*flowConn // no more than there are connections
}

func newFlows() *flows { return &flows{wake: make(chan struct{}, 1)} }

// flowConn is a stream that tells its end, once.
type flowConn struct {
	net.Conn
	flows   *flows
	network string // tcp or tls
	once    sync.Once

	outbound atomic.Bool // the peer announced RFC 5626: it answers pings
}

func (f *flows) conn(network string, c net.Conn) net.Conn {
	return &flowConn{Conn: c, flows: f, network: network}
}

// Read implements net.Conn. Whatever error it gives ends the connection: sipgo reads no further.
func (c *flowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.end()
	}
	return n, err
}

// Close implements net.Conn.
func (c *flowConn) Close() error {
	defer c.end()
	return c.Conn.Close()
}

func (c *flowConn) end() {
	c.once.Do(func() {
		c.flows.mu.Lock()
		c.flows.ended = append(c.flows.ended, c)
		c.flows.mu.Unlock()
		select {
		case c.flows.wake <- struct{}{}:
		default:
		}
	})
}

func (f *flows) take() []*flowConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.ended
	f.ended = nil
	return out
}

// flowListener accepts streams that tell their end.
type flowListener struct {
	net.Listener
	flows   *flows
	network string
}

// Accept implements net.Listener.
func (l flowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.flows.conn(l.network, c), nil
}

// watchFlows acts on streams that ended until ctx ends.
func (s *Stack) watchFlows(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.flows.wake:
		}
		for _, c := range s.flows.take() {
			s.flowEnded(c)
		}
	}
}

// flowEnded makes lines on the stream register anew, forgets the phone on it, and ends requests that wait for an answer
// there: RFC 5626 §4.2.1, §5.3.
func (s *Stack) flowEnded(c *flowConn) {
	remote := addrPortOf(c.RemoteAddr())
	if !s.unpool(c, remote) {
		return
	}
	s.log.Debug("connection ended", "network", c.network, "remote", remote)
	s.txns.flowEnded(c)
	s.registrar.FlowClosed(registrar.Flow{Network: c.network, Remote: remote})
	s.lines.ConnLost(c.network, remote)
}

// unpool takes a stream that ended out of sipgo's pool, so that nothing is sent on it any more; false: another one to the
// same peer is there, which takes its place.
func (s *Stack) unpool(c *flowConn, remote netip.AddrPort) bool {
	conn, err := s.tpl.GetConnection(c.network, remote.String())
	if err != nil {
		return true
	}
	if !carries(conn, c) {
		_, _ = conn.TryClose() // only the reference
		return false
	}
	_ = s.tpl.Pool(c.network).CloseAndDelete(conn, remote.String())
	return true
}

// carries reports whether sipgo's connection is over a stream.
func carries(conn sip.Connection, c *flowConn) bool { return streamOf(conn) == c }

// streamOf is the stream below sipgo's connection, nil when it is over none.
func streamOf(conn sip.Connection) *flowConn {
	t, ok := conn.(*sip.TCPConnection)
	if !ok {
		return nil
	}
	c, _ := t.Conn.(*flowConn)
	return c
}

// flowTo is the open stream to a target, nil when there is none.
func (s *Stack) flowTo(t resolve.Target) *flowConn {
	conn, err := s.tpl.GetConnection(t.Transport, t.Addr.String())
	if err != nil {
		return nil
	}
	_, _ = conn.TryClose() // only the reference
	return streamOf(conn)
}

// flowEnded ends the requests that were sent on a stream, INVITEs excepted: their answers may still come by a new
// connection of the peer (RFC 3261 §18.2.2).
func (t *transactions) flowEnded(conn *flowConn) {
	t.mu.Lock()
	all := make([]*clientTx, 0, len(t.clients))
	for _, c := range t.clients {
		if !c.req.IsInvite() {
			all = append(all, c)
		}
	}
	t.mu.Unlock()
	for _, c := range all {
		c.flowEnded(conn)
	}
}

func (c *clientTx) flowEnded(conn *flowConn) {
	c.mu.Lock()
	tx := c.tx
	on := tx != nil && carries(tx.Connection(), conn)
	if on {
		c.cut = true
	}
	c.mu.Unlock()
	if on {
		tx.Terminate()
	}
}
