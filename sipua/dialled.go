package sipua

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sync/singleflight"

	"cordboard/sipua/edge"
	"cordboard/sipua/resolve"
)

// dialler opens the stream connections that requests of ours need. sipgo would open them itself, but past the edge, and
// for TLS it checks the certificate against the address instead of the name asked for (RFC 5922 §4), with one
// configuration for all (v1.7.2). A connection opened here is handed to sipgo as if it had been accepted.
type dialler struct {
	filter *edge.Filter
	flows  *flows
	config func(name string) *tls.Config
	group  singleflight.Group
	tcp    *handover
	tls    *handover

	mu    sync.Mutex
	names map[string]string // address → name to check the certificate for
}

func newDialler(f *edge.Filter, ends *flows, config func(string) *tls.Config) *dialler {
	return &dialler{filter: f, flows: ends, config: config, tcp: newHandover(), tls: newHandover(), names: map[string]string{}}
}

// note remembers what name an address was found under.
func (d *dialler) note(t resolve.Target) {
	if t.Transport != "tls" || t.Name == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.names) >= 1024 {
		clear(d.names)
	}
	d.names[t.Addr.String()] = t.Name
}

// connect opens a connection to addr unless there is one; many callers make one connection.
func (d *dialler) connect(ctx context.Context, tpl *sip.TransportLayer, network, addr string) error {
	if conn, err := tpl.GetConnection(network, addr); err == nil {
		_, err = conn.TryClose() // only the reference
		return err
	}
	_, err, _ := d.group.Do(network+addr, func() (any, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		to := d.tcp
		if network == "tls" {
			if c, err = d.secure(ctx, c, addr); err != nil {
				return nil, err
			}
			to = d.tls
		}
		return nil, to.give(ctx, d.flows.conn(network, d.filter.Conn(c)))
	})
	return err
}

func (d *dialler) secure(ctx context.Context, c net.Conn, addr string) (net.Conn, error) {
	d.mu.Lock()
	name := d.names[addr]
	d.mu.Unlock()
	if name == "" {
		name, _, _ = net.SplitHostPort(addr)
	}
	conf := d.config(name).Clone()
	if conf.ServerName == "" {
		conf.ServerName = name
	}
	s := tls.Client(c, conf)
	if err := s.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

func (d *dialler) close() {
	_ = d.tcp.Close()
	_ = d.tls.Close()
}

// handover is a listener that accepts what we dialled.
type handover struct {
	in     chan net.Conn
	taken  chan struct{} // Accept was called again: the last connection is in sipgo's pool
	busy   bool          // owned by Accept
	closed chan struct{}
	once   sync.Once
}

func newHandover() *handover {
	return &handover{in: make(chan net.Conn), taken: make(chan struct{}), closed: make(chan struct{})}
}

// give hands a connection over and returns when sipgo knows it.
func (h *handover) give(ctx context.Context, c net.Conn) error {
	select {
	case h.in <- c:
	case <-h.closed:
		_ = c.Close()
		return net.ErrClosed
	case <-ctx.Done():
		_ = c.Close()
		return ctx.Err()
	}
	select {
	case <-h.taken:
		return nil
	case <-h.closed:
		return net.ErrClosed
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	if h.busy {
		h.busy = false
		select {
		case h.taken <- struct{}{}:
		case <-h.closed:
			return nil, net.ErrClosed
		}
	}
	select {
	case c := <-h.in:
		h.busy = true
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error { h.once.Do(func() { close(h.closed) }); return nil }

// Addr implements net.Listener; it is no place to connect to.
func (h *handover) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
