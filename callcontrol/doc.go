// Package callcontrol is the core of the switchboard: one desk per agent, each a pure state machine
//
//	next(desk, input) (desk, []Action, error)
//
// without clock, I/O, locks or randomness, and the Switchboard, whose one goroutine per desk applies
// it. Inputs are commands (from adapters and the command line), signals (from SIP and media), offers
// (new legs from a line or a device) and timer expiries. Actions are data: invite, answer, set the
// patch, start a timer, publish an event.
//
// The package defines the small interfaces it needs (Telephony, Media, Journal, Directory) and is
// tested without a socket.
package callcontrol
