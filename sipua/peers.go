package sipua

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// trunk is a Trunk with what is found out at run time.
type trunk struct {
	Trunk
	lines    map[string]*account // by user
	contacts map[string]*account // by Contact user
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

// peerTable knows who may call: fixed after load but for the resolved addresses.
type peerTable struct {
	trunks []*trunk
	byName map[string]*trunk

	mu       sync.RWMutex
	resolved map[netip.Addr][]*trunk
}

func (p *peerTable) load(cfg Config) error {
	p.byName, p.resolved = map[string]*trunk{}, map[netip.Addr][]*trunk{}
	for _, t := range cfg.Trunks {
		if t.Name == "" || p.byName[t.Name] != nil {
			return fmt.Errorf("%w: trunk %q: name empty or used twice", ErrConfig, clip(t.Name))
		}
		if t.Domain == "" {
			t.Domain = t.Server.Host
		}
		rt := &trunk{Trunk: t, lines: map[string]*account{}, contacts: map[string]*account{}}
		p.trunks, p.byName[t.Name] = append(p.trunks, rt), rt
		for _, u := range t.servers() {
			if err := u.Validate(); err != nil {
				return fmt.Errorf("%w: trunk %s: %w", ErrConfig, t.Name, err)
			}
			if a, ok := u.Addr(); ok && !has(p.resolved[a.Addr()], rt) {
				p.resolved[a.Addr()] = append(p.resolved[a.Addr()], rt)
			}
		}
	}
	for _, l := range cfg.Lines {
		if err := p.addLine(l, cfg.ContactKey); err != nil {
			return err
		}
	}
	return nil
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
	out := p.resolved[a]
	p.mu.RUnlock()
	copied := false
	for _, t := range p.trunks {
		for _, prefix := range t.Peers {
			if prefix.Contains(a) && !has(out, t) {
				if !copied {
					out, copied = append([]*trunk(nil), out...), true
				}
				out = append(out, t)
			}
		}
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
func (p *peerTable) is(a netip.Addr, t *trunk) bool { return t != nil && has(p.trunksOf(a), t) }

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
		for _, t := range s.peers.trunks {
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
