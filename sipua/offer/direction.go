package offer

import "strings"

// Direction is the direction of a stream as one side states it for itself (RFC 8866 §6.7).
type Direction uint8

// Directions. The zero value counts as SendRecv, as a description without the attribute does.
const (
	SendRecv Direction = iota + 1
	SendOnly
	RecvOnly
	Inactive
)

// DirectionOf returns the direction with these two abilities.
func DirectionOf(send, recv bool) Direction {
	switch {
	case send && recv:
		return SendRecv
	case send:
		return SendOnly
	case recv:
		return RecvOnly
	}
	return Inactive
}

// Send reports whether this side sends.
func (d Direction) Send() bool { return d == 0 || d == SendRecv || d == SendOnly }

// Recv reports whether this side receives.
func (d Direction) Recv() bool { return d == 0 || d == SendRecv || d == RecvOnly }

// Reverse returns the same stream seen from the other side.
func (d Direction) Reverse() Direction { return DirectionOf(d.Recv(), d.Send()) }

// And returns what both directions allow (RFC 3264 §6.1).
func (d Direction) And(o Direction) Direction {
	return DirectionOf(d.Send() && o.Send(), d.Recv() && o.Recv())
}

// String returns the attribute name: sendrecv, sendonly, recvonly, inactive.
func (d Direction) String() string {
	switch d {
	case 0, SendRecv:
		return "sendrecv"
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	}
	return "inactive"
}

func parseDirection(s string) (Direction, bool) {
	for d := SendRecv; d <= Inactive; d++ {
		if strings.EqualFold(s, d.String()) {
			return d, true
		}
	}
	return 0, false
}
