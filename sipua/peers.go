package sipua

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// trunk is a Trunk with what is found out at run time.
type trunk struct {
	Trunk
	lines    map[string]*account // by user
	contacts map[string]*account // by Contact user
	left     atomic.Bool         // gone, or its peers are others: takes no new calls
}

// servers are the addresses that speak for the trunk by themselves.
func (t Trunk) servers() []URI {
	if t.Proxy.IsZero() {
		return []URI{t.Server}
	}
	return []URI{t.Server, t.Proxy}
}

// hop is where requests for the trunk go first.
func (t Trunk) hop() URI {
	if t.Proxy.IsZero() {
		return t.Server
	}
	return t.Proxy
}

// account is a Line with its credentials.
type account struct {
	Line
	trunk   *trunk
	contact string // unguessable, stable
	id      string // of the line manager
	auth    *digest.Client
}

// forget is how long what a change took away is still known: its lines unregister, and its peers end their calls.
const forget = 10 * time.Minute

// peerTable knows who may call, and the names of those it was told of.
type peerTable struct {
	mu       sync.RWMutex
	trunks   []*trunk // replaced, never changed, as byName
	byName   map[string]*trunk
	resolved map[netip.Addr][]*trunk
	former   []formerTrunk // replaced, never changed
	gone     map[string]goneAccount
}

// formerTrunk is a trunk as it was before it left or moved. Its addresses stay known while there are calls with them.
type formerTrunk struct {
	*trunk
	until time.Time
}

// goneAccount is a line that is no longer configured, by id: it has to unregister.
type goneAccount struct {
	*account
	until time.Time
}

// newPeers makes the table of a configuration. Errors wrap ErrConfig.
func newPeers(cfg Config) (*peerTable, error) {
	p := &peerTable{byName: map[string]*trunk{}, resolved: map[netip.Addr][]*trunk{}}
	for _, t := range cfg.Trunks {
		if t.Name == "" || p.byName[t.Name] != nil {
			return nil, fmt.Errorf("%w: trunk %q: name empty or used twice", ErrConfig, clip(t.Name))
		}
		if t.Domain == "" {
			t.Domain = t.Server.Host
		}
		rt := &trunk{Trunk: t, lines: map[string]*account{}, contacts: map[string]*account{}}
		p.trunks, p.byName[t.Name] = append(p.trunks, rt), rt
		for _, u := range t.servers() {
			if err := u.Validate(); err != nil {
				return nil, fmt.Errorf("%w: trunk %s: %w", ErrConfig, t.Name, err)
			}
			if a, ok := u.Addr(); ok && !has(p.resolved[a.Addr()], rt) {
				p.resolved[a.Addr()] = append(p.resolved[a.Addr()], rt)
			}
		}
	}
	for _, l := range cfg.Lines {
		if err := p.addLine(l, cfg.ContactKey); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// take makes the table that of another configuration. inUse are the trunks of live dialogs.
func (p *peerTable) take(next *peerTable, inUse map[*trunk]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	former := p.keptLocked(now, inUse)
	successor := make(map[*trunk]*trunk, len(p.trunks)) // of those whose addresses stay
	for _, old := range p.trunks {
		t := next.byName[old.Name]
		if t != nil && slices.Equal(t.servers(), old.servers()) {
			successor[old] = t
		}
		if successor[old] == nil || !slices.Equal(t.Peers, old.Peers) {
			old.left.Store(true)
			former = append(former, formerTrunk{old, now.Add(forget)})
		}
		for user, a := range old.lines {
			if t == nil || t.lines[user] == nil {
				p.goneLocked(a, now)
			}
		}
	}
	for _, t := range next.trunks {
		for _, a := range t.lines {
			delete(p.gone, a.id)
		}
	}
	p.resolvedLocked(next, former, successor)
	p.trunks, p.byName, p.former = next.trunks, next.byName, former
}

// keptLocked are the former trunks that are still of use.
func (p *peerTable) keptLocked(now time.Time, inUse map[*trunk]bool) (kept []formerTrunk) {
	for _, f := range p.former {
		if now.Before(f.until) || inUse[f.trunk] {
			kept = append(kept, f)
		}
	}
	return kept
}

func (p *peerTable) goneLocked(a *account, now time.Time) {
	if p.gone == nil {
		p.gone = map[string]goneAccount{}
	}
	maps.DeleteFunc(p.gone, func(_ string, g goneAccount) bool { return now.After(g.until) })
	p.gone[a.id] = goneAccount{a, now.Add(forget)}
}

// resolvedLocked takes over what was learnt about trunks that stay, or are still of use.
func (p *peerTable) resolvedLocked(next *peerTable, former []formerTrunk, successor map[*trunk]*trunk) {
	stay := make(map[*trunk]bool, len(former))
	for _, f := range former {
		stay[f.trunk] = true
	}
	for a, list := range p.resolved {
		for _, t := range list {
			if s := successor[t]; s != nil && !has(next.resolved[a], s) {
				next.resolved[a] = append(next.resolved[a], s)
			}
			if stay[t] && successor[t] == nil {
				next.resolved[a] = append(next.resolved[a], t)
			}
		}
	}
	p.resolved = next.resolved
}

// forgetFormer drops what is no more of use.
func (p *peerTable) forgetFormer(inUse map[*trunk]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.former)
	if p.former = p.keptLocked(time.Now(), inUse); len(p.former) == before {
		return
	}
	known := make(map[*trunk]bool, len(p.trunks)+len(p.former))
	for _, t := range p.trunks {
		known[t] = true
	}
	for _, f := range p.former {
		known[f.trunk] = true
	}
	for a, list := range p.resolved {
		list = slices.DeleteFunc(slices.Clone(list), func(t *trunk) bool { return !known[t] })
		if p.resolved[a] = list; len(list) == 0 {
			delete(p.resolved, a)
		}
	}
}

// all are the trunks; the list is not to be changed.
func (p *peerTable) all() []*trunk {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.trunks
}

// allOfLate are the trunks, and after them those that left or moved, the last first.
func (p *peerTable) allOfLate() []*trunk {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := slices.Clone(p.trunks)
	for _, f := range slices.Backward(p.former) {
		out = append(out, f.trunk)
	}
	return out
}

// named is the trunk of that name, or the last that had it; nil when there was none of late.
func (p *peerTable) named(name string) *trunk {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if t := p.byName[name]; t != nil {
		return t
	}
	for _, f := range slices.Backward(p.former) {
		if f.Name == name {
			return f.trunk
		}
	}
	return nil
}

// account is the line of that id, also one that is no longer configured.
func (p *peerTable) account(trunkName, id string) *account {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if t := p.byName[trunkName]; t != nil && len(id) > len(trunkName) {
		if a := t.lines[id[len(trunkName)+1:]]; a != nil {
			return a
		}
	}
	return p.gone[id].account
}

func (p *peerTable) addLine(l Line, key []byte) error {
	t := p.byName[l.Trunk]
	if t == nil {
		return fmt.Errorf("%w: line %q: no trunk %q", ErrConfig, clip(l.User), clip(l.Trunk))
	}
	if l.User == "" || !cleanText(l.User) || t.lines[l.User] != nil {
		return fmt.Errorf("%w: line %q at trunk %s: bad user, or used twice", ErrConfig, clip(l.User), l.Trunk)
	}
	if l.AuthUser == "" {
		l.AuthUser = l.User
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(l.Trunk + "\x00" + l.User))
	a := &account{Line: l, trunk: t, contact: "l" + hex.EncodeToString(mac.Sum(nil)[:10]), id: l.Trunk + "/" + l.User}
	a.auth = digest.NewClient(digest.Credentials{Peer: t.Name, Realm: t.Realm, Username: l.AuthUser, Password: l.Password})
	t.lines[l.User], t.contacts[a.contact] = a, a
	return nil
}

// trunksOf lists the trunks that a source may be.
func (p *peerTable) trunksOf(a netip.Addr) []*trunk {
	a = a.Unmap()
	p.mu.RLock()
	out, trunks, former := p.resolved[a], p.trunks, p.former
	p.mu.RUnlock()
	copied := false
	add := func(t *trunk) {
		for _, prefix := range t.Peers {
			if prefix.Contains(a) && !has(out, t) {
				if !copied {
					out, copied = append([]*trunk(nil), out...), true
				}
				out = append(out, t)
			}
		}
	}
	for _, t := range trunks {
		add(t)
	}
	for _, f := range former {
		add(f.trunk)
	}
	return out
}

func has(list []*trunk, t *trunk) bool {
	for _, x := range list {
		if x == t {
			return true
		}
	}
	return false
}

// is reports whether a source belongs to a trunk.
func (p *peerTable) is(a netip.Addr, t *trunk) bool {
	return t != nil && slices.ContainsFunc(p.trunksOf(a), func(other *trunk) bool { return other.Name == t.Name })
}

// learn adds resolved addresses of a trunk.
func (p *peerTable) learn(t *trunk, targets []resolve.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range targets {
		a := g.Addr.Addr().Unmap()
		if !has(p.resolved[a], t) && len(p.resolved) < 4096 {
			p.resolved[a] = append(append([]*trunk(nil), p.resolved[a]...), t)
		}
	}
}

// watchPeers keeps the addresses of servers and proxies given by name.
func (s *Stack) watchPeers(ctx context.Context) error {
	for {
		s.peers.forgetFormer(s.trunksInUse())
		for _, t := range s.peers.all() {
			for _, u := range t.servers() {
				s.watchPeer(ctx, t, u)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Minute):
		}
	}
}

func (s *Stack) watchPeer(ctx context.Context, t *trunk, u URI) {
	if _, literal := u.Addr(); literal {
		return
	}
	rctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	targets, err := s.targets.Resolve(rctx, resolveURI(u))
	switch {
	case err == nil:
		s.peers.learn(t, targets)
	case ctx.Err() == nil:
		s.log.Debug("trunk server not resolved", "trunk", t.Name, "host", u.Host, "error", err)
	}
}

func resolveURI(u URI) resolve.URI {
	return resolve.URI{Secure: u.Scheme == "sips", Host: u.Host, Port: u.Port, Transport: u.Transport}
}

// trusted is the edge's question: is this source known?
func (s *Stack) trusted(a netip.Addr) bool {
	if len(s.peers.trunksOf(a)) > 0 {
		return true
	}
	return s.phoneSource(a.Unmap()) || s.guests.has(a.Unmap())
}
