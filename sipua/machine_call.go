package sipua

// The life of an INVITE dialog, both roles: RFC 3261 §9, §13–15, RFC 6026, RFC 3262 §3.
//
//	outgoing                                              incoming
//
//	Calling ──1xx──▶ Proceeding ──2xx──▶ Established      Incoming ──ring──▶ Ringing
//	   │hangup          │hangup               ▲              │answer           │answer
//	   ▼                ▼                     │              ├────────┬────────┤ (reliable 1xx with SDP unacknowledged)
//	CancelQueued ─1xx▶ Cancelling             │              ▼        ▼        │
//	   │2xx             │2xx: ACK, BYE        ├───ACK─── Answered ◀─ AnswerWaits
//	   ▼                ▼                     │              │hangup
//	  Ended ◀───────────┘                     │              ▼
//	                                          │         HangupOnAck ──ACK, 64*T1──▶ BYE, Ended
//	                                          └─BYE, hangup, gone, expired──▶ Ended
//
// Ended absorbs: late 2xx are acknowledged and closed, nothing else is said.

type callState uint8

const (
	stCalling      callState = iota + 1 // INVITE sent, nothing heard
	stCancelQueued                      // to be cancelled as soon as a 1xx comes: RFC 3261 §9.1
	stProceeding                        // 1xx heard
	stCancelling                        // CANCEL sent
	stIncoming                          // INVITE received, 100 sent
	stRinging                           // 18x sent
	stAnswerWaits                       // answer wanted, a reliable 1xx with SDP is unacknowledged: RFC 3262 §3
	stAnswered                          // 200 sent, no ACK yet
	stHangupOnAck                       // to be hung up, BYE not allowed before the ACK: RFC 3261 §15
	stEstablished
	stEnded
	stateCount
)

var callStateNames = [...]string{"", "calling", "cancel_queued", "proceeding", "cancelling", "incoming", "ringing", "answer_waits", "answered", "hangup_on_ack", "established", "ended"}

func (s callState) String() string { return callStateNames[s] }

type callInput uint8

const (
	inProvisional   callInput = iota + 1 // 101–199 to our INVITE
	inTrying                             // 100
	inSuccess                            // 2xx to our INVITE from the branch that counts, first or again
	inForkSuccess                        // 2xx from another branch
	inFailure                            // final 3xx–6xx
	inRetry                              // final answer after which the INVITE is sent again: 401, 407, 422, next target
	inTimeout                            // no final answer (64*T1), or the transport failed
	inCancelTimeout                      // 64*T1 after our CANCEL
	inNoAnswer                           // nobody answered in the time set
	inCancel
	inAck
	inAckUnusable // ACK without the answer we wait for, or with a bad one
	inBye
	inAckTimeout  // 64*T1 after our 200
	inGone        // 408 or 481 within the dialog: RFC 3261 §12.2.1.2
	inExpired     // session timer: RFC 4028 §10
	inMediaFailed // the peer's answer cannot be used
	inPracked     // every reliable provisional answer is acknowledged
	inPrackTimeout
	inReplaced // another dialog took our place: RFC 3891
	doRing
	doAnswer
	doAnswerLater // answer while a reliable 1xx with SDP is unacknowledged
	doReject
	doHangup
	inputCount
)

var callInputNames = [...]string{"", "1xx", "100", "2xx", "2xx_fork", "failure", "retry", "timeout", "cancel_timeout", "no_answer", "cancel", "ack", "ack_unusable", "bye",
	"ack_timeout", "gone", "expired", "media_failed", "pracked", "prack_timeout", "replaced", "ring", "answer", "answer_later", "reject", "hangup"}

func (i callInput) String() string { return callInputNames[i] }

type callAction uint8

const (
	actResendInvite callAction = iota + 1
	actEmitProvisional
	actAck
	actEstablish // take the answer, tell the handler
	actForkBye   // ACK then BYE on the other branch
	actCancel
	actArmCancel
	actDisarmCancel
	actBye
	actProvisional // 180 or 183
	actOK          // 200 to the INVITE, resent until the ACK
	actArmAck
	actDisarmAck
	actConfirm // ACK came: offers of our own are allowed
	actReject  // the final status asked for
	act487
	act504 // RFC 3262 §3: no PRACK
	actOKToBye
	actEmitRejected
	actEmitEnded
)

var callActionNames = [...]string{"", "resend_invite", "emit_provisional", "ack", "establish", "fork_ack_bye", "cancel", "arm_cancel", "disarm_cancel", "bye", "provisional", "ok",
	"arm_ack", "disarm_ack", "confirm", "reject", "487", "504", "ok_to_bye", "emit_rejected", "emit_ended"}

func (a callAction) String() string { return callActionNames[a] }

// nextCall is the whole machine: no clock, no I/O, no locks. ok is false when the input means nothing in this state; the
// state is then unchanged.
func nextCall(s callState, in callInput) (to callState, acts []callAction, ok bool) {
	switch s {
	case stCalling, stProceeding:
		return nextOutgoing(s, in)
	case stCancelQueued, stCancelling:
		return nextCancelled(s, in)
	case stIncoming, stRinging, stAnswerWaits:
		return nextIncoming(s, in)
	case stAnswered, stHangupOnAck:
		return nextAnswered(s, in)
	case stEstablished:
		return nextEstablished(in)
	case stEnded:
		return nextEnded(in)
	}
	return s, nil, false
}

func nextOutgoing(s callState, in callInput) (callState, []callAction, bool) {
	switch in {
	case inTrying:
		return stProceeding, nil, true
	case inProvisional:
		return stProceeding, []callAction{actEmitProvisional}, true
	case inSuccess:
		return stEstablished, []callAction{actAck, actEstablish}, true
	case inFailure, inTimeout:
		return stEnded, []callAction{actEmitRejected}, true
	case inRetry:
		return stCalling, []callAction{actResendInvite}, true
	case doHangup, inNoAnswer, inMediaFailed:
		if s == stCalling {
			return stCancelQueued, nil, true
		}
		return stCancelling, []callAction{actCancel, actArmCancel}, true
	case inBye: // a peer may not, but some do: RFC 3261 §15.1.2
		return s, []callAction{actOKToBye}, true
	}
	return s, nil, false
}

func nextCancelled(s callState, in callInput) (callState, []callAction, bool) {
	switch in {
	case inTrying, inProvisional:
		if s == stCancelQueued {
			return stCancelling, []callAction{actCancel, actArmCancel}, true
		}
		return s, nil, true
	case inSuccess: // crossed our CANCEL: the call exists and must be ended
		return stEnded, []callAction{actDisarmCancel, actAck, actBye, actEmitRejected}, true
	case inFailure, inRetry, inTimeout, inCancelTimeout:
		return stEnded, []callAction{actDisarmCancel, actEmitRejected}, true
	case inBye:
		return s, []callAction{actOKToBye}, true
	case doHangup, inNoAnswer, inMediaFailed:
		return s, nil, true
	}
	return s, nil, false
}

func nextIncoming(s callState, in callInput) (callState, []callAction, bool) {
	switch in {
	case doRing:
		if s == stAnswerWaits {
			return s, nil, true
		}
		return stRinging, []callAction{actProvisional}, true
	case doAnswer:
		return stAnswered, []callAction{actOK, actArmAck}, true
	case doAnswerLater:
		return stAnswerWaits, nil, true
	case inPracked:
		if s == stAnswerWaits {
			return stAnswered, []callAction{actOK, actArmAck}, true
		}
		return s, nil, true
	case inPrackTimeout:
		return stEnded, []callAction{act504, actEmitEnded}, true
	case doReject, doHangup, inNoAnswer, inMediaFailed, inReplaced:
		return stEnded, []callAction{actReject, actEmitEnded}, true
	case inCancel:
		return stEnded, []callAction{act487, actEmitEnded}, true
	case inBye: // RFC 3261 §15: the caller may end an early dialog so
		return stEnded, []callAction{actOKToBye, act487, actEmitEnded}, true
	}
	return s, nil, false
}

func nextAnswered(s callState, in callInput) (callState, []callAction, bool) {
	switch in {
	case inAck:
		if s == stHangupOnAck {
			return stEnded, []callAction{actDisarmAck, actBye, actEmitEnded}, true
		}
		return stEstablished, []callAction{actDisarmAck, actConfirm}, true
	case inAckUnusable, inAckTimeout:
		return stEnded, []callAction{actDisarmAck, actBye, actEmitEnded}, true
	case doHangup, doReject, inReplaced, inExpired:
		return stHangupOnAck, nil, true
	case inBye:
		return stEnded, []callAction{actDisarmAck, actOKToBye, actEmitEnded}, true
	case inGone:
		return stEnded, []callAction{actDisarmAck, actEmitEnded}, true
	case inCancel, inPracked, doAnswer, doAnswerLater, doRing: // no effect after a final answer: RFC 3261 §9.2
		return s, nil, true
	}
	return s, nil, false
}

func nextEstablished(in callInput) (callState, []callAction, bool) {
	switch in {
	case inSuccess: // resent: our ACK was lost
		return stEstablished, []callAction{actAck}, true
	case inForkSuccess:
		return stEstablished, []callAction{actForkBye}, true
	case inBye:
		return stEnded, []callAction{actOKToBye, actEmitEnded}, true
	case doHangup, doReject, inGone, inExpired, inMediaFailed, inReplaced:
		return stEnded, []callAction{actBye, actEmitEnded}, true
	case inAck, inCancel, inTrying, inProvisional, inFailure, inTimeout, inNoAnswer, doRing, doAnswer, doAnswerLater:
		return stEstablished, nil, true
	}
	return stEstablished, nil, false
}

func nextEnded(in callInput) (callState, []callAction, bool) {
	switch in {
	case inSuccess, inForkSuccess: // a leg that the peer believes in: close it
		return stEnded, []callAction{actForkBye}, true
	case inBye:
		return stEnded, []callAction{actOKToBye}, true
	}
	return stEnded, nil, true
}
