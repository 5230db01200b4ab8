package edge

// Reason names why something was not accepted. Its String is a metric label.
type Reason uint8

// Reasons. The first group needs no parsing, the second is about framing, the third about the message, the fourth about
// connections.
const (
	ReasonNone      Reason = iota
	ReasonEmpty            // no bytes
	ReasonKeepAlive        // CRLF or NUL only: a keep-alive, not a message
	ReasonSTUN             // STUN (RFC 5626 §4.4.2); nothing here answers it
	ReasonStranger         // source not allowed to send this
	ReasonRate             // source or all sources above their rate
	ReasonNotSIP           // no SIP start line

	ReasonTooLarge       // message, headers or number of header lines over the limit
	ReasonLength         // Content-Length above the bytes that came
	ReasonBadLength      // Content-Length no number, or several
	ReasonNoLength       // no Content-Length on a stream (RFC 3261 §18.3)
	ReasonUnterminated   // no empty line after the headers
	ReasonLineEnd        // CR or LF alone
	ReasonControl        // NUL or another control character outside a quoted pair
	ReasonStartLine      // spaces, method or status against the grammar
	ReasonVersion        // SIP version other than 2.0
	ReasonURI            // Request-URI against the grammar or with headers
	ReasonScheme         // Request-URI scheme that nobody here knows
	ReasonHeaderName     // line without a valid header name
	ReasonRepeated       // header that may come once came twice
	ReasonMissing        // To, From, Call-ID, CSeq or Via is missing
	ReasonVia            // Via against the grammar, branch without a value, or several in a response
	ReasonCSeq           // CSeq number or method against the grammar
	ReasonMethodMismatch // CSeq method is not the request's
	ReasonNumber         // Max-Forwards or Expires out of range
	ReasonAddress        // To, From or Contact against the grammar
	ReasonCallID         // Call-ID empty or of several words

	ReasonIdle     // connection silent too long, or a message not finished in time
	ReasonConns    // too many connections in all
	ReasonPerConns // too many connections of one source
	ReasonSocket   // transient error of the socket
	reasonCount
)

var reasonNames = [reasonCount]string{
	"none", "empty", "keep_alive", "stun", "stranger", "rate", "not_sip",
	"too_large", "length", "bad_length", "no_length", "unterminated", "line_end", "control", "start_line", "version",
	"uri", "scheme", "header_name", "repeated_header", "missing_header", "via", "cseq", "method_mismatch", "number",
	"address", "call_id",
	"idle", "connections", "connections_per_source", "socket",
}

// String returns the metric label: one snake_case word or more.
func (r Reason) String() string {
	if r < reasonCount {
		return reasonNames[r]
	}
	return "unknown"
}

// Reasons returns all reasons, for metrics that must exist before they count.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := ReasonEmpty; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}
