package line

import (
	"context"
	"log/slog"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// Deps are what a Manager works with.
type Deps struct {
	Log     *slog.Logger // required
	Sender  Sender       // required
	Targets Targets      // required
	// OnState is told every change of phase, of the binding and of the reason,
	// in order per line, on the manager's goroutine: it must not block.
	OnState func(State)
	// InFlight bounds REGISTER transactions under way, over all trunks; default 512.
	InFlight int
	// StopTimeout bounds unregistering at the end of Run; default 10 s.
	StopTimeout time.Duration
	// Float gives random numbers in [0,1); default math/rand/v2.
	Float func() float64
}

// API is the shape of a Manager, for those who only use it.
type API interface {
	Run(ctx context.Context) error
	// Update takes a new configuration, all or nothing. Unchanged lines send
	// nothing; removed ones unregister; a changed password keeps Call-ID and CSeq.
	Update(c Config) error
	// Snapshot gives all lines, sorted by id.
	Snapshot() []State
	// State gives one line.
	State(id string) (State, bool)
	// Retry makes a line that waits try now (paced).
	Retry(id string)
	// FlowLost tells that a connection ended: the lines on it register again.
	FlowLost(trunk string, t resolve.Target)
	// Credentials gives the digest client of a line, shared with its calls.
	Credentials(id string) (*digest.Client, bool)
}
