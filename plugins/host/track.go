package host

import (
	"context"
	"sync"

	"golang.org/x/time/rate"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// mostSent bounds what is remembered of events under way, for the time to their acknowledgement.
const mostSent = 4096

// track knows which events an adapter was given and which it acknowledged.
type track struct {
	name    string
	metrics Metrics

	mu    sync.Mutex
	first journal.Cursor // where events begin for one that never acknowledged any
	acked journal.Cursor
	high  journal.Cursor // the furthest that it may acknowledge
	far   journal.Cursor // the furthest that a stream of this life brought, or an earlier one had done with
	sent  []sent         // not acknowledged yet, in order
}

type sent struct {
	seq   uint64
	event callcontrol.Event
}

// begin notes the place from which on the adapter is known, unless it is known already.
func (t *track) begin(c journal.Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == (journal.Cursor{}) {
		t.first = c
	}
}

func (t *track) beginning() journal.Cursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

// start begins a life of the process at its cursor and returns where events begin for a new adapter.
func (t *track) start(acked journal.Cursor, known bool) journal.Cursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = nil
	t.high, t.far = t.first, t.first
	if known {
		t.far = acked
		t.acked = acked
		if acked.Epoch != t.high.Epoch || acked.Seq > t.high.Seq {
			t.high = acked
		}
	}
	return t.first
}

// again begins a new stream: what is under way comes once more.
func (t *track) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = nil
}

// given notes an entry that is on its way to the adapter, and reports whether it had that before.
func (t *track) given(e journal.Entry[callcontrol.Event]) (again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reach(e.Cursor)
	again = e.Cursor.Epoch == t.far.Epoch && e.Cursor.Seq <= t.far.Seq
	if !again {
		t.far = e.Cursor
	}
	if e.Gap != nil {
		return again
	}
	if len(t.sent) == mostSent {
		t.sent = t.sent[:copy(t.sent, t.sent[mostSent/2:])]
	}
	t.sent = append(t.sent, sent{e.Cursor.Seq, brief(e.Event)})
	return again
}

// brief is an event without the state that it carries, but for a new call's.
func brief(e callcontrol.Event) callcontrol.Event {
	out := callcontrol.Event{At: e.At, Kind: e.Kind, Agent: e.Agent, CallID: e.CallID, Leg: e.Leg}
	if e.Kind == callcontrol.EventCallStarted {
		out.Call = e.Call
	}
	return out
}

// seen notes a snapshot's cursor.
func (t *track) seen(c journal.Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reach(c)
}

func (t *track) reach(c journal.Cursor) {
	if c.Epoch != t.high.Epoch || c.Seq > t.high.Seq {
		t.high = c
	}
}

// ack takes an acknowledgement; false when it is for what was never given.
func (t *track) ack(c journal.Cursor) bool {
	t.mu.Lock()
	if c.Epoch != t.high.Epoch || c.Seq > t.high.Seq {
		t.mu.Unlock()
		return false
	}
	if c.Epoch != t.acked.Epoch || c.Seq > t.acked.Seq {
		t.acked = c
	}
	n := 0
	for n < len(t.sent) && t.sent[n].seq <= c.Seq {
		n++
	}
	done := append([]sent(nil), t.sent[:n]...)
	t.sent = t.sent[:copy(t.sent, t.sent[n:])]
	t.mu.Unlock()
	for _, s := range done {
		t.metrics.Acknowledged(t.name, s.event)
	}
	return true
}

func (t *track) acknowledged() journal.Cursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acked
}

// lag is how many events up to last the adapter has not acknowledged.
func (t *track) lag(last journal.Cursor) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.acked
	if from == (journal.Cursor{}) {
		from = t.first
	}
	switch {
	case from.Epoch != last.Epoch:
		return last.Seq
	case last.Seq > from.Seq:
		return last.Seq - from.Seq
	}
	return 0
}

// acknowledge is what the adapter's Acknowledge comes to.
func (h *Host) acknowledge(_ context.Context, c journal.Cursor) error {
	if !h.track.ack(c) {
		return &callcontrol.Refusal{Code: callcontrol.CodeBadArgument, Message: "this cursor was never given to the adapter"}
	}
	h.deps.Cursors.Ack(h.cfg.Name, c)
	return nil
}

const (
	againRate  = 500 // events a second that an adapter had before; new ones come at once
	againBurst = 10_000
)

// tracked is call control as one adapter sees it.
type tracked struct {
	callcontrol.Control
	track *track
	turn  *rate.Limiter // of events that it had before
}

func newTracked(c callcontrol.Control, t *track) tracked {
	return tracked{c, t, rate.NewLimiter(againRate, againBurst)}
}

// Snapshot implements callcontrol.Control.
func (t tracked) Snapshot(ctx context.Context) (callcontrol.Snapshot, error) {
	s, err := t.Control.Snapshot(ctx)
	if err == nil {
		t.track.seen(s.Cursor)
	}
	return s, err
}

// Subscribe implements callcontrol.Control.
func (t tracked) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	t.track.again()
	return trackedEvents{t.Control.Subscribe(from), t}
}

type trackedEvents struct {
	journal.Subscription[callcontrol.Event]
	by tracked
}

// Next implements journal.Subscription.
func (t trackedEvents) Next(ctx context.Context) (journal.Entry[callcontrol.Event], error) {
	e, err := t.Subscription.Next(ctx)
	if err == nil && t.by.track.given(e) {
		err = t.by.turn.Wait(ctx)
	}
	return e, err
}
