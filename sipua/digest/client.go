package digest

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// ErrRejected is returned when the peer challenges again what was already
// answered: the credentials are wrong. Trying again would be a loop.
var ErrRejected = errors.New("credentials rejected by the peer")

// PeerError is returned for a challenge from another peer than the one the
// credentials belong to (compare CVE-2021-41158).
type PeerError struct{ Got, Want string }

func (e *PeerError) Error() string {
	return fmt.Sprintf("challenge from peer %q, credentials belong to %q", e.Got, e.Want)
}

// RealmError is returned for a challenge of another realm than the pinned one.
type RealmError struct{ Got, Want string }

func (e *RealmError) Error() string {
	return fmt.Sprintf("challenge for realm %q, credentials belong to %q", e.Got, e.Want)
}

// Credentials are a user and password pinned to one peer and one realm.
type Credentials struct {
	Peer     string // trunk name
	Realm    string // "" pins the first realm that the peer challenges with
	Username string
	Password Secret
}

// Client answers the challenges for one set of credentials. It keeps the last
// nonce of the registrar (WWW) and of the proxy, and counts nc over all
// requests. Safe for concurrent use.
type Client struct {
	cred Credentials

	mu         sync.Mutex
	realm      string
	www, proxy *cached
}

type cached struct {
	challenge Challenge
	nc        uint32
}

// NewClient makes a client with an empty nonce cache.
func NewClient(c Credentials) *Client { return &Client{cred: c, realm: c.Realm} }

// Matches reports whether the client was made for exactly these credentials.
func (c *Client) Matches(other Credentials) bool { return c.cred == other }

// Begin starts one request and its retries. The uri is the Request-URI as it
// stands on the wire.
func (c *Client) Begin(method, uri string) *Exchange {
	return &Exchange{client: c, method: method, uri: uri}
}

// slot gives the cache for a status, c.mu held.
func (c *Client) slotLocked(status int) **cached {
	if status == 407 {
		return &c.proxy
	}
	return &c.www
}

// storeLocked remembers a challenge and pins its realm, c.mu held.
func (c *Client) storeLocked(status int, ch Challenge) {
	if c.realm == "" {
		c.realm = ch.Realm
	}
	*c.slotLocked(status) = &cached{challenge: ch}
}

// forget drops a cached nonce that the peer did not take.
func (c *Client) forget(status int, nonce string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.slotLocked(status); *s != nil && (*s).challenge.Nonce == nonce {
		*s = nil
	}
}

// header computes the credentials from the cache of status; ok is false when
// there is none.
func (c *Client) header(status int, method, uri string) (h Header, nonce string, ok bool, err error) {
	c.mu.Lock()
	s := *c.slotLocked(status)
	if s == nil || s.nc == math.MaxUint32>>1 {
		c.mu.Unlock()
		return Header{}, "", false, nil
	}
	s.nc++
	ch, nc := s.challenge, s.nc
	c.mu.Unlock()
	a, err := ch.answer(c.cred.Username, c.cred.Password, method, uri, int(nc), "")
	if err != nil {
		return Header{}, "", false, err
	}
	name := "Authorization"
	if status == 407 {
		name = "Proxy-Authorization"
	}
	return Header{Name: name, Value: a.header()}, ch.Nonce, true, nil
}

func (c *Client) pinned() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realm
}
