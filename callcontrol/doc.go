// Package callcontrol is the core of the switchboard: one desk per agent, each a pure state machine
//
//	next(desk, input) (desk, []Action, error)
//
// without clock, I/O, locks or randomness, and the Switchboard, which applies it in one goroutine
// per desk that has something to do. Inputs are commands (from adapters and the command line), signals (from SIP and media), offers
// (new legs from a line or a device) and timer expiries. Actions are data: invite, answer, set the
// patch, start a timer, publish an event.
//
// The package defines the small interfaces it needs (Telephony, Media, Journal, Directory) and is
// tested without a socket.
package callcontrol
