package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"cordboard/sipua"
	"cordboard/sipua/digest"
	"cordboard/sipua/edge"
	"cordboard/sipua/offer"
)

// server is the name a phone gives the daemon in its own stack.
const server = "daemon"

// PhoneConfig of an agent's SIP phone.
type PhoneConfig struct {
	Addr     netip.Addr // address of the phone
	Server   netip.AddrPort
	User     string
	Password string
	Source   func() func([]int16) // what the agent says in each call
	// AutoAnswer answers calls that carry an auto-answer header, as desk phones are set up to; others ring.
	AutoAnswer bool
	Log        *slog.Logger
}

// Phone is an agent's SIP phone that registers at the daemon.
type Phone struct {
	cfg   PhoneConfig
	stack *sipua.Stack

	mu      sync.Mutex
	up      bool
	calls   []*Party
	changed chan struct{}
}

// NewPhone makes a phone; Run registers it.
func NewPhone(cfg PhoneConfig) (*Phone, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Source == nil {
		cfg.Source = func() func([]int16) { return Samples(nil) }
	}
	p := &Phone{cfg: cfg, changed: make(chan struct{})}
	var err error
	p.stack, err = sipua.New(sipua.Config{
		Listen: []sipua.Listen{{Network: "udp", Addr: netip.AddrPortFrom(cfg.Addr, 0)}}, UserAgent: "cordboard-sim-phone",
		Edge: simEdge(), StopTimeout: time.Second,
		Trunks: []sipua.Trunk{{
			Name: server, Server: sipua.URI{Host: cfg.Server.Addr().String(), Port: cfg.Server.Port()},
			CapturePrefix: []string{"Call-Info", "Alert-Info", "Answer-Mode"},
		}},
		Lines: []sipua.Line{{Trunk: server, User: cfg.User, Password: digest.NewSecret(cfg.Password), Register: true}},
	}, sipua.Deps{Log: cfg.Log, OnInvite: p.onInvite, OnLine: p.onLine})
	return p, err
}

// Run registers and serves until ctx ends, then unregisters.
func (p *Phone) Run(ctx context.Context) error { return p.stack.Run(ctx) }

// WaitRegistered returns when the phone is registered.
func (p *Phone) WaitRegistered(ctx context.Context) error {
	return p.wait(ctx, "to be registered", func() bool { return p.up })
}

// Call waits for the n-th call (from 1) that this phone received or made and returns its side of it.
func (p *Phone) Call(ctx context.Context, n int) (*Party, error) {
	if err := p.wait(ctx, fmt.Sprintf("for call %d", n), func() bool { return len(p.calls) >= n }); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[n-1], nil
}

// Calls is how many calls this phone has had.
func (p *Phone) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// ErrNoCall says that the phone has had no call.
var ErrNoCall = errors.New("the phone has no call")

// Last is the newest call.
func (p *Phone) Last() (*Party, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) == 0 {
		return nil, ErrNoCall
	}
	return p.calls[len(p.calls)-1], nil
}

// Dial calls a number through the daemon, as an agent does who dials on the phone.
func (p *Phone) Dial(number string) (*Party, error) {
	s, err := NewSound(p.cfg.Addr, p.cfg.Source())
	if err != nil {
		return nil, err
	}
	party := newParty(p.cfg.User, s, StateCalling)
	local := s.Local(offer.SendRecv)
	party.setDialog(p.stack.Invite(sipua.InviteParams{
		To: sipua.URI{User: number}, Trunk: server, Line: p.cfg.User, Offer: &local,
	}, party.onDialog))
	p.add(party)
	return party, nil
}

func (p *Phone) wait(ctx context.Context, what string, ok func() bool) error {
	for {
		p.mu.Lock()
		done, changed := ok(), p.changed
		p.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("phone %s: waited %s: %w", p.cfg.User, what, ctx.Err())
		}
	}
}

func (p *Phone) add(party *Party) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, party)
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Phone) onLine(s sipua.LineState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = s.Registered
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Phone) onInvite(d *sipua.Dialog, in sipua.Incoming) {
	s, err := NewSound(p.cfg.Addr, p.cfg.Source())
	if err != nil {
		d.Handle(func(sipua.DialogEvent) {})
		d.Reject(503, "")
		return
	}
	party := newParty(p.cfg.User, s, StateRinging)
	party.caller, party.headers = in.Caller, in.Headers
	party.setDialog(d)
	d.Handle(party.onDialog)
	p.add(party)
	if p.cfg.AutoAnswer && len(in.Headers) > 0 {
		party.Answer()
		return
	}
	party.Ring(false)
}

// simEdge lets a busy story on one address through.
func simEdge() edge.Config {
	return edge.Config{PerSource: edge.Rate{PerSecond: 20000, Burst: 20000}, Total: edge.Rate{PerSecond: 20000, Burst: 20000}}
}
