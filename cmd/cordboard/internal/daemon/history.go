package daemon

import (
	"container/list"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

// How many calls that have ended can be asked for: those of each agent, and of all together. On the disk they are bounded by
// size and age as well.
const (
	historyOfAgent = 200
	historyOfAll   = 20_000
	historyBytes   = 32 << 20
)

// history keeps the calls that have ended: in a log of the journal, and the newest in memory. Adding one never waits.
type history struct {
	log *journal.Log[callcontrol.HistoryRecord]
	age time.Duration

	loaded chan struct{} // closed once memory has what was on the disk

	mu      sync.Mutex
	all     *list.List // of *callcontrol.HistoryRecord, in the order of their ends
	byAgent map[callcontrol.AgentID][]*list.Element
	known   map[callcontrol.CallID]bool // of those in all
}

func openHistory(ctx context.Context, store *journal.Store, age time.Duration) (*history, error) {
	log, err := journal.OpenLog(ctx, store, journal.LogConfig[callcontrol.HistoryRecord]{
		Name: "history", Ring: 1024, MaxBytes: historyBytes,
	})
	if err != nil {
		return nil, err
	}
	if age <= 0 {
		age = journal.DefaultMaxAge
	}
	return &history{
		log: log, age: age, loaded: make(chan struct{}), all: list.New(), byAgent: map[callcontrol.AgentID][]*list.Element{},
		known: map[callcontrol.CallID]bool{},
	}, nil
}

// load reads the newest records from the disk, once. What cannot be read is left out.
func (h *history) load(ctx context.Context) error {
	last := h.log.Last()
	at := last.Seq - min(last.Seq, historyOfAll)
	sub := h.log.Subscribe(journal.Cursor{Epoch: last.Epoch, Seq: at})
	for at < last.Seq {
		e, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		at = e.Cursor.Seq
		if e.Gap == nil {
			h.remember(&e.Event)
		}
	}
	close(h.loaded)
	return nil
}

// ready reports whether load has succeeded: only then a record that is there already is known.
func (h *history) ready() bool {
	select {
	case <-h.loaded:
		return true
	default:
		return false
	}
}

// add keeps a record, unless the call has one. It is on the disk once so many are stored.
func (h *history) add(r *callcontrol.HistoryRecord) (seq uint64) {
	if !h.remember(r) {
		return 0
	}
	at, err := h.log.Append(context.Background(), *r)
	if err != nil { // the journal is closed: the next run takes the record from the table of what was alive
		return math.MaxUint64
	}
	return at.Seq
}

// stored is how many records are on the disk for good.
func (h *history) stored() uint64 { return h.log.Status().Stored.Seq }

// remember takes a record into memory, where the oldest make room; false when the call has one.
func (h *history) remember(r *callcontrol.HistoryRecord) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[r.Call] {
		return false
	}
	h.known[r.Call] = true
	h.byAgent[r.Agent] = append(h.byAgent[r.Agent], h.all.PushBack(r))
	if own := h.byAgent[r.Agent]; len(own) > historyOfAgent {
		h.forgetLocked(own[0])
	}
	for h.all.Len() > historyOfAll || time.Since(record(h.all.Front()).Ended) > h.age {
		h.forgetLocked(h.all.Front())
		if h.all.Len() == 0 {
			break
		}
	}
	return true
}

func record(e *list.Element) *callcontrol.HistoryRecord { return e.Value.(*callcontrol.HistoryRecord) }

// forgetLocked drops an agent's oldest record.
func (h *history) forgetLocked(e *list.Element) {
	r := record(e)
	h.all.Remove(e)
	delete(h.known, r.Call)
	own := h.byAgent[r.Agent]
	if i := slices.Index(own, e); i >= 0 {
		own = slices.Delete(own, i, i+1)
	}
	h.byAgent[r.Agent] = own
	if len(own) == 0 {
		delete(h.byAgent, r.Agent)
	}
}

// find lists records, the last first.
func (h *history) find(ctx context.Context, q control.HistoryQuery) ([]callcontrol.HistoryRecord, error) {
	select {
	case <-h.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []callcontrol.HistoryRecord
	take := func(e *list.Element) bool {
		r := record(e)
		if (q.Before.IsZero() || r.Ended.Before(q.Before)) && time.Since(r.Ended) <= h.age {
			out = append(out, *r)
		}
		return len(out) < q.Limit
	}
	if q.Agent != "" {
		for _, e := range slices.Backward(h.byAgent[q.Agent]) {
			if !take(e) {
				break
			}
		}
		return out, nil
	}
	for e := h.all.Back(); e != nil && take(e); e = e.Prev() {
	}
	return out, nil
}

// historyOf answers for control. An agent without any call must be one of the configuration.
func (d *Daemon) historyOf(ctx context.Context, q control.HistoryQuery) ([]callcontrol.HistoryRecord, error) {
	records, err := d.calls.find(ctx, q)
	if err != nil || len(records) > 0 || q.Agent == "" {
		return records, err
	}
	snap, err := d.board.Snapshot(ctx)
	if err == nil && !slices.ContainsFunc(snap.Agents, func(a callcontrol.AgentView) bool { return a.ID == q.Agent }) {
		err = &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent, Message: "there is no agent of that name, and no call of one"}
	}
	return nil, err
}
