package rtp

import (
	"errors"
	"fmt"
)

// Errors on which a caller may branch.
var (
	// ErrNoPorts says that no port pair is left; the clean answer is a 503. The error that wraps it is a [*PortsError].
	ErrNoPorts = errors.New("no RTP port pair left")
	// ErrStopped says that the engine is stopping or has stopped.
	ErrStopped = errors.New("media engine stopped")
	// ErrClosed says that the stream is closed.
	ErrClosed = errors.New("stream closed")
	// ErrNoTelephoneEvent says that the peer did not negotiate telephone-event (RFC 4733).
	ErrNoTelephoneEvent = errors.New("telephone-event not negotiated")
	// ErrNotSending says that the negotiated direction does not let us send.
	ErrNotSending = errors.New("direction does not allow sending")
	// ErrBadDigit says that a digit is not one of 0-9*#A-D or ',' or that a duration is out of range.
	ErrBadDigit = errors.New("bad digit")
	// ErrTooManyDigits says that the digit queue of the stream would exceed its bound.
	ErrTooManyDigits = errors.New("too many digits queued")
	// ErrConfig says that a configuration value is not usable.
	ErrConfig = errors.New("bad rtp configuration")
	// ErrBadSlot says that a slot or board given to Open cannot be used.
	ErrBadSlot = errors.New("bad board slot")
)

// PortsError tells why no port pair could be had. It wraps [ErrNoPorts].
type PortsError struct {
	Usage Usage
	Cause error // last bind error, nil when simply none was free
}

func (e *PortsError) Error() string {
	msg := fmt.Sprintf("%v (%d of %d in use, %d resting)", ErrNoPorts, e.Usage.Used, e.Usage.Total, e.Usage.Resting)
	if e.Cause != nil {
		msg += ": " + e.Cause.Error()
	}
	return msg
}

func (e *PortsError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrNoPorts}
	}
	return []error{ErrNoPorts, e.Cause}
}
