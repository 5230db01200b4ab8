package sdk

import (
	"context"
	"encoding/json"
	"log/slog"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

// The words of the contract, so that an adapter imports one package.
type (
	Info    = adapter.Info    // Capabilities are filled in by Serve
	Contact = adapter.Contact // a CRM record
	Phone   = adapter.Phone   // one of its numbers
	Query   = adapter.Query   // who is this?
	Search  = adapter.Search  // who is called like this?
)

// Adapter is what every adapter has. Methods are called side by side but for those that say otherwise.
type Adapter interface {
	// Info tells what the adapter is. It is called before Configure, and must not fail.
	Info() Info
	// Configure gives the adapter its configuration and its surroundings, once in the process's life and
	// before anything else. An error ends the life: it says what is wrong with the configuration. What may
	// come by itself later, as a CRM that is away, is told in Health instead.
	Configure(ctx context.Context, s *Session) error
}

// Session is what an adapter works with.
type Session struct {
	Name    string          // in the daemon's configuration
	Config  json.RawMessage // what stands under config: there; {} when nothing does
	Control *control.Client // all verbs, snapshot, history; a callcontrol.Control
	Log     *slog.Logger    // arrives in the daemon's log with level and attributes
	Daemon  string          // the daemon's version
	// Acknowledged is the last event that this adapter had done with, in this or an earlier life; zero:
	// none ever.
	Acknowledged journal.Cursor
}

// Event is one event with its place in the journal.
type Event struct {
	Cursor journal.Cursor `json:"cursor"`
	callcontrol.Event
}

// Lookuper says who a number is: no contact, one, or several among which the agent picks. ctx ends with
// the wait for the answer; an answer after the first deadline (300 ms unless configured) still reaches
// the call.
type Lookuper interface {
	Lookup(ctx context.Context, q Query) ([]Contact, error)
}

// Searcher finds contacts by name or number, best first.
type Searcher interface {
	Search(ctx context.Context, s Search) ([]Contact, error)
}

// Listener takes events, one at a time and in order. Nil acknowledges the event: it never comes again.
// After an error the same event comes again, after a wait that grows from 100 ms to 30 s; nothing
// overtakes it. After a crash events go on behind the last acknowledged one, so that the one that was
// being worked at comes twice: the cursor is its idempotency key. ctx ends when the adapter stops.
type Listener interface {
	Event(ctx context.Context, e Event) error
}

// Batcher is for where each call costs a round trip. It takes events as Listener does, several at a time: those that are
// there already, in order, at most Batch. They are acknowledged, or come again, together. After a crash the same events may
// be cut into other lists.
type Batcher interface {
	Batch() int
	Events(ctx context.Context, list []Event) error
}

// Resyncer is told everything live where events are missing: before the first event ever (the gap then
// begins at the zero cursor), and where the journal no longer has what came after the adapter's cursor.
// Events go on after now.Cursor. Without it a gap is logged and passed over. An error is handled as
// Listener's.
type Resyncer interface {
	Gap(ctx context.Context, gap journal.Gap, now callcontrol.Snapshot) error
}

// Checker tells how the adapter is: an error means that it runs but cannot do all its work, and says
// what is missing. Without it an adapter is well while its events are taken.
type Checker interface {
	Health(ctx context.Context) error
}

// Stopper finishes what is begun. ctx ends with the grace. It is called once, after Configure and after the last Event returned.
type Stopper interface {
	Stop(ctx context.Context) error
}
