package sipua

import (
	"time"

	"cordboard/sipua/offer"
)

// DialogEvent is what a dialog tells its handler. It is one of Ringing, Early, Answered, Media, ReofferFailed, Rejected,
// Ended, Info, InfoAccepted, InfoFailed, ReferRequested, ReferProgress, IdentityChanged. Rejected and Ended are last: nothing follows them, and
// every dialog ends with exactly one of the two.
type DialogEvent interface{ dialogEvent() }

// Ringing reports a provisional answer without media: 180, 181, 182 or 183.
type Ringing struct{ Status int }

// Early reports early media: of the peer (outgoing), or agreed by Ring with an offer (incoming). It may come again, with
// other media, when the call is forked: the newest counts.
type Early struct {
	Status int
	Media  offer.Negotiated
}

// Answered reports that the call is answered and media agreed. For an incoming call it follows Answer; for an incoming
// call without an offer it follows the ACK that carries the peer's answer.
type Answered struct{ Media offer.Negotiated }

// Media reports any later change of media, for instance the peer's hold (Media.Direction).
type Media struct {
	Media  offer.Negotiated
	ByPeer bool
}

// ReofferFailed reports that the peer refused a Reoffer. The old session stays. Status 0: no answer.
type ReofferFailed struct{ Status int }

// Rejected ends an outgoing dialog that was never answered.
type Rejected struct {
	Status     int // final SIP status; 0: no route or transport failure; 408 no answer at all; 487 cancelled by us
	Reason     string
	RetryAfter time.Duration
	Headers    []Header // Reason, Warning, Retry-After, Error-Info as they came
}

// Ended ends any other dialog.
type Ended struct {
	ByPeer bool
	Cause  Cause
	Reason string // text of the peer's Reason header or of our cause
}

// Cause is why a dialog ended.
type Cause uint8

// Causes of an end.
const (
	CauseHangup         Cause = iota + 1 // BYE by either side
	CauseCancelled                       // the caller cancelled before the answer
	CauseRejected                        // we rejected the incoming call
	CauseAckTimeout                      // no ACK within 64*T1: RFC 3261 §13.3.1.4
	CauseSessionExpired                  // no session refresh: RFC 4028
	CauseGone                            // the peer does not know the dialog: 408 or 481 within it
	CauseNoMedia                         // offer and answer did not come together
	CauseReplaced                        // taken over by another dialog: RFC 3891
	CauseTransport                       // the peer cannot be reached
	CauseShutdown                        // the stack stops
)

var causeNames = [...]string{"", "hangup", "cancelled", "rejected", "ack_timeout", "session_expired", "gone", "no_media", "replaced", "transport", "shutdown"}

// String returns the cause in snake case, as it is logged.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown"
}

// Info reports a SIP INFO. For the DTMF types Digit and Duration are set, and Body is empty.
type Info struct {
	ContentType string
	Body        []byte
	Digit       rune // '0'…'9', '*', '#', 'A'…'D', or 0: not DTMF
	Duration    time.Duration
}

// InfoAccepted reports that the peer took a Digit.
type InfoAccepted struct{}

// InfoFailed reports that the peer refused a Digit with Status; 0: it was not sent, the call is not answered. Never: the
// peer has said that it takes none in this call (405, 501, or 415 to both forms), and no more are sent.
type InfoFailed struct {
	Status int
	Never  bool
}

// ReferRequested reports a REFER of the peer on a trunk that allows it. Exactly one of Accept and Reject is called, then
// Notify with each status of the new call until a final one: RFC 3515.
type ReferRequested struct {
	Target   URI
	Replaces *DialogID
	Accept   func()
	Reject   func(status int)
	Notify   func(status int)
}

// ReferProgress reports how our REFER fares. Status is of the REFER itself (≥ 300: refused, Final) or of the new call.
type ReferProgress struct {
	Status int
	Final  bool
}

// IdentityChanged reports a new connected identity asserted by the peer.
type IdentityChanged struct{ Identity Identity }

func (Ringing) dialogEvent()         {}
func (Early) dialogEvent()           {}
func (Answered) dialogEvent()        {}
func (Media) dialogEvent()           {}
func (ReofferFailed) dialogEvent()   {}
func (Rejected) dialogEvent()        {}
func (Ended) dialogEvent()           {}
func (Info) dialogEvent()            {}
func (InfoAccepted) dialogEvent()    {}
func (InfoFailed) dialogEvent()      {}
func (ReferRequested) dialogEvent()  {}
func (ReferProgress) dialogEvent()   {}
func (IdentityChanged) dialogEvent() {}
