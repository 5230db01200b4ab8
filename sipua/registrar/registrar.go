// Package registrar is the registrar at which the agents' phones register
// (RFC 3261 §10.3), for configured users only.
package registrar

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"cordboard/sipua/digest"
)

// ErrConfig is wrapped by every error about users as given.
var ErrConfig = errors.New("registrar configuration")

// Flow is where a request came from and where the phone can be reached again
// (RFC 5626): for streams the connection, for UDP the NAT binding.
type Flow struct {
	Network string         // "udp", "tcp" or "tls"
	Remote  netip.AddrPort // source of the request
	Local   netip.AddrPort // our socket, may be zero
}

// User is one phone account.
type User struct {
	Name     string
	Password digest.Secret // empty: the phone cannot register
	Fixed    string        // contact URI that always holds, "" for none
}

// Config configures a Registrar. Zero values mean the defaults.
type Config struct {
	Realm                  string
	Users                  []User
	MinExpires, MaxExpires time.Duration // default 60 s and 1 h
	DefaultExpires         time.Duration // when the phone asks for none, default 5 min
	MaxContacts            int           // per user, newest kept, default 4
	NonceLife              time.Duration // default 5 min
}

// Deps are what a Registrar works with.
type Deps struct {
	Log *slog.Logger // required
	// OnState is told when a user's contacts change. It must not block.
	OnState func(State)
}

// State is whether a user can be reached.
type State struct {
	User      string
	Reachable bool
	Bindings  []Binding // best first
	Reason    string    // "registered", "refreshed", "unregistered", "expired", "flow closed", "configured", "removed"
}

// Binding is one contact of a user.
type Binding struct {
	User      string
	Contact   string    // URI as the phone gave it: the Request-URI towards it
	Flow      Flow      // next hop: where the REGISTER came from; for fixed contacts zero
	Path      []string  // Route to the phone (RFC 3327), header values in order
	Q         int       // thousandths, 0 to 1000
	Expires   time.Time // zero for fixed contacts
	Since     time.Time
	CallID    string
	CSeq      uint32
	UserAgent string
	Instance  string // +sip.instance as given, "" for none
	Fixed     bool
}
