package sipua

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sync/errgroup"

	"cordboard/sipua/edge"
	"cordboard/sipua/line"
	"cordboard/sipua/registrar"
	"cordboard/sipua/resolve"
)

// ErrConfig is wrapped by every error about a configuration as given.
var ErrConfig = errors.New("sip configuration")

// Stack owns the sockets and all that lives on them. Its methods are safe for concurrent use.
type Stack struct {
	cfg       Config
	deps      Deps
	log       *slog.Logger
	tpl       *sip.TransportLayer
	txns      *transactions
	filter    *edge.Filter
	flows     *flows
	targets   *resolve.Cache
	lines     *line.Manager
	registrar *registrar.Registrar
	peers     peerTable
	phones    *phoneTable
	guests    guests
	checks    sync.Map // Call-IDs of Check
	fixed     atomic.Pointer[fixedPhones]
	dialogMax atomic.Int64
	sockets   []*socket
	timing    timing
	draining  atomic.Bool
	stopping  atomic.Bool
	live      atomic.Int64 // dialogs that have not ended
	counters  counters

	mu      sync.Mutex
	dialogs map[dialogKey]*Dialog // by Call-ID and our tag
	merged  map[mergeKey]*core    // INVITEs under way: RFC 3261 §8.2.2.2
	closed  bool
	wg      sync.WaitGroup // dialogs' goroutines
}

// timing holds RFC 3261's timers.
type timing struct{ t1, t2, t4 time.Duration }

func (t timing) timeout() time.Duration { return 64 * t.t1 }

type dialogKey struct{ callID, localTag string }

type mergeKey struct {
	callID, fromTag string
	cseq            uint32
}

// socket is one listening socket.
type socket struct {
	network string // udp, tcp, tls
	addr    netip.AddrPort
	packet  net.PacketConn
	stream  net.Listener
	closer  io.Closer
}

// New checks the configuration and opens the sockets; nothing is read from them before Run. Errors wrap ErrConfig, or
// are those of the sockets.
func New(cfg Config, deps Deps) (*Stack, error) {
	sipgoSettings()
	cfg.defaults()
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.ContactKey) == 0 {
		cfg.ContactKey = make([]byte, 32)
		_, _ = rand.Read(cfg.ContactKey) // never fails: crypto/rand
	}
	s := &Stack{
		cfg: cfg, deps: deps, log: deps.Log,
		flows: newFlows(), timing: timing{sip.T1, sip.T2, sip.T4},
		phones: newPhoneTable(), dialogs: map[dialogKey]*Dialog{}, merged: map[mergeKey]*core{},
	}
	s.targets = resolve.New(resolve.Config{DNS: deps.Resolver})
	peers, err := newPeers(cfg)
	if err != nil {
		return nil, err
	}
	s.peers.take(peers, nil)
	s.dialogMax.Store(int64(cfg.MaxDialogs))
	if err := s.newAccounts(); err != nil {
		return nil, err
	}
	s.newFilter()
	if err := s.listen(); err != nil {
		s.closeSockets()
		return nil, err
	}
	s.newTransport()
	return s, nil
}

func (c *Config) defaults() {
	if c.UserAgent == "" {
		c.UserAgent = "Cordboard"
	}
	if c.Realm == "" {
		c.Realm = "cordboard"
	}
	c.MinSE = max(c.MinSE, 90*time.Second)
	if c.SessionExpires == 0 {
		c.SessionExpires = 30 * time.Minute
	}
	if c.NoAnswer == 0 {
		c.NoAnswer = 3 * time.Minute
	}
	if c.StopTimeout <= 0 {
		c.StopTimeout = 10 * time.Second
	}
	if c.MaxDialogs == 0 {
		c.MaxDialogs = 20_000
	}
}

func (s *Stack) newFilter() {
	e := s.cfg.Edge
	if e.Trusted == nil {
		e.Trusted = s.trusted
	}
	s.filter = edge.New(e)
	s.admitPhones(len(s.cfg.Phones))
}

// admitPhones lets strangers register when there are phones that may.
func (s *Stack) admitPhones(phones int) {
	if s.cfg.Edge.Strangers != edge.StrangersSilence {
		return
	}
	policy := edge.StrangersSilence
	if phones > 0 {
		policy = edge.StrangersRegister
	}
	s.filter.Admit(policy)
}

func (s *Stack) newTransport() {
	log := newRedactor(s.log)
	udp := &sip.TransportUDP{}
	tcp := &sip.TransportTCP{WriteTimeout: 10 * time.Second}
	tls := &sip.TransportTLS{TransportTCP: &sip.TransportTCP{WriteTimeout: 10 * time.Second}}
	s.tpl = sip.NewTransportLayer(net.DefaultResolver, newParser(), nil,
		sip.WithTransportLayerLogger(log),
		sip.WithTransportLayerTransports(sip.TransportsConfig{UDP: udp, TCP: tcp, TLS: tls}))
	s.txns = newTransactions(s.tpl, log)
	s.txns.dialler = newDialler(s.filter, s.flows, s.clientTLS)
	if a := s.Addr("tcp"); a.IsValid() {
		s.txns.tcp, s.txns.tcpPort = true, int(a.Port())
	}
	for _, k := range s.sockets {
		if k.network == "udp" { // known before Run, else a request sent at once would bind the address a second time (sipgo v1.7.2)
			a := k.packet.LocalAddr().String()
			s.tpl.Pool("udp").Add(a, &sip.UDPConnection{PacketConn: k.packet, PacketAddr: a, Listener: true})
		}
	}
	s.tpl.OnMessage(s.onMessage)
}

func (s *Stack) listen() error {
	if len(s.cfg.Listen) == 0 {
		return fmt.Errorf("%w: nothing to listen on", ErrConfig)
	}
	for _, l := range s.cfg.Listen {
		sock, err := s.open(l)
		if err != nil {
			return err
		}
		s.sockets = append(s.sockets, sock)
	}
	return nil
}

// Addr is the address listened on for "udp", "tcp" or "tls"; zero when there is none.
func (s *Stack) Addr(network string) netip.AddrPort {
	for _, k := range s.sockets {
		if k.network == network {
			return k.addr
		}
	}
	return netip.AddrPort{}
}

// Run serves until ctx ends, then hangs up what is left, unregisters the lines and closes the sockets. It returns when
// every goroutine has ended.
func (s *Stack) Run(ctx context.Context) error {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	g, gctx := errgroup.WithContext(serving)
	for _, k := range s.sockets {
		g.Go(func() error { return s.serve(gctx, k) })
	}
	g.Go(func() error { _ = s.tpl.ServeTCP(s.txns.dialler.tcp); return nil })
	g.Go(func() error { _ = s.tpl.ServeTLS(s.txns.dialler.tls); return nil })
	g.Go(func() error { return s.watchPeers(gctx) })
	g.Go(func() error { return s.watchFlows(gctx) })
	live, stopLive := context.WithCancel(gctx)
	accounts, actx := errgroup.WithContext(live)
	accounts.Go(func() error { return s.lines.Run(actx) })
	accounts.Go(func() error { return s.registrar.Run(actx) })
	select {
	case <-ctx.Done():
	case <-gctx.Done():
	case <-actx.Done():
	}
	s.shutdown(stopLive, accounts)
	stopServing()
	s.closeSockets()
	err := g.Wait()
	_ = s.tpl.Close()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// shutdown ends dialogs and registrations while the sockets still serve.
func (s *Stack) shutdown(stopLive context.CancelFunc, accounts *errgroup.Group) {
	s.stopping.Store(true)
	byes := time.After(min(4*time.Second, s.cfg.StopTimeout))
	s.HangupAll()
	// Lines unregister after that: a peer that knows us by our registration is deaf to a later BYE. One that does not answer
	// delays it by no more than a second.
	s.waitDialogs(time.After(min(time.Second, s.cfg.StopTimeout/2)))
	stopLive()
	if err := accounts.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		s.log.Warn("accounts ended", "error", err)
	}
	s.waitDialogs(byes)
	s.mu.Lock()
	s.closed = true
	for _, d := range s.dialogs {
		d.box.put(wireClose{}, false)
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.txns.close()
}

// waitDialogs waits until no dialog is live, each having said its BYE and heard the answer, but not beyond the deadline.
func (s *Stack) waitDialogs(deadline <-chan time.Time) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.unfinished() > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

func (s *Stack) unfinished() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dialogs {
		if !d.quiet.Load() {
			n++
		}
	}
	return n
}

func (s *Stack) closeSockets() {
	if s.txns != nil {
		s.txns.dialler.close()
	}
	for _, k := range s.sockets {
		_ = k.closer.Close()
	}
}

// HangupAll ends every dialog, as for a shutdown.
func (s *Stack) HangupAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dialogs {
		if !d.ended.Load() {
			d.box.put(cmdHangup{cause: CauseShutdown}, false)
		}
	}
}

// Drain refuses new incoming calls with 503 from now on; what goes on goes on.
func (s *Stack) Drain() { s.draining.Store(true) }

// Dialogs is the number of dialogs that have not ended.
func (s *Stack) Dialogs() int { return int(s.live.Load()) }
