package sipua

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/edge"
	"cordboard/sipua/resolve"
)

// Config of a Stack. It is read once by New.
type Config struct {
	Listen    []Listen
	Advertise netip.Addr // address that peers see, for Via and Contact; zero: the address listened on
	UserAgent string     // User-Agent and Server header; default "Cordboard"
	Realm     string     // realm of the phones' digest; default "cordboard"
	Trunks    []Trunk
	Lines     []Line
	Phones    []Phone
	Edge      edge.Config // Trusted and Strangers may be left zero: the stack fills them in

	// SessionExpires is asked for in each INVITE when the trunk says nothing; 0: 30 min; < 0: no session timers. RFC 4028.
	SessionExpires time.Duration
	MinSE          time.Duration // smallest interval accepted; default and least 90 s
	NoAnswer       time.Duration // default for InviteParams.NoAnswer; 0: 3 min
	Registrar      RegistrarConfig
	Register       RegisterConfig // for trunks that say nothing else
	Info           InfoPolicy
	MaxDialogs     int // not ended; 503 beyond it; default 20,000

	// StopTimeout bounds unregistering the lines and hanging up when Run ends; default 10 s. A trunk that answers no
	// REGISTER is given up after 2 s, a peer that answers no BYE after 4 s.
	StopTimeout time.Duration
	ContactKey  []byte // makes the Contact users of lines unguessable yet stable over restarts; empty: random
}

// InfoPolicy is what a stack does with a SIP INFO of a peer.
type InfoPolicy uint8

// Policies for INFO.
const (
	InfoTaken   InfoPolicy = iota // delivered as Info
	InfoRefused                   // 405, and not among the methods of Allow
	InfoNoDTMF                    // digits get 415, anything else is delivered
)

// Listen is one socket.
type Listen struct {
	Network string // "udp", "tcp" or "tls"
	Addr    netip.AddrPort
	TLS     *tls.Config // for "tls": certificate to serve with
}

// Trunk is a PBX or a carrier.
type Trunk struct {
	Name           string
	Server         URI
	Proxy          URI            // where everything for this trunk is sent instead of Server; zero: nowhere else
	Peers          []netip.Prefix // sources that may send INVITEs besides the resolved addresses of Server and Proxy
	Domain         string         // domain of addresses of record; default Server.Host
	Realm          string         // digest realm; "": the first one the server challenges with is pinned
	SessionExpires time.Duration  // 0: Config's; < 0: none
	Identity       IdentityHeader // tells the peer who calls and who is connected
	ReferAllowed   bool           // a REFER of the peer is offered as ReferRequested; else 603
	AnyUser        bool           // an INVITE whose Request-URI names no line is delivered all the same, Incoming.Line = ""
	CapturePrefix  []string       // names (or prefixes ending in "*") of headers delivered in Incoming.Headers
	Expires        time.Duration  // of registrations; default 10 min
	Register       RegisterConfig // pace and retries of the lines' registrations
	KeepAlive      time.Duration  // interval of keep-alives: CRLF on streams, OPTIONS on UDP; 0: 30 s on streams, none on UDP; < 0: none
	TLS            *tls.Config    // to check the server with, for the name in Server or Proxy; nil: system roots
}

// IdentityHeader is the header in which a trunk is told identities. From tells the line's own in any case.
type IdentityHeader uint8

// Headers for identities.
const (
	IdentityPAI  IdentityHeader = iota // P-Asserted-Identity: RFC 3325
	IdentityRPID                       // Remote-Party-ID: draft-ietf-sip-privacy-04
	IdentityNone
)

// Line is an account at a trunk.
type Line struct {
	Trunk    string
	User     string
	AuthUser string // default User
	Display  string
	Password digest.Secret
	Register bool // keep it registered; false: credentials and addressing only
}

// Phone is an agent's SIP device.
type Phone struct {
	User         string
	Password     digest.Secret
	FixedContact URI  // called there too, after where it registered; its INVITEs from there still need digest unless NoAuth
	NoAuth       bool // known by where it calls from; of several at one address by the user part of From, or the port
}

// RegistrarConfig bounds the phones' registrations.
type RegistrarConfig struct {
	MinExpires time.Duration // default 60 s
	MaxExpires time.Duration // default 1 h
	MaxPerUser int           // contacts of one phone; default 4

	Digest []digest.Algorithm // offered to phones, best first; default SHA-256, MD5
}

// RegisterConfig paces the REGISTERs of a trunk's lines.
type RegisterConfig struct {
	PerSecond float64       // retries included; default 20
	Timeout   time.Duration // of one REGISTER; default 32 s, timer F
	Retry     time.Duration // bound of the wait before the first retry, doubled with each failure (RFC 5626 §4.5); default 4 s
	RetryMax  time.Duration // bound of all waits; default 5 min
}

// Deps are what a Stack works with.
type Deps struct {
	Log      *slog.Logger            // default: discard
	OnInvite func(*Dialog, Incoming) // a new incoming call; must not block; nil: 480
	OnLine   func(LineState)         // a line's registration changed; must not block
	OnPhone  func(PhoneState)        // a phone's registration changed; must not block
	// OnContacts is told which contacts of a phone the next run may have (RestorePhone), nil for none; must not block.
	OnContacts func(phone string, contacts json.RawMessage)
	Resolver   resolve.Resolver // default net.DefaultResolver

	// listenPacket opens UDP sockets; tests put a network in memory here.
	listenPacket func(network string, addr netip.AddrPort) (net.PacketConn, error)
}

// LineState is the registration of a line.
type LineState struct {
	Trunk, User string
	Registered  bool
	Status      int    // last SIP status, 0: none
	Reason      string // why it is not registered, in words
	Since       time.Time
	Next        time.Time // next REGISTER
	Contact     string    // Contact user the line is reached by
}

// PhoneState is the registration of a phone.
type PhoneState struct {
	User       string
	Registered bool
	Contact    string
	Source     netip.AddrPort
	UserAgent  string
	Expires    time.Time
}
