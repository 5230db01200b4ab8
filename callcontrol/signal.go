package callcontrol

// SignalKind says what happened at a leg, a line or a device.
type SignalKind string

// Signals. Those of a leg need Signal.Leg.
const (
	SignalRinging      SignalKind = "ringing"       // 18x without media; Status
	SignalEarly        SignalKind = "early"         // 18x with media
	SignalAnswered     SignalKind = "answered"      // media negotiated, either way: also follows Telephony.Answer
	SignalMedia        SignalKind = "media"         // renegotiated; Direction is the peer's wish, seen from the peer
	SignalRejected     SignalKind = "rejected"      // final failure of our INVITE; Status
	SignalEnded        SignalKind = "ended"         // BYE, CANCEL, session timer, transport; Cause
	SignalLost         SignalKind = "lost"          // no RTP for too long, or the browser went
	SignalMoved        SignalKind = "moved"         // of a device: the agent's phone is another one from now on
	SignalReferResult  SignalKind = "refer_result"  // Status of REFER or of its sipfrag; Final
	SignalReferRequest SignalKind = "refer_request" // the peer asks to be transferred to Number
	SignalReofferFail  SignalKind = "reoffer_failed"
	SignalDigit        SignalKind = "digit"        // Digits holds one
	SignalDigitsTaken  SignalKind = "digits_taken" // by INFO: the peer took one; Serial
	SignalDigitsDone   SignalKind = "digits_done"  // Cause empty: all sent; by INFO also Serial, Status, Info
	SignalIdentity     SignalKind = "identity"     // connected identity changed
	SignalLine         SignalKind = "line"         // Up, Reason
	SignalDevice       SignalKind = "device"       // Up (reachable), Reason
)

// Direction is an SDP direction (RFC 3264 §5.1) from the peer's side: sendonly or inactive means that
// the peer holds us.
type Direction string

// Directions.
const (
	DirectionSendRecv Direction = "sendrecv"
	DirectionSendOnly Direction = "sendonly"
	DirectionRecvOnly Direction = "recvonly"
	DirectionInactive Direction = "inactive"
)

// Signal is one outcome from SIP or media.
type Signal struct {
	Kind      SignalKind `json:"kind"`
	Leg       LegID      `json:"leg,omitempty"`
	Status    int        `json:"status,omitempty"` // SIP status
	Cause     Cause      `json:"cause,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	ByPeer    bool       `json:"by_peer,omitempty"` // ended: the other side's intent (BYE, CANCEL)
	Final     bool       `json:"final,omitempty"`
	Direction Direction  `json:"direction,omitempty"`
	Events    bool       `json:"events,omitempty"` // telephone-event negotiated (early, answered, media)
	Info      bool       `json:"info,omitempty"`   // the peer allows INFO (answered, media, digits done by INFO)
	Serial    uint64     `json:"serial,omitempty"` // of the digits
	Digits    string     `json:"-"`                // never recorded
	Identity  Identity   `json:"identity,omitzero"`
	Number    Number     `json:"number,omitempty"`
	Up        bool       `json:"up,omitempty"`
}

// OfferKind says where a new leg comes from.
type OfferKind string

// Kinds of offer.
const (
	OfferLine   OfferKind = "line"   // an INVITE for an agent's line
	OfferDevice OfferKind = "device" // an INVITE from an agent's phone, with a dialled number
)

// Offer is a new leg that somebody else began. The glue chooses Leg with Switchboard.NewLegID before
// it hands the offer in, so that it can find the dialog when actions name the leg.
type Offer struct {
	Kind        OfferKind     `json:"kind"`
	Leg         LegID         `json:"leg"`
	Agent       AgentID       `json:"agent,omitempty"` // empty: the Directory is asked by Trunk+Line or Phone
	Trunk       string        `json:"trunk,omitempty"`
	Line        string        `json:"line,omitempty"`  // user part the INVITE was sent to
	Phone       string        `json:"phone,omitempty"` // authenticated user of a device
	From        Identity      `json:"from,omitzero"`
	To          Number        `json:"to,omitempty"` // device: the dialled number
	Queue       string        `json:"queue,omitempty"`
	Interaction InteractionID `json:"interaction,omitempty"` // from the configured header; empty: a new one
	Variables   []Variable    `json:"variables,omitempty"`
	Diversion   []Identity    `json:"diversion,omitempty"`
	Internal    bool          `json:"internal,omitempty"`
	Replaces    LegID         `json:"replaces,omitempty"` // RFC 3891: takes this leg's place
	Info        bool          `json:"info,omitempty"`     // the peer allows INFO
}
