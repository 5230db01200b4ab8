package callcontrol

import (
	"context"

	"cordboard/journal"
)

// Control is what adapters and the command line may ask of a switchboard. *Switchboard is one:
//
//	New(cfg Config, deps Deps) (*Switchboard, error)
//	Run(ctx) error                      // returns when every goroutine has ended
//	NewLegID() LegID                    // for the glue, before Incoming
//	Incoming(Offer)                     // a new leg from a line or a device; never waits
//	Signal(AgentID, Signal)             // an outcome from SIP or media; never waits
//	Drain(ctx) error                    // no new calls; returns when the last leg has ended
//	Release(ctx) error                  // hangs up every call, returns when the last leg has ended
type Control interface {
	// Do carries out a command and returns when its result is in force (a hold: when the customer
	// hears music). The error is a *Refusal, or ctx.Err() wrapped in a Refusal with CodeTimeout.
	Do(ctx context.Context, c Command) (Result, error)
	// Snapshot is everything live with the cursor it is true at.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Subscribe reads events after a cursor; the zero cursor means all that is kept.
	Subscribe(from journal.Cursor) journal.Subscription[Event]
}
