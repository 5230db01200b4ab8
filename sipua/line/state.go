package line

import (
	"time"

	"cordboard/sipua/resolve"
)

// Phase is where a line's machine stands.
type Phase uint8

// The phases; the chart is in machine.go.
const (
	Idle Phase = iota + 1
	Registering
	Registered
	Refreshing // registered, a REGISTER is under way
	BackingOff
	Parked // refused for good: retried slowly
	Unregistering
	Gone // the end state
)

// String gives the phase in the words of logs and API.
func (p Phase) String() string {
	switch p {
	case Idle:
		return "idle"
	case Registering:
		return "registering"
	case Registered:
		return "registered"
	case Refreshing:
		return "refreshing"
	case BackingOff:
		return "backing_off"
	case Parked:
		return "parked"
	case Unregistering:
		return "unregistering"
	case Gone:
		return "gone"
	}
	return "unknown"
}

// State is what is known of one line.
type State struct {
	Line, Trunk  string
	Phase        Phase
	Registered   bool      // a binding granted by the registrar has not run out
	Reason       string    // of the last failure; "" after a success
	Status       int       // of the last failure, 0 for none or when nothing answered
	Failures     int       // rounds failed in a row
	Since        time.Time // phase entered
	Until        time.Time // binding runs out; zero when there is none
	Next         time.Time // next attempt or refresh; zero when one is under way
	Target       resolve.Target
	ServiceRoute []string // of the last 200, one URI each, in order (RFC 3608)
	Path         []string // of the last 200 (RFC 3327), for information
}
