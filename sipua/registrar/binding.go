package registrar

import (
	"net/netip"
	"time"
)

// Flow is where a request came from and where the phone can be reached again
// (RFC 5626): for streams the connection, for UDP the NAT binding.
type Flow struct {
	Network string         // "udp", "tcp" or "tls"
	Remote  netip.AddrPort // source of the request
	Local   netip.AddrPort // our socket, may be zero
}

// key is what tells flows apart: a source reaches us on one socket only.
func (f Flow) key() Flow { return Flow{Network: f.Network, Remote: f.Remote} }

// State is whether a user can be reached.
type State struct {
	User      string
	Reachable bool
	Bindings  []Binding // best first
	Reason    string    // "registered", "refreshed", "unregistered", "expired", "flow closed", "configured", "removed", "restored"
}

// Binding is one contact of a user.
type Binding struct {
	User      string
	Contact   string    // URI as the phone gave it: the Request-URI towards it
	Flow      Flow      // next hop: where the REGISTER came from; for fixed contacts zero
	Path      []string  // Route to the phone (RFC 3327), one "<uri>" each, in order
	Q         int       // thousandths, 0 to 1000
	Expires   time.Time // zero for fixed contacts
	Since     time.Time
	CallID    string
	CSeq      uint32
	UserAgent string
	Instance  string // +sip.instance as given, "" for none
	Fixed     bool
	key       string // equal for equal URIs
}
