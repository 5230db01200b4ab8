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
)
