package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

const (
	livingEvery = 1024            // events, at most, that the next run has to read again to know what was alive
	livingLimit = 2 * time.Second // for the last events at a stop
)

// livingRow is one call or transfer that is alive, or neither: then everything up to At is in the table.
type livingRow struct {
	At       journal.Cursor            `json:"at"`
	Call     *callcontrol.CallView     `json:"call,omitempty"`
	Transfer *callcontrol.TransferView `json:"transfer,omitempty"`
}

// living keeps in a table what is alive by the stored events, so that the next run can tell its end if this one is killed. It
// reads the journal as any other reader does: what is in the table is in the journal, and what is missing in the table comes
// after the newest cursor in it.
type living struct {
	events *journal.Log[callcontrol.Event]
	table  *journal.Table[livingRow]
	live   callcontrol.Live
	at     journal.Cursor // of the newest event in live
	noted  journal.Cursor // of the newest one that the table tells of
}

// openLiving reads what was alive when the last run ended.
func openLiving(ctx context.Context, store *journal.Store, events *journal.Log[callcontrol.Event]) (*living, error) {
	table, err := journal.OpenTable[livingRow](ctx, store, "living", 0)
	if err != nil {
		return nil, err
	}
	l := &living{events: events, table: table}
	known := false
	for _, row := range table.All() {
		l.put(row)
		if !known || row.At.Seq > l.at.Seq {
			known, l.at = true, row.At
		}
	}
	if !known { // the first run: nothing was alive before
		l.at = events.Last()
		l.note()
		return l, nil
	}
	l.noted = l.at
	return l, l.catchUp(ctx)
}

// catchUp takes the events that were stored after the table was last written.
func (l *living) catchUp(ctx context.Context) error {
	last := l.events.Last()
	if last.Seq == 0 { // the journal was begun anew
		l.at = last
	}
	sub := l.events.Subscribe(l.at)
	for l.at.Epoch != last.Epoch || l.at.Seq < last.Seq {
		e, err := sub.Next(ctx)
		if err != nil {
			return fmt.Errorf("journal: read the last events: %w", err)
		}
		if e.Gap != nil {
			l.at = e.Gap.To
			continue
		}
		l.take(&e)
	}
	return nil
}

// follow takes the events of this run until ctx ends.
func (l *living) follow(ctx context.Context) error {
	if l == nil {
		return nil
	}
	sub := l.events.Subscribe(l.at)
	for {
		e, err := sub.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, journal.ErrClosed):
			return nil
		case err != nil:
			return err
		case e.Gap != nil:
			l.at = e.Gap.To
			continue
		}
		l.take(&e)
	}
}

// settle takes what follow had no time for.
func (l *living) settle() {
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), livingLimit)
	defer cancel()
	_ = l.catchUp(ctx) // or the next run does
}

// take applies one event and writes down what it changed.
func (l *living) take(e *journal.Entry[callcontrol.Event]) {
	l.at = e.Cursor
	l.live.Apply(&e.Event)
	if t := e.Event.Transfer; t != nil {
		if _, ok := l.live.Transfers[t.ID]; ok {
			l.write(string(t.ID), livingRow{At: l.at, Transfer: t})
		} else {
			l.table.Delete(string(t.ID))
		}
	}
	switch c := e.Event.Call; {
	case e.Event.Kind == callcontrol.EventCallEnded:
		l.table.Delete(string(e.Event.CallID))
	case c != nil:
		l.write(string(c.ID), livingRow{At: l.at, Call: c})
	}
	if l.at.Epoch != l.noted.Epoch || l.at.Seq-l.noted.Seq >= livingEvery {
		l.note()
	}
}

func (l *living) write(key string, row livingRow) {
	l.table.Put(key, row)
	l.noted = row.At
}

// note writes how far the table is. Rows are written in order, so what was deleted before is deleted.
func (l *living) note() { l.write("at", livingRow{At: l.at}) }

// pending is how many changes wait to be stored.
func (l *living) pending() int {
	if l == nil {
		return 0
	}
	return l.table.Pending()
}

// put takes a row back.
func (l *living) put(row livingRow) {
	switch {
	case row.Call != nil:
		l.live.Apply(&callcontrol.Event{Kind: callcontrol.EventCallChanged, Call: row.Call})
	case row.Transfer != nil:
		l.live.Apply(&callcontrol.Event{Kind: callcontrol.EventTransferChanged, Transfer: row.Transfer})
	}
}

const (
	inheritRoom  = durableRing / 2      // events that may wait for the disk while the ends are told
	inheritPause = 5 * time.Millisecond // between two looks at that
	inheritLimit = 10 * time.Second     // for all of it: a disk that stands still must not keep the daemon from its work
)

// inherit tells the end of what the last run left alive.
func (d *Daemon) inherit(ctx context.Context) error {
	if d.living == nil {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, inheritLimit)
	defer cancel()
	left := d.living.live
	d.orphanCalls = len(left.Calls)
	err := d.board.Inherit(ctx, left, func() {
		for d.events.Status().Pending > inheritRoom && limit.Err() == nil {
			<-time.After(inheritPause)
		}
	})
	d.metrics.orphanCalls.Add(float64(len(left.Calls)))
	return err
}
