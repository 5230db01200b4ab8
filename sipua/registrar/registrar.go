// Package registrar is the registrar at which the agents' phones register
// (RFC 3261 §10.3), for configured users only.
//
// Whoever asks without credentials is challenged, whether the user exists or
// not; wrong credentials get the same 403 for both; a source that goes on
// gets silence. What a phone registers is decided by a pure function
// (apply.go); one goroutine runs the expiry of all contacts.
package registrar

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cordboard/sipua/alarm"
	"cordboard/sipua/digest"
)

// ErrConfig is wrapped by every error about users as given.
var ErrConfig = errors.New("registrar configuration")

// User is one phone account.
type User struct {
	Name     string
	Password digest.Secret // empty: the phone cannot register
	Fixed    string        // contact URI that always holds, "" for none
}

// Config configures a Registrar. Zero values mean the defaults.
type Config struct {
	Realm                  string
	Digest                 []digest.Algorithm // offered to phones, best first; default SHA-256, MD5
	Users                  []User
	MinExpires, MaxExpires time.Duration // default 60 s and 1 h
	DefaultExpires         time.Duration // when the phone asks for none, default 5 min
	MaxContacts            int           // per user, the newest are kept, default 4
	NonceLife              time.Duration // default 5 min
	MaxDenials             int           // wrong credentials per source address and minute before silence, default 20
}

// Deps are what a Registrar works with.
type Deps struct {
	Log *slog.Logger // required
	// OnState is told when a user's contacts change, in order, on the goroutine
	// of Run. It must not block.
	OnState func(State)
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.MinExpires, time.Minute)
	set(&c.MaxExpires, time.Hour)
	set(&c.DefaultExpires, 5*time.Minute)
	c.MaxExpires = max(c.MaxExpires, c.MinExpires)
	c.DefaultExpires = min(max(c.DefaultExpires, c.MinExpires), c.MaxExpires)
	if c.MaxContacts <= 0 {
		c.MaxContacts = 4
	}
	if c.MaxDenials <= 0 {
		c.MaxDenials = 20
	}
	return c
}

// Registrar keeps the contacts of the phones. Safe for concurrent use.
type Registrar struct {
	cfg    Config
	log    *slog.Logger
	report func(State)
	auth   *digest.Server
	denied *denials
	wake   chan struct{} // capacity 1: there is something for Run to look at
	asked  chan struct{} // by Check

	mu     sync.RWMutex
	users  map[string]*account
	flows  map[Flow]*account    // registered flows
	alarms alarm.Heap[*account] // by earliest expiry
	events []State
}

// account is one user with his contacts. Guarded by Registrar.mu.
type account struct {
	user     User
	bindings []Binding             // registered ones, newest first
	expiry   alarm.Alarm[*account] // the earliest
}

// New makes a registrar.
func New(cfg Config, deps Deps) (*Registrar, error) {
	if deps.Log == nil {
		return nil, errors.New("registrar: log is required")
	}
	if deps.OnState == nil {
		deps.OnState = func(State) {}
	}
	r := &Registrar{
		cfg: cfg.withDefaults(), log: deps.Log, report: deps.OnState, wake: make(chan struct{}, 1), asked: make(chan struct{}),
		users: make(map[string]*account), flows: make(map[Flow]*account),
	}
	r.denied = newDenials(r.cfg.MaxDenials)
	auth, err := digest.NewServer(digest.ServerConfig{Realm: cfg.Realm, Offer: cfg.Digest, Lookup: r.password, NonceLife: cfg.NonceLife})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r.auth = auth
	return r, r.Update(cfg.Users)
}

func (r *Registrar) password(user string) (digest.Secret, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.users[user]
	if !ok {
		return digest.Secret{}, false
	}
	return a.user.Password, true
}
