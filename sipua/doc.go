// Package sipua is all of SIP: listening, dialogs, offer/answer, lines registered at trunks and the registrar of the
// agents' phones. It is the only package that knows sipgo, whose parser, messages and transports it uses; nothing of
// sipgo is seen outside.
//
// A Stack owns the sockets. Each Dialog has one goroutine that applies a pure state machine to what the wire, the
// caller and the clock say, in the order in which it was said. Methods never block; outcomes come back as DialogEvents,
// in order, on the dialog's goroutine.
package sipua
