package edge

// Action is what to do with a message.
type Action uint8

// Actions.
const (
	Accept Action = iota + 1 // hand it to the parser
	Answer                   // a request that a known peer deserves an error status for
	Drop                     // say nothing: responses, ACK, no SIP at all, or too broken to answer
)

// Verdict is the outcome of Validate.
type Verdict struct {
	Action Action
	Reason Reason // ReasonNone if accepted
	Status int    // SIP status to answer with if Action is Answer: 400, 416, 505, 513
	Size   int    // bytes of the message; the rest of a datagram is to be ignored (RFC 3261 §18.3)
}

// Reason names why a message was not accepted. Its String is a metric label.
type Reason uint8

// Stats are the counters of a Filter.
type Stats struct {
	Accepted uint64
}
