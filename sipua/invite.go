package sipua

import (
	"errors"
	"fmt"
	"time"

	"cordboard/sipua/offer"
)

// Errors of bad InviteParams; they come back as Rejected{Status: 0} with their text as Reason.
var (
	ErrNoTrunk = errors.New("no such trunk")
	ErrNoLine  = errors.New("no such line")
	ErrNoPhone = errors.New("phone is not registered")
	ErrNoRoute = errors.New("no route")
)

// InviteParams say whom to call and how. Exactly one of Trunk and Phone is set.
type InviteParams struct {
	To         URI // Host "" means the trunk's domain; ignored for a Phone unless User is set
	ToDisplay  string
	From       Identity      // Number "" means the line's user; for a phone: who calls
	OnBehalf   Identity      // named in the trunk's identity header instead of From: the customer of a transfer
	Trunk      string        // outbound route
	Line       string        // account at the trunk whose credentials and Contact are used; "" none
	Phone      string        // device: called where it is registered, or at its fixed contact
	Contact    *Contact      // of Phone: the one of Stack.Contacts to call; nil: the best
	Offer      *offer.Local  // nil: late offer, the peer offers in its 200
	Answer     *offer.Local  // what to answer a peer's late offer with; needed when Offer is nil
	AutoAnswer bool          // ask the phone to answer at once: Call-Info, Alert-Info, Answer-Mode
	Headers    []Header      // added as they are; refused when they could break a message
	Replaces   *DialogID     // RFC 3891; as the peer sees it: LocalTag is the to-tag, RemoteTag the from-tag
	NoAnswer   time.Duration // from the INVITE to the final answer; 0: Config.NoAnswer

	// OnFarewell is told what would end the call at the peer, each time that this changes, and the zero Farewell when nothing
	// is left to end. It is called on the dialog's goroutine, before the INVITE leaves, and must not block; nil: nobody is told.
	OnFarewell func(Farewell)
}

func (p InviteParams) validate() error {
	if (p.Trunk == "") == (p.Phone == "") {
		return fmt.Errorf("%w: one of trunk and phone is needed", ErrNoRoute)
	}
	for _, id := range []Identity{p.From, p.OnBehalf} {
		if err := id.Validate(); err != nil {
			return err
		}
	}
	if !cleanText(p.ToDisplay) || !cleanText(p.To.User) || len(p.To.User) > maxUser {
		return fmt.Errorf("%w: target", ErrBadURI)
	}
	if p.To.Host != "" && !validHost(p.To.Host) {
		return fmt.Errorf("%w: host %q", ErrBadURI, clip(p.To.Host))
	}
	if p.Offer == nil && p.Answer == nil {
		return fmt.Errorf("%w: neither offer nor answer given", ErrNoRoute)
	}
	if p.Replaces != nil && !p.Replaces.usable() {
		return fmt.Errorf("%w: dialog to replace is not complete", ErrNoRoute)
	}
	for _, h := range p.Headers {
		if err := h.Validate(); err != nil {
			return err
		}
		if ownHeader(h.Name) {
			return fmt.Errorf("header %s is set by the stack", h.Name)
		}
	}
	return nil
}

// Incoming describes a new incoming call. Exactly one of Trunk and Phone is set.
type Incoming struct {
	Trunk         string
	Line          string // user of the line the INVITE is for; "" when the trunk has AnyUser and no line matched
	Phone         string // authenticated user of a phone
	RequestURI    URI
	From, To      Identity
	Asserted      Identity // P-Asserted-Identity (RFC 3325)
	RemoteParty   Identity // Remote-Party-ID
	Caller        Identity // best of the three: Asserted, RemoteParty, From
	Privacy       bool     // RFC 3323, or Remote-Party-ID privacy, or an anonymous From
	Diversion     []Diversion
	History       []Diversion
	Headers       []Header // those the trunk's CapturePrefix names, in order, limited in number and size
	OfferSDP      bool     // the INVITE carries an offer; false: late offer
	Replaces      *Dialog  // dialog of ours to be replaced (RFC 3891): answering this call ends it with CauseReplaced
	EarlyReplaces bool     // that dialog is not answered yet

	Received time.Time // when the INVITE had been read
}

// Limits of Incoming.Headers.
const (
	maxCaptured      = 64
	maxCapturedValue = 1024
)

// ownHeader names headers a caller may not set.
func ownHeader(name string) bool { return ownHeaders[lower(name)] }

var ownHeaders = map[string]bool{
	"via": true, "v": true, "from": true, "f": true, "to": true, "t": true, "call-id": true, "i": true, "cseq": true,
	"contact": true, "m": true, "max-forwards": true, "content-length": true, "l": true, "content-type": true, "c": true,
	"route": true, "record-route": true, "require": true, "supported": true, "k": true, "allow": true, "authorization": true,
	"proxy-authorization": true, "replaces": true, "session-expires": true, "x": true, "min-se": true, "rack": true, "rseq": true,
	"content-encoding": true, "e": true, "proxy-require": true, "p-asserted-identity": true, "remote-party-id": true, "privacy": true,
}
