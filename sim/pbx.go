package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"cordboard/sipua"
	"cordboard/sipua/digest"
	"cordboard/sipua/offer"
)

// Account is one line at the PBX.
type Account struct{ User, Password string }

// Behaviour is what a number of the dial plan does when it is called.
type Behaviour struct {
	Status int                  // ≥ 300: refuse with it after Ring; 0: answer after Ring
	Trying time.Duration        // silence before it rings
	Ring   time.Duration        // how long it rings first
	Silent bool                 // rings and never answers
	Early  bool                 // early media while it rings
	Source func() func([]int16) // what the party says; nil: silence
	Faults Faults               // of the RTP it sends and receives; the zero value: the PBX's
	Hangup time.Duration        // hangs up so long after the answer; 0: never
}

// PBXConfig of a PBX. A number that the plan does not name is that of a line, or answered 404.
type PBXConfig struct {
	Addr     netip.AddrPort     // port 0: any
	Network  string             // udp (default), tcp or tls
	TLS      *tls.Config        // certificate, for tls
	Peer     netip.AddrPort     // another switch, by UDP: its calls reach every number of the plan, and CallPeer calls it; invalid: none
	Realm    string             // default "pbx.test"
	Digest   []digest.Algorithm // challenged with and accepted, best first; default SHA-256, MD5
	Accounts []Account
	Plan     map[string]Behaviour
	Info     sipua.InfoPolicy
	Faults   Faults        // of the RTP that customers and called parties send and receive
	Expires  time.Duration // least that lines may ask for, else 423; 0: 60 s
	NoEvents bool          // the customers of Call and CallPeer offer no telephone-event
	Log      *slog.Logger
}

// PBX is the switch at which the agents' lines register, with everybody who can be called through it.
type PBX struct {
	cfg   PBXConfig
	stack *sipua.Stack

	mu        sync.Mutex
	registers map[string]int // by account
	online    map[string]bool
	changed   chan struct{}
	called    map[string][]*Party // parties by number, oldest first
	workers   sync.WaitGroup
	stop      context.Context
}

const peerTrunk = "peer"

// NewPBX makes a PBX; Run serves it.
func NewPBX(cfg PBXConfig) (*PBX, error) {
	if cfg.Network == "" {
		cfg.Network = "udp"
	}
	if cfg.Realm == "" {
		cfg.Realm = "pbx.test"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &PBX{cfg: cfg, online: map[string]bool{}, registers: map[string]int{}, changed: make(chan struct{}), called: map[string][]*Party{}, stop: context.Background()}
	sip := sipua.Config{
		Listen: []sipua.Listen{{Network: cfg.Network, Addr: cfg.Addr, TLS: cfg.TLS}}, UserAgent: "cordboard-sim-pbx", Realm: cfg.Realm,
		Edge: simEdge(), Info: cfg.Info, StopTimeout: time.Second, Registrar: sipua.RegistrarConfig{Digest: cfg.Digest, MinExpires: cfg.Expires},
	}
	for _, a := range cfg.Accounts {
		sip.Phones = append(sip.Phones, sipua.Phone{User: a.User, Password: digest.NewSecret(a.Password)})
	}
	if cfg.Peer.IsValid() {
		server := sipua.URI{Host: cfg.Peer.Addr().String(), Port: cfg.Peer.Port(), Transport: "udp"}
		sip.Trunks = append(sip.Trunks, sipua.Trunk{Name: peerTrunk, Server: server, AnyUser: true})
	}
	var err error
	p.stack, err = sipua.New(sip, sipua.Deps{Log: cfg.Log, OnInvite: p.onInvite, OnPhone: p.onPhone})
	return p, err
}

// Run serves until ctx ends.
func (p *PBX) Run(ctx context.Context) error {
	stop, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	p.stop = stop
	p.mu.Unlock()
	err := p.stack.Run(ctx)
	cancel()
	p.workers.Wait()
	return err
}

// Addr is where the PBX listens.
func (p *PBX) Addr() netip.AddrPort { return p.stack.Addr(p.cfg.Network) }

// Registered is how many accounts are registered now.
func (p *PBX) Registered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, on := range p.online {
		if on {
			n++
		}
	}
	return n
}

// WaitRegistered returns when n accounts are registered.
func (p *PBX) WaitRegistered(ctx context.Context, n int) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if p.Registered() >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d lines registered: %w", p.Registered(), n, ctx.Err())
		}
	}
}

// Call lets a customer call a registered line, as a queue of the PBX would: headers carry queue and variables.
func (p *PBX) Call(from sipua.Identity, line string, source func([]int16), headers ...sipua.Header) (*Party, error) {
	return p.invite(sipua.InviteParams{Phone: line, From: from, Headers: headers}, source)
}

// CallLate is Call with an INVITE that has no offer: the line offers in its 200, the customer answers in the ACK.
func (p *PBX) CallLate(from sipua.Identity, line string, source func([]int16)) (*Party, error) {
	return p.invite(sipua.InviteParams{Phone: line, From: from, Answer: &offer.Local{}}, source)
}

// Replace lets another party take a customer's place in its call at a line (RFC 3891).
func (p *PBX) Replace(old *Party, from sipua.Identity, line string, source func([]int16)) (*Party, error) {
	id := old.Dialog()
	id.LocalTag, id.RemoteTag = id.RemoteTag, id.LocalTag
	return p.invite(sipua.InviteParams{Phone: line, From: from, Replaces: &id}, source)
}

// CallPeer lets a customer call a number at the other switch.
func (p *PBX) CallPeer(from sipua.Identity, number string, source func([]int16), headers ...sipua.Header) (*Party, error) {
	return p.invite(sipua.InviteParams{Trunk: peerTrunk, To: sipua.URI{User: number}, From: from, Headers: headers}, source)
}

func (p *PBX) invite(params sipua.InviteParams, source func([]int16)) (*Party, error) {
	s, err := NewSound(p.Addr().Addr(), source)
	if err != nil {
		return nil, err
	}
	party := newParty(params.From.Number, s, StateCalling)
	s.noEvents = p.cfg.NoEvents
	s.Faults(p.cfg.Faults, p.cfg.Faults)
	local := s.Local(offer.SendRecv)
	if params.Answer != nil {
		params.Answer = &local
	} else {
		params.Offer = &local
	}
	party.setDialog(p.stack.Invite(params, party.onDialog))
	return party, nil
}

// Called waits for the n-th call (from 1) to a number of the plan and returns the party that is called.
func (p *PBX) Called(ctx context.Context, number string, n int) (*Party, error) {
	for {
		p.mu.Lock()
		list, changed := p.called[number], p.changed
		p.mu.Unlock()
		if len(list) >= n {
			return list[n-1], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("number %s was called %d times, want %d: %w", number, len(list), n, ctx.Err())
		}
	}
}

// Calls is how often a number has been called.
func (p *PBX) Calls(number string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.called[number])
}

// Registers is how often an account has registered, refreshed that or unregistered.
func (p *PBX) Registers(user string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.registers[user]
}

func (p *PBX) onPhone(s sipua.PhoneState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.registers[s.User]++
	p.online[s.User] = s.Registered
	p.notifyLocked()
}

func (p *PBX) notifyLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// onInvite plays the dial plan for a call from a line.
func (p *PBX) onInvite(d *sipua.Dialog, in sipua.Incoming) {
	number := in.RequestURI.User
	b, ok := p.cfg.Plan[number]
	if !ok && in.Phone != "" && p.hasLine(number) {
		p.call(d, in)
		return
	}
	if !ok {
		d.Handle(func(sipua.DialogEvent) {})
		d.Reject(404, "")
		return
	}
	source := Samples(nil)
	if b.Source != nil {
		source = b.Source()
	}
	s, err := NewSound(p.Addr().Addr(), source)
	if err != nil {
		d.Handle(func(sipua.DialogEvent) {})
		d.Reject(503, "")
		return
	}
	if b.Faults == (Faults{}) {
		b.Faults = p.cfg.Faults
	}
	s.Faults(b.Faults, b.Faults)
	party := newParty(number, s, StateRinging)
	party.caller, party.headers = in.Caller, in.Headers
	party.setDialog(d)
	d.Handle(party.onDialog)
	p.mu.Lock()
	p.called[number] = append(p.called[number], party)
	p.notifyLocked()
	stop := p.stop
	p.mu.Unlock()
	p.workers.Go(func() { party.play(stop, b) })
}

func (p *PBX) hasLine(number string) bool {
	return slices.ContainsFunc(p.cfg.Accounts, func(a Account) bool { return a.User == number })
}

// play does what the plan says, until the call ends.
func (p *Party) play(ctx context.Context, b Behaviour) {
	if b.Trying > 0 && !p.sleep(ctx, b.Trying) {
		return
	}
	p.Ring(b.Early)
	if b.Silent || !p.sleep(ctx, b.Ring) {
		return
	}
	if b.Status >= 300 {
		p.Reject(b.Status)
		return
	}
	p.Answer()
	if b.Hangup == 0 || p.Wait(ctx, StateTalking) != nil || !p.sleep(ctx, b.Hangup) {
		return
	}
	p.Hangup()
}

// sleep waits, and reports whether the call still lives.
func (p *Party) sleep(ctx context.Context, d time.Duration) bool {
	wait, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return p.Wait(wait, StateEnded) != nil && ctx.Err() == nil
}
