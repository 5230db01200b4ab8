package edge

// Action is what to do with a message.
type Action uint8

// Actions.
const (
	Accept Action = iota + 1 // hand it to the parser
	Answer                   // a request that a known peer deserves an error status for
	Drop                     // say nothing: responses, ACK, no SIP at all, or too broken to answer
)

// String returns the name of the action.
func (a Action) String() string {
	switch a {
	case Accept:
		return "accept"
	case Answer:
		return "answer"
	case Drop:
		return "drop"
	}
	return "none"
}

// Verdict is the outcome of Validate.
type Verdict struct {
	Action Action
	Reason Reason // ReasonNone if accepted
	Status int    // SIP status to answer with if Action is Answer: 400, 416, 505, 513; otherwise 0
	Size   int    // bytes of an accepted message; what follows in a datagram is to be ignored (RFC 3261 §18.3)
}

// status is the SIP status of a fault in a request.
func (r Reason) status() int {
	switch r {
	case ReasonVersion:
		return 505
	case ReasonScheme:
		return 416
	case ReasonTooLarge:
		return 513
	case ReasonNotSIP, ReasonEmpty, ReasonKeepAlive, ReasonSTUN, ReasonStranger, ReasonRate:
		return 0
	}
	return 400
}
