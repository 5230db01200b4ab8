// Package journal is the log of events: ordered, bounded, read from a cursor. What was trimmed away is
// told to a reader as an explicit gap, never left out silently. A Log is one of a Store, or of this process
// only (Memory).
package journal

import (
	"context"
	"errors"
)

// Cursor is a place in the log. Seq counts from 1 within an epoch; an epoch is one life of the log.
// The zero Cursor means the beginning of what is kept.
type Cursor struct {
	Epoch string `json:"epoch,omitempty"`
	Seq   uint64 `json:"seq"`
}

// Gap says that entries were lost to the reader. It is answered by taking a snapshot.
type Gap struct {
	From Cursor `json:"from"` // the cursor that was asked for
	To   Cursor `json:"to"`   // the last entry that is not available; reading goes on after it
}

// Entry is one event, or a gap.
type Entry[E any] struct {
	Cursor Cursor `json:"cursor"`
	Event  E      `json:"event"`
	Gap    *Gap   `json:"gap,omitempty"` // when set, Event is empty
}

// ErrClosed is returned once a closed log is read to its end, and by Append after Close.
var ErrClosed = errors.New("journal closed")

// Subscription reads entries in order. It is not safe for concurrent use. It needs no closing.
type Subscription[E any] interface {
	// Next waits for the entry after the last one. Errors: ctx.Err(), ErrClosed.
	Next(ctx context.Context) (Entry[E], error)
}
