package callcontrol

// Cause says why a leg, call or transfer ended or was refused. It is the API's word; the SIP status
// of a cause, and the cause of a SIP status, are one table each.
type Cause string

// Causes.
const (
	CauseNormal        Cause = "normal"         // hung up by a party
	CauseCancelled     Cause = "cancelled"      // given up before the answer
	CauseBusy          Cause = "busy"           // 486, 600
	CauseNoAnswer      Cause = "no_answer"      // rang in vain
	CauseRejected      Cause = "rejected"       // declined by a person
	CauseBadNumber     Cause = "bad_number"     // no such number
	CauseUnavailable   Cause = "unavailable"    // not registered, paused, offline
	CauseForbidden     Cause = "forbidden"      // the trunk does not allow it
	CauseNotAcceptable Cause = "not_acceptable" // no common media
	CauseCongestion    Cause = "congestion"     // the trunk or the host is overloaded
	CauseFailure       Cause = "failure"        // any other failure of a peer
	CauseTimeout       Cause = "timeout"        // a peer did not react
	CauseMediaLost     Cause = "media_lost"     // no RTP for too long
	CauseDeviceLost    Cause = "device_lost"    // the agent's device went and did not come back
	CauseNoDevice      Cause = "no_device"      // the agent has no reachable device
	CauseDraining      Cause = "draining"       // the daemon takes no new calls
	CauseHoldLimit     Cause = "hold_limit"     // held longer than allowed
	CauseTransferred   Cause = "transferred"    // the leg or call went on elsewhere
	CauseReplaced      Cause = "replaced"       // another leg took its place
	CauseInternal      Cause = "internal"       // a fault of the daemon itself

	// CauseGatewayRestart ends what an earlier run of the daemon left alive: it was killed, or its host went down.
	CauseGatewayRestart Cause = "gateway_restart"
)

// causeOfStatus is the meaning of a final SIP failure (RFC 3261 §21, and the RFC that is named).
var causeOfStatus = map[int]Cause{
	400: CauseFailure, 401: CauseForbidden, 402: CauseForbidden, 403: CauseForbidden, 404: CauseBadNumber,
	405: CauseFailure, 406: CauseNotAcceptable, 407: CauseForbidden, 408: CauseTimeout, 410: CauseBadNumber,
	413: CauseFailure, 414: CauseBadNumber, 415: CauseNotAcceptable, 416: CauseBadNumber, 420: CauseFailure,
	421: CauseFailure, 422: CauseFailure, 423: CauseFailure, 480: CauseUnavailable, 481: CauseFailure,
	482: CauseFailure, 483: CauseFailure, 484: CauseBadNumber, 485: CauseBadNumber, 486: CauseBusy,
	487: CauseCancelled, 488: CauseNotAcceptable, 491: CauseFailure, 493: CauseNotAcceptable,
	500: CauseFailure, 501: CauseFailure, 502: CauseFailure, 503: CauseCongestion, 504: CauseTimeout,
	505: CauseFailure, 513: CauseFailure, 580: CauseCongestion, // 580: RFC 3312
	600: CauseBusy, 603: CauseRejected, 604: CauseBadNumber, 606: CauseNotAcceptable,
	607: CauseRejected, 608: CauseRejected, // 607: RFC 8197, 608: RFC 8688
}

// CauseOf is the cause of a final SIP failure; unknown ones are a failure, 6xx a rejection (RFC 3261
// §8.1.3.2).
func CauseOf(status int) Cause {
	if c, ok := causeOfStatus[status]; ok {
		return c
	}
	if status >= 600 && status <= 699 {
		return CauseRejected
	}
	return CauseFailure
}

// causeAfter refines CauseOf: what had been alerting and is unavailable or timed out was not answered.
func causeAfter(s LegState, status int) Cause {
	c := CauseOf(status)
	if s == LegAlerting && (c == CauseUnavailable || c == CauseTimeout || c == CauseCancelled) {
		return CauseNoAnswer
	}
	return c
}

// statusOfCause is the final response that refuses an offered leg.
var statusOfCause = map[Cause]int{
	CauseNormal: 480, CauseCancelled: 487, CauseBusy: 486, CauseNoAnswer: 480, CauseRejected: 603, CauseBadNumber: 404,
	CauseUnavailable: 480, CauseForbidden: 403, CauseNotAcceptable: 488, CauseCongestion: 503, CauseFailure: 500,
	CauseTimeout: 408, CauseMediaLost: 480, CauseDeviceLost: 480, CauseNoDevice: 480, CauseDraining: 503,
	CauseHoldLimit: 480, CauseTransferred: 480, CauseReplaced: 480, CauseInternal: 500,
	CauseGatewayRestart: 480,
}

// StatusOf is the SIP status with which an offered leg is rejected for a cause.
func StatusOf(c Cause) int {
	if s, ok := statusOfCause[c]; ok {
		return s
	}
	return 480
}

// q850OfCause is for the Reason header of a BYE or CANCEL (RFC 3326, ITU-T Q.850).
var q850OfCause = map[Cause]int{
	CauseNormal: 16, CauseCancelled: 16, CauseBusy: 17, CauseNoAnswer: 19, CauseRejected: 21, CauseBadNumber: 1,
	CauseUnavailable: 20, CauseForbidden: 21, CauseNotAcceptable: 88, CauseCongestion: 42, CauseFailure: 41,
	CauseTimeout: 102, CauseMediaLost: 27, CauseDeviceLost: 27, CauseNoDevice: 20, CauseDraining: 41,
	CauseHoldLimit: 102, CauseTransferred: 16, CauseReplaced: 16, CauseInternal: 41,
	CauseGatewayRestart: 41,
}

// Q850Of is the Q.850 cause value of a cause.
func Q850Of(c Cause) int {
	if v, ok := q850OfCause[c]; ok {
		return v
	}
	return 31 // normal, unspecified
}
