package digest

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of Verify. ErrDenied is the same for an unknown user and a wrong
// password, in text and in the work done.
var (
	ErrNoCredentials = errors.New("no digest credentials for this realm")
	ErrDenied        = errors.New("digest credentials denied")
	ErrStale         = errors.New("digest nonce is stale") // right password, nonce too old, unknown or replayed
)

// ServerConfig configures the server side.
type ServerConfig struct {
	Realm     string
	Lookup    func(user string) (Secret, bool) // safe for concurrent use
	Offer     []Algorithm                      // algorithms challenged with and accepted, best first; default SHA256, MD5
	NonceLife time.Duration                    // default 5 minutes
	MaxNonces int                              // nonces with a replay window in memory, default 16384
	Now       func() time.Time                 // default time.Now
}

// Server challenges and verifies phones. Safe for concurrent use.
type Server struct {
	cfg    ServerConfig
	minter minter
	replay *replay
	dummy  Secret
}

// NewServer makes a server with a fresh random key.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Realm == "" || !isClean(cfg.Realm) {
		return nil, errors.New("digest server: realm is empty or has control characters")
	}
	if cfg.Lookup == nil {
		return nil, errors.New("digest server: lookup function missing")
	}
	if len(cfg.Offer) == 0 {
		cfg.Offer = []Algorithm{SHA256, MD5}
	}
	if cfg.NonceLife <= 0 {
		cfg.NonceLife = 5 * time.Minute
	}
	if cfg.MaxNonces <= 0 {
		cfg.MaxNonces = 16384
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, replay: newReplay(cfg.MaxNonces), dummy: NewSecret(rand.Text())}
	if _, err := rand.Read(s.minter.key[:]); err != nil {
		return nil, fmt.Errorf("digest server key: %w", err)
	}
	return s, nil
}

// Challenge gives the values of the WWW-Authenticate headers, the preferred
// algorithm first (RFC 8760 §2.4).
func (s *Server) Challenge(stale bool) []string {
	nonce := s.minter.mint(s.cfg.Now())
	out := make([]string, 0, len(s.cfg.Offer))
	for _, alg := range s.cfg.Offer {
		c := Challenge{Realm: s.cfg.Realm, Nonce: nonce, Algorithm: alg, QOP: true, Stale: stale}
		out = append(out, c.String())
	}
	return out
}

// Verify checks the values of the Authorization headers of a request. It
// gives the user, or ErrNoCredentials, ErrMalformed, ErrDenied or ErrStale;
// answer ErrStale with Challenge(true), the others with Challenge(false) or
// silence.
func (s *Server) Verify(method, requestURI string, values []string) (user string, err error) {
	err = ErrNoCredentials
	for _, v := range values {
		a, e := ParseAuthorization(v)
		if errors.Is(e, ErrMalformed) {
			err = e
		}
		if e == nil && a.Realm == s.cfg.Realm {
			return s.verify(method, requestURI, a)
		}
	}
	return "", err
}

func (s *Server) verify(method, requestURI string, a Authorization) (string, error) {
	if a.QOP != "auth" || a.CNonce == "" || a.NC == 0 || a.NC > 1<<31-1 || !slices.Contains(s.cfg.Offer, a.Algorithm) {
		return "", ErrDenied
	}
	if !sameURI(a.URI, requestURI) {
		return "", ErrDenied
	}
	password, known := s.cfg.Lookup(a.Username)
	known = known && !password.Empty()
	if !known {
		password = s.dummy
	}
	ch := Challenge{Realm: a.Realm, Nonce: a.Nonce, Algorithm: a.Algorithm, QOP: true}
	want, err := ch.answer(a.Username, password, method, a.URI, int(a.NC), a.CNonce)
	if err != nil {
		return "", ErrDenied
	}
	right := subtle.ConstantTimeCompare([]byte(want.Response), []byte(a.Response)) == 1
	issued, ours := s.minter.check(a.Nonce)
	if !right || !known {
		return "", ErrDenied
	}
	now := s.cfg.Now()
	if !ours || now.Sub(issued) > s.cfg.NonceLife || issued.After(now.Add(time.Second)) {
		return "", ErrStale
	}
	if !s.replay.use(a.Nonce, issued, a.NC) {
		return "", ErrStale
	}
	return a.Username, nil
}
