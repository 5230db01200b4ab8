package rtp

import (
	"context"
	"net/netip"
)

// Stream is the media of one leg: a port pair, one sender and one receiver. Its methods are safe from any goroutine but
// Stats and Close must not be called from within [Engine.Do]'s f (they wait for the loop).
type Stream struct{}

// Local is the address for RTP; RTCP is on the port above.
func (s *Stream) Local() netip.AddrPort { return netip.AddrPort{} }

// SSRC of the sender (changes only on a collision).
func (s *Stream) SSRC() uint32 { return 0 }

// Update sets the negotiated parameters. It is asynchronous and in order; nothing is reset unless address, port or codec
// changed.
func (s *Stream) Update(p Params) {}

// Digits queues telephone-events. It returns at once; ctx bounds only the queueing. Completion is EventDigitsDone.
// Errors: ErrNoTelephoneEvent, ErrNotSending, ErrBadDigit, ErrTooManyDigits, ErrClosed.
func (s *Stream) Digits(ctx context.Context, digits []Digit) error { return ErrClosed }

// Stats gives the figures up to now.
func (s *Stream) Stats() Stats { return Stats{} }

// Close says BYE, closes both sockets and puts the port pair into quarantine. It is idempotent and returns the final
// figures.
func (s *Stream) Close() Stats { return Stats{} }
