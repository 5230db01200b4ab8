package sipua

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/line"
	"cordboard/sipua/registrar"
	"cordboard/sipua/resolve"
)

// phoneTable knows the sources of phones, for the edge.
type phoneTable struct {
	mu    sync.RWMutex
	addrs map[netip.Addr]int // how many registrations, contacts and calls are there
	users map[string][]netip.Addr
	news  chan struct{} // closed when a phone's contacts change; nil: nobody waits
}

// next is closed when the contacts of any phone change.
func (p *phoneTable) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.news == nil {
		p.news = make(chan struct{})
	}
	return p.news
}

// newPhoneTable is empty.
func newPhoneTable() *phoneTable {
	return &phoneTable{addrs: map[netip.Addr]int{}, users: map[string][]netip.Addr{}}
}

func (p *phoneTable) set(user string, addrs []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.news != nil {
		close(p.news)
		p.news = nil
	}
	for _, a := range addrs {
		p.addrs[a]++
	}
	for _, a := range p.users[user] {
		p.dropLocked(a)
	}
	if p.users[user] = addrs; len(addrs) == 0 {
		delete(p.users, user)
	}
}

// hold keeps an address known while a call with the phone there lasts: one that unregisters meanwhile still hangs up. drop
// ends it.
func (p *phoneTable) hold(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addrs[a]++
}

func (p *phoneTable) drop(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropLocked(a)
}

func (p *phoneTable) dropLocked(a netip.Addr) {
	if p.addrs[a]--; p.addrs[a] <= 0 {
		delete(p.addrs, a)
	}
}

func (p *phoneTable) has(a netip.Addr) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.addrs[a] > 0
}

func (s *Stack) phoneSource(a netip.Addr) bool { return s.phones.has(a) }

func (s *Stack) newAccounts() error {
	var err error
	s.lines, err = line.New(lineConfig(s.peers.all(), s.cfg.Register), line.Deps{Log: s.log, Sender: lineSender{s}, Targets: s.targets, OnState: s.onLine, StopTimeout: s.cfg.StopTimeout})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	rc := registrar.Config{Realm: s.cfg.Realm, MinExpires: s.cfg.Registrar.MinExpires, MaxExpires: s.cfg.Registrar.MaxExpires, MaxContacts: s.cfg.Registrar.MaxPerUser, Digest: s.cfg.Registrar.Digest}
	rc.Users = users(s.cfg.Phones)
	fixed := newFixedPhones(s.cfg.Phones)
	s.fixed.Store(&fixed)
	for _, p := range s.cfg.Phones {
		if at, ok := p.FixedContact.Addr(); ok {
			s.phones.set(p.User, []netip.Addr{at.Addr()})
		}
	}
	s.registrar, err = registrar.New(rc, registrar.Deps{Log: s.log, OnState: s.onPhone})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// lineConfig is what the line manager is told: the lines that register.
func lineConfig(trunks []*trunk, general RegisterConfig) (lc line.Config) {
	for _, t := range trunks {
		lc.Trunks = append(lc.Trunks, lineTrunk(t.Trunk, general))
		for _, a := range t.lines {
			if a.Register {
				lc.Lines = append(lc.Lines, line.Line{ID: a.id, Trunk: t.Name, User: a.User, AuthUser: a.AuthUser, Password: a.Password, Display: a.Display})
			}
		}
	}
	return lc
}

// users are the phones as the registrar takes them.
func users(phones []Phone) []registrar.User {
	var out []registrar.User
	for _, p := range phones {
		u := registrar.User{Name: p.User, Password: p.Password}
		if !p.FixedContact.IsZero() {
			u.Fixed = p.FixedContact.String()
		}
		out = append(out, u)
	}
	return out
}

// lineTrunk is a trunk as the line manager takes it.
func lineTrunk(t Trunk, general RegisterConfig) line.Trunk {
	r := RegisterConfig{
		PerSecond: cmp.Or(t.Register.PerSecond, general.PerSecond), Timeout: cmp.Or(t.Register.Timeout, general.Timeout),
		Retry: cmp.Or(t.Register.Retry, general.Retry, 4*time.Second), RetryMax: cmp.Or(t.Register.RetryMax, general.RetryMax),
	}
	out := line.Trunk{
		Name: t.Name, Domain: t.Domain, Server: resolveURI(t.hop()), Realm: t.Realm, Expires: t.Expires,
		Rate: r.PerSecond, Timeout: r.Timeout, BackoffMax: r.RetryMax,
		BackoffBase: r.Retry / 2, // the first failure doubles it: RFC 5626 §4.5
		KeepAlive:   line.KeepAlive{Timeout: min(cmp.Or(r.Timeout, 10*time.Second), 10*time.Second)},
	}
	switch {
	case t.KeepAlive > 0:
		out.KeepAlive.Kind, out.KeepAlive.Interval = line.KeepAliveAuto, t.KeepAlive
	case t.KeepAlive < 0:
		out.KeepAlive.Kind = line.KeepAliveOff
	}
	return out
}

func (s *Stack) onLine(st line.State) {
	if s.deps.OnLine != nil {
		s.deps.OnLine(s.lineState(st))
	}
}

func (s *Stack) lineState(st line.State) LineState {
	out := LineState{Trunk: st.Trunk, Registered: st.Registered, Status: st.Status, Reason: st.Reason, Since: st.Since, Next: st.Next}
	if a := s.peers.account(st.Trunk, st.Line); a != nil {
		out.User, out.Contact = a.User, a.contact
	}
	return out
}

// Lines returns the state of all lines that register.
func (s *Stack) Lines() []LineState {
	var out []LineState
	for _, st := range s.lines.Snapshot() {
		out = append(out, s.lineState(st))
	}
	return out
}

func (s *Stack) onPhone(st registrar.State) {
	var addrs []netip.Addr
	for _, b := range st.Bindings {
		if b.Flow.Remote.IsValid() {
			addrs = append(addrs, b.Flow.Remote.Addr().Unmap())
		} else if u, err := ParseURI(b.Contact); err == nil {
			if a, ok := u.Addr(); ok {
				addrs = append(addrs, a.Addr())
			}
		}
	}
	s.phones.set(st.User, addrs)
	s.keepPhone(st)
	if s.deps.OnPhone != nil {
		s.deps.OnPhone(phoneState(st))
	}
}

func phoneState(st registrar.State) PhoneState {
	out := PhoneState{User: st.User, Registered: st.Reachable}
	if len(st.Bindings) > 0 {
		b := st.Bindings[0]
		out.Contact, out.Source, out.UserAgent, out.Expires = b.Contact, b.Flow.Remote, b.UserAgent, b.Expires
	}
	return out
}

// PhonesRegistered returns the state of all phones.
func (s *Stack) PhonesRegistered() []PhoneState {
	var out []PhoneState
	for _, st := range s.registrar.Snapshot() {
		out = append(out, phoneState(st))
	}
	return out
}

// credentials returns the digest client of a line, shared with its registrations.
func (s *Stack) credentials(a *account) authenticator {
	if c, ok := s.lines.Credentials(a.id); ok {
		return c
	}
	return a.auth
}

// lineSender sends REGISTERs and keep-alives for the line manager.
type lineSender struct{ s *Stack }

// Register sends one REGISTER and waits for its final answer.
func (l lineSender) Register(ctx context.Context, r line.Request) (line.Response, error) {
	host, port, _ := l.s.via(r.Target.Transport, r.Target.Addr.Addr())
	contact := sip.Uri{Scheme: "sip", Host: host, Port: port}
	if r.Target.Transport != "udp" {
		contact.UriParams.Add("transport", r.Target.Transport)
	}
	req := line.RegisterFor(r, contact, l.s.cfg.UserAgent)
	if a := l.s.peers.account(r.Trunk, r.Line); a != nil && req.Contact() != nil {
		req.Contact().Address.User = a.contact
	}
	tr := l.s.peers.named(r.Trunk)
	if tr != nil && !l.s.peers.is(r.Target.Addr.Addr(), tr) { // its answer must not be taken for a stranger's
		l.s.peers.learn(tr, []resolve.Target{r.Target})
	}
	res, err := l.s.Do(ctx, req, r.Target)
	if err != nil {
		return line.Response{}, err
	}
	l.s.noteOutbound(res, r.Target)
	peer := ""
	if src, err := netip.ParseAddrPort(res.Source()); err == nil && l.s.peers.is(src.Addr(), tr) {
		peer = r.Trunk
	}
	return line.ParseResponse(req, res, peer), nil
}
