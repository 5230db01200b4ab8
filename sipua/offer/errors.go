package offer

import (
	"errors"
	"fmt"
)

// Errors of Answer, Accept and Parse. Each of them but ErrNoOffer is also an ErrNotAcceptable.
var (
	// ErrNotAcceptable is the parent of all faults of a peer's description: answer 488 (RFC 3261 §21.4.26).
	ErrNotAcceptable = errors.New("session description not acceptable")
	ErrTooLarge      = fmt.Errorf("%w: larger than %d bytes", ErrNotAcceptable, MaxBody)
	ErrTooManyLines  = fmt.Errorf("%w: more than %d lines", ErrNotAcceptable, MaxLines)
	ErrTooManyMedia  = fmt.Errorf("%w: more than %d media", ErrNotAcceptable, MaxMedia)
	ErrTooManyTypes  = fmt.Errorf("%w: more than %d payload types", ErrNotAcceptable, MaxTypes)
	ErrMalformed     = fmt.Errorf("%w: malformed", ErrNotAcceptable)
	ErrNoAudio       = fmt.Errorf("%w: no audio stream", ErrNotAcceptable)
	ErrNoCodec       = fmt.Errorf("%w: no codec in common", ErrNotAcceptable)
	ErrNoAddress     = fmt.Errorf("%w: no usable address", ErrNotAcceptable)
	ErrAddressFamily = fmt.Errorf("%w: other address family", ErrNotAcceptable)
	ErrSecureMedia   = fmt.Errorf("%w: secure RTP only", ErrNotAcceptable)
	ErrMediaMismatch = fmt.Errorf("%w: answer does not mirror the offer", ErrNotAcceptable)

	// ErrNoOffer says that Accept was called without an offer of ours.
	ErrNoOffer = errors.New("no offer to accept an answer for")
)

// Status maps an error of this package to the SIP status of the refusal: 488 for any fault of the peer's
// description, 500 for anything else, 0 for nil.
func Status(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNotAcceptable):
		return 488
	}
	return 500
}

// Warning returns the warn-code and text for the Warning header of a refusal (RFC 3261 §20.43).
func Warning(err error) (code int, text string) {
	switch {
	case errors.Is(err, ErrNoAudio):
		return 304, "Media type not available"
	case errors.Is(err, ErrNoCodec):
		return 305, "Incompatible media format"
	case errors.Is(err, ErrSecureMedia):
		return 302, "Incompatible transport protocol"
	case errors.Is(err, ErrAddressFamily), errors.Is(err, ErrNoAddress):
		return 301, "Incompatible network address formats"
	}
	return 399, "Session description not acceptable"
}
