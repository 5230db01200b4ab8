package line

import (
	"context"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// Request is one REGISTER to send. RegisterFor turns it into a message.
type Request struct {
	Trunk, Line   string
	Target        resolve.Target
	URI           string // Request-URI: "sip:domain"
	User, Domain  string // address-of-record, for From and To; User also for Contact
	Display       string
	CallID        string // the same for the life of a line
	FromTag       string
	CSeq          uint32
	Expires       time.Duration // whole seconds; 0 unregisters
	Authorization []digest.Header
}

// Response is the final answer to a REGISTER. ParseResponse makes one.
type Response struct {
	Status int
	Reason string // reason phrase as received
	// Peer is the trunk to whose peers the source of the response belongs; a
	// challenge is only answered when it is the line's own trunk.
	Peer                               string
	Expires                            time.Duration // granted to our contact, 0 when the contact is not in the answer
	MinExpires                         time.Duration // 423
	RetryAfter                         time.Duration // 0 when absent
	WWWAuthenticate, ProxyAuthenticate []string
	ServiceRoute, Path                 []string // one "<uri>" each, in order (RFC 3608, RFC 3327)
}

// Sender sends on behalf of the lines. Safe for concurrent use. Both methods
// return when the answer is there, the transaction failed or ctx ended.
type Sender interface {
	// Register sends one REGISTER and gives its final answer. The error is a
	// timeout or a transport failure.
	Register(ctx context.Context, r Request) (Response, error)
	// Ping keeps the flow to a target open; an error says that it is gone.
	Ping(ctx context.Context, trunk string, t resolve.Target, kind KeepAliveKind) error
}

// Targets finds where a trunk's server is; *resolve.Cache is one.
type Targets interface {
	Resolve(ctx context.Context, u resolve.URI) ([]resolve.Target, error)
	MarkDead(t resolve.Target, d time.Duration)
	MarkAlive(t resolve.Target)
	Dead(t resolve.Target) bool
}
