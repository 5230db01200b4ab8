package sipua

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

var (
	errClosed    = errors.New("sip stack is closing")
	errMalformed = errors.New("malformed sip message")
)

// transactions matches messages to sipgo's transactions in the order of the wire. sipgo's own TransactionLayer starts a
// goroutine per message, which loses that order (v1.7.2), so it is not used.
type transactions struct {
	tpl     *sip.TransportLayer
	log     *slog.Logger // sipgo's, redacted
	ctx     context.Context
	cancel  context.CancelFunc
	tcp     bool // we listen on TCP, so peers can answer there
	tcpPort int
	noTCP   addrSet // peers that refused TCP
	dialler *dialler
	wg      sync.WaitGroup

	mu      sync.Mutex
	clients map[string]*clientTx
	servers map[string]*serverTx
	watched map[string]func(*sip.Response) // INVITEs of an earlier process, by the key of a client transaction
	closed  bool
}

func newTransactions(tpl *sip.TransportLayer, log *slog.Logger) *transactions {
	ctx, cancel := context.WithCancel(context.Background())
	return &transactions{
		tpl: tpl, log: log, ctx: ctx, cancel: cancel,
		clients: map[string]*clientTx{}, servers: map[string]*serverTx{}, watched: map[string]func(*sip.Response){},
	}
}

// watch has f take the refusals of an INVITE that an earlier process sent; f must not block.
func (t *transactions) watch(key string, f func(*sip.Response)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watched[key] = f
}

func (t *transactions) unwatch(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watched, key)
}

// response feeds a response; false: no request of ours waits for it.
func (t *transactions) response(res *sip.Response) bool {
	key, err := sip.ClientTxKeyMake(res)
	if err != nil {
		return false
	}
	t.mu.Lock()
	c, f := t.clients[key], t.watched[key]
	t.mu.Unlock()
	switch {
	case c != nil:
		c.receive(res)
	case f == nil, res.IsSuccess(): // a 2xx is the dialog's business
		return false
	case res.StatusCode >= 300:
		f(res)
	}
	return true
}

// close ends all transactions and waits for their goroutines.
func (t *transactions) close() {
	t.mu.Lock()
	t.closed = true
	clients, servers := t.clients, t.servers
	t.clients, t.servers = map[string]*clientTx{}, map[string]*serverTx{}
	t.mu.Unlock()
	t.cancel()
	for _, c := range clients {
		c.terminate()
	}
	for _, s := range servers {
		s.tx.Terminate()
	}
	t.wg.Wait()
}

func (t *transactions) sizes() (clients, servers int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.clients), len(t.servers)
}

// write sends a request outside any transaction: an ACK.
func (t *transactions) write(req *sip.Request) error {
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	if _, err := t.connection(ctx, req, true); err != nil {
		return err
	}
	return t.tpl.WriteMsg(req)
}

// connection finds or opens the connection for a request. probe: only see to it that there is one.
func (t *transactions) connection(ctx context.Context, req *sip.Request, probe bool) (sip.Connection, error) {
	if network := lower(req.Transport()); network == "udp" {
		if req.Laddr.IP == nil { // sipgo would open one for each peer, past the edge
			return nil, errNoSocket
		}
	} else if err := t.dialler.connect(ctx, t.tpl, network, req.Destination()); err != nil {
		return nil, err
	}
	if probe {
		return nil, nil
	}
	return t.tpl.ClientRequestConnection(ctx, req)
}

// addrSet is a bounded set of addresses; when it is full it starts anew.
type addrSet struct {
	mu sync.Mutex
	m  map[string]struct{}
}

func (s *addrSet) has(a string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.m[a]
	return ok
}

func (s *addrSet) add(a string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= 1024 {
		s.m = map[string]struct{}{}
	}
	s.m[a] = struct{}{}
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
