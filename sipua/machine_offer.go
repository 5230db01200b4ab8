package sipua

// Offer and answer after the first exchange: RFC 3261 §14, RFC 3311 §5, RFC 3264 §4.
//
//	Opening ──first exchange done──▶ Settled ──ACK──▶ Stable ──want──▶ Sent ──2xx──▶ Stable
//	                                                    ▲ │              │491
//	                            ACK with answer         │ │ re-INVITE    ▼
//	                       RemotePending ───────────────┘ │ w/o offer  RetryWait ──timer──▶ Sent
//	                             ▲────────────────────────┘
//
// A wish that comes while no offer may be sent is remembered (one: the newest wanted state) and sent when it may be.

type offerState uint8

const (
	osOpening       offerState = iota + 1 // the INVITE's own exchange is not complete
	osSettled                             // it is complete, the dialog not yet confirmed: only the peer may offer (UPDATE)
	osStable                              // either side may offer
	osSent                                // our offer is out
	osRetryWait                           // our offer met glare: waiting to send it again
	osRemotePending                       // we offered in a 2xx to a re-INVITE without SDP, the ACK brings the answer
	offerStateCount
)

var offerStateNames = [...]string{"", "opening", "settled", "stable", "sent", "retry_wait", "remote_pending"}

func (s offerState) String() string { return offerStateNames[s] }

type offerInput uint8

const (
	oiSettled     offerInput = iota + 1 // the INVITE's exchange is complete
	oiConfirmed                         // and acknowledged
	oiWant                              // we want another session
	oiOK                                // 2xx to our offer
	oiGlare                             // 491, or 500 with Retry-After
	oiRefused                           // other failure of the offer alone
	oiRetry                             // the wait after glare is over
	oiPeerOffer                         // re-INVITE or UPDATE with an offer
	oiPeerRequest                       // re-INVITE without an offer
	oiAnswer                            // ACK with the answer to our offer in a 2xx
	oiNoAnswer                          // ACK without, or no ACK
	offerInputCount
)

var offerInputNames = [...]string{"", "settled", "confirmed", "want", "ok", "glare", "refused", "retry", "peer_offer", "peer_request", "answer", "no_answer"}

func (i offerInput) String() string { return offerInputNames[i] }

type offerAction uint8

const (
	oaSend       offerAction = iota + 1 // send our wanted state
	oaTake                              // take the answer that came
	oaRollback                          // our offer is void
	oaArmRetry                          // 2.1–4.0 s if the Call-ID is ours, else 0–2.0 s
	oaAnswer                            // answer the peer's offer
	oaOfferInOK                         // put our offer into the 200
	oaRefuse491                         // RFC 3261 §14.2
	oaRefuse500                         // with Retry-After 0–10 s
	oaEmitFailed                        // tell the handler
)

var offerActionNames = [...]string{"", "send", "take", "rollback", "arm_retry", "answer", "offer_in_ok", "refuse_491", "refuse_500", "emit_failed"}

func (a offerAction) String() string { return offerActionNames[a] }

// offerMachine is the state with the one remembered wish.
type offerMachine struct {
	state  offerState
	wanted bool
}

// next is the whole machine. The receiver is a value: nothing is changed in place.
func (m offerMachine) next(in offerInput) (offerMachine, []offerAction) {
	switch in {
	case oiWant:
		if m.state == osStable {
			return offerMachine{state: osSent}, []offerAction{oaSend}
		}
		m.wanted = true
		return m, nil
	case oiSettled:
		if m.state == osOpening {
			m.state = osSettled
		}
		return m, nil
	case oiConfirmed:
		if m.state == osOpening || m.state == osSettled {
			return m.free(nil)
		}
		return m, nil
	case oiOK, oiGlare, oiRefused:
		return m.answered(in)
	case oiRetry:
		if m.state == osRetryWait {
			return offerMachine{state: osSent}, []offerAction{oaSend}
		}
		return m, nil
	case oiPeerOffer, oiPeerRequest:
		return m.peer(in)
	case oiAnswer, oiNoAnswer:
		if m.state != osRemotePending {
			return m, nil
		}
		if in == oiAnswer {
			return m.free([]offerAction{oaTake})
		}
		return m.free([]offerAction{oaRollback})
	}
	return m, nil
}

// free goes to Stable, and on to Sent when something is wanted.
func (m offerMachine) free(acts []offerAction) (offerMachine, []offerAction) {
	if m.wanted {
		return offerMachine{state: osSent}, append(acts, oaSend)
	}
	return offerMachine{state: osStable}, acts
}

func (m offerMachine) answered(in offerInput) (offerMachine, []offerAction) {
	if m.state != osSent {
		return m, nil
	}
	switch in {
	case oiOK:
		return m.free([]offerAction{oaTake})
	case oiGlare:
		return offerMachine{state: osRetryWait}, []offerAction{oaRollback, oaArmRetry}
	default:
		return m.free([]offerAction{oaRollback, oaEmitFailed})
	}
}

func (m offerMachine) peer(in offerInput) (offerMachine, []offerAction) {
	switch m.state {
	case osOpening, osRemotePending:
		return m, []offerAction{oaRefuse500}
	case osSent:
		return m, []offerAction{oaRefuse491}
	}
	if in == oiPeerOffer {
		return m, []offerAction{oaAnswer}
	}
	if m.state == osRetryWait { // our own wish waits: it is sent after the ACK
		m.wanted = true
	}
	m.state = osRemotePending
	return m, []offerAction{oaOfferInOK}
}
