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
	closedMost  = 4096            // records that are kept here until the history has stored them
)

// livingRow is one call or transfer that is alive, or a call that has ended and is not in the history yet; or none of it: then
// everything up to At is in the table.
type livingRow struct {
	At       journal.Cursor             `json:"at"`
	Call     *callcontrol.CallView      `json:"call,omitempty"`
	Progress *callcontrol.Progress      `json:"progress,omitempty"` // of Call
	Transfer *callcontrol.TransferView  `json:"transfer,omitempty"`
	Closed   *callcontrol.HistoryRecord `json:"closed,omitempty"`
}

// living keeps in a table what is alive by the stored events, so that the next run can tell its end if this one is killed. It
// reads the journal as any other reader does: what is in the table is in the journal, and what is missing in the table comes
// after the newest cursor in it. A call that ends leaves its record in the table until the history has it.
type living struct {
	events  *journal.Log[callcontrol.Event]
	table   *journal.Table[livingRow]
	history *history
	live    callcontrol.Live
	calls   callcontrol.History
	at      journal.Cursor               // of the newest event in live
	noted   journal.Cursor               // of the newest one that the table tells of
	closed  []*callcontrol.HistoryRecord // not handed to the history yet
	handed  []handed
}

// handed is a record that the history has, and will have stored as the seq-th.
type handed struct {
	key string
	seq uint64
}

// openLiving reads what was alive when the last run ended.
func openLiving(ctx context.Context, store *journal.Store, events *journal.Log[callcontrol.Event], h *history) (*living, error) {
	table, err := journal.OpenTable[livingRow](ctx, store, "living", 0)
	if err != nil {
		return nil, err
	}
	l := &living{events: events, table: table, history: h}
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

// follow takes the events of this run until ctx ends. Where some are lost, snapshot tells what is alive.
func (l *living) follow(ctx context.Context, snapshot func(context.Context) (callcontrol.Snapshot, error)) error {
	if err := l.history.load(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, journal.ErrClosed) {
		return fmt.Errorf("journal: read the history: %w", err)
	}
	sub := l.events.Subscribe(l.at)
	for {
		l.hand()
		e, err := sub.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, journal.ErrClosed):
			return nil
		case err != nil:
			return err
		case e.Gap != nil:
			l.at = e.Gap.To
			if now, err := snapshot(ctx); err == nil {
				l.resync(now)
				sub = l.events.Subscribe(l.at)
			}
			continue
		}
		l.take(&e)
	}
}

// settle takes what follow had no time for.
func (l *living) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), livingLimit)
	defer cancel()
	_ = l.catchUp(ctx) // or the next run does
	for l.hand(); len(l.handed) > 0 && ctx.Err() == nil; l.hand() {
		select {
		case <-time.After(inheritPause):
		case <-ctx.Done():
		}
	}
}

// take applies one event and writes down what it changed.
func (l *living) take(e *journal.Entry[callcontrol.Event]) {
	l.at = e.Cursor
	l.apply(&e.Event)
	if l.at.Epoch != l.noted.Epoch || l.at.Seq-l.noted.Seq >= livingEvery {
		l.note()
	}
}

func (l *living) apply(e *callcontrol.Event) {
	l.live.Apply(e)
	r, ended := l.calls.Apply(e)
	if t := e.Transfer; t != nil {
		if _, ok := l.live.Transfers[t.ID]; ok {
			l.write(string(t.ID), livingRow{At: l.at, Transfer: t})
		} else {
			l.table.Delete(string(t.ID))
		}
	}
	switch c := e.Call; {
	case ended:
		l.write(string(r.Call), livingRow{At: l.at, Closed: &r})
		l.closed = append(l.closed, &r)
	case c != nil:
		p := l.calls.Open[c.ID]
		l.write(string(c.ID), livingRow{At: l.at, Call: c, Progress: &p})
	}
}

// hand gives the records of calls that have ended to the history, and drops those that it has stored.
func (l *living) hand() {
	if !l.history.ready() {
		return
	}
	for _, r := range l.closed {
		l.handed = append(l.handed, handed{string(r.Call), l.history.add(r)})
	}
	l.closed = nil
	if len(l.handed) == 0 {
		return
	}
	n, stored := 0, l.history.stored()
	for n < len(l.handed) && (l.handed[n].seq <= stored || len(l.handed)-n > closedMost) {
		l.table.Delete(l.handed[n].key)
		n++
	}
	l.handed = append(l.handed[:0], l.handed[n:]...)
}

// resync makes what is alive that of a snapshot, after a gap. Calls that ended in between are closed: nobody knows by whom.
func (l *living) resync(now callcontrol.Snapshot) {
	l.at = now.Cursor
	calls, transfers := map[callcontrol.CallID]bool{}, map[callcontrol.TransferID]bool{}
	for i := range now.Transfers {
		transfers[now.Transfers[i].ID] = true
		l.apply(&callcontrol.Event{At: time.Now(), Kind: callcontrol.EventTransferChanged, Transfer: &now.Transfers[i]})
	}
	for i := range now.Calls {
		calls[now.Calls[i].ID] = true
		l.apply(&callcontrol.Event{At: time.Now(), Kind: callcontrol.EventCallChanged, Call: &now.Calls[i]})
	}
	for id, t := range l.live.Transfers {
		if !transfers[id] {
			t.Status = callcontrol.TransferFailed
			l.apply(&callcontrol.Event{At: time.Now(), Kind: callcontrol.EventTransferChanged, Transfer: &t})
		}
	}
	for id, c := range l.live.Calls {
		if !calls[id] {
			c.Phase, c.Cause, c.EndedBy, c.Legs = callcontrol.PhaseEnded, "", "", nil
			l.apply(&callcontrol.Event{At: time.Now(), Kind: callcontrol.EventCallEnded, CallID: id, Call: &c})
		}
	}
	l.note()
}

func (l *living) write(key string, row livingRow) {
	l.table.Put(key, row)
	l.noted = row.At
}

// note writes how far the table is. Rows are written in order, so what was deleted before is deleted.
func (l *living) note() { l.write("at", livingRow{At: l.at}) }

// put takes a row back.
func (l *living) put(row livingRow) {
	switch {
	case row.Call != nil:
		l.live.Apply(&callcontrol.Event{Kind: callcontrol.EventCallChanged, Call: row.Call})
		if row.Progress != nil {
			l.calls.Resume(row.Call.ID, *row.Progress)
		}
	case row.Transfer != nil:
		l.live.Apply(&callcontrol.Event{Kind: callcontrol.EventTransferChanged, Transfer: row.Transfer})
	case row.Closed != nil:
		l.closed = append(l.closed, row.Closed)
	}
}

const (
	inheritRoom  = durableRing / 2      // events that may wait for the disk while the ends are told
	inheritPause = 5 * time.Millisecond // between two looks at that
	inheritLimit = 10 * time.Second     // for all of it: a disk that stands still must not keep the daemon from its work
)

// inherit tells the end of what the last run left alive.
func (d *Daemon) inherit(ctx context.Context) error {
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
