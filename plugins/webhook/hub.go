package webhook

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/plugins/sdk"
)

const (
	mostKept   = 2048 // newest events in memory, for those who follow
	mostOwners = 8192 // calls whose agent is known
	hubAgain   = time.Second
)

// kept is one event, encoded once for all followers.
type kept struct {
	cursor journal.Cursor
	agent  callcontrol.AgentID
	kind   callcontrol.EventKind
	data   []byte
}

// hub reads the journal once for all who follow it, and keeps the newest events. A follower has no queue: it has a place
// among those, and when it is too slow they have gone by.
type hub struct {
	client *control.Client
	digits bool // the keys that parties press are told
	log    *slog.Logger

	mu     sync.Mutex
	epoch  string // empty: nothing is known yet
	base   uint64 // events up to here are not in the ring
	last   uint64
	ring   [mostKept]kept
	wake   chan struct{} // closed when there are more
	owners map[callcontrol.CallID]callcontrol.AgentID
	order  []callcontrol.CallID // of owners, oldest first
}

func newHub(client *control.Client, digits bool, log *slog.Logger) *hub {
	return &hub{client: client, digits: digits, log: log, wake: make(chan struct{}), owners: map[callcontrol.CallID]callcontrol.AgentID{}}
}

// run reads until ctx ends.
func (h *hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.read(ctx)
		if ctx.Err() != nil {
			return
		}
		h.log.Warn("events cannot be read", "error", err)
		select {
		case <-time.After(hubAgain):
		case <-ctx.Done():
		}
	}
}

// read begins so far back that the ring fills.
func (h *hub) read(ctx context.Context) error {
	status, err := h.client.Status(ctx)
	if err != nil {
		return err
	}
	at := status.Cursor
	at.Seq -= min(at.Seq, mostKept)
	h.reset(at)
	events := h.client.Follow(at, nil)
	defer events.Close()
	for {
		e, err := events.Next(ctx)
		if err != nil {
			return err
		}
		if e.Gap != nil {
			h.reset(e.Gap.To)
			continue
		}
		data, err := sdk.Encode(newEvent(e.Cursor, e.Event, h.digits))
		if err != nil {
			return err
		}
		h.add(kept{e.Cursor, e.Event.Agent, e.Event.Kind, data}, e.Event.CallID)
	}
}

// reset forgets all events: those after at follow.
func (h *hub) reset(at journal.Cursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch, h.base, h.last = at.Epoch, at.Seq, at.Seq
	h.tellLocked()
}

func (h *hub) add(k kept, call callcontrol.CallID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k.cursor.Epoch != h.epoch || k.cursor.Seq != h.last+1 { // what is between is not here
		h.base = k.cursor.Seq - 1
	}
	h.epoch, h.last = k.cursor.Epoch, k.cursor.Seq
	h.ring[h.last%mostKept] = k
	if h.last-h.base > mostKept {
		h.base = h.last - mostKept
	}
	if _, known := h.owners[call]; call != "" && !known {
		if len(h.order) == mostOwners {
			for _, old := range h.order[:mostOwners/8] {
				delete(h.owners, old)
			}
			h.order = slices.Clone(h.order[mostOwners/8:])
		}
		h.owners[call] = k.agent
		h.order = append(h.order, call)
	}
	h.tellLocked()
}

func (h *hub) tellLocked() {
	close(h.wake)
	h.wake = make(chan struct{})
}

// owner is the agent whose call it is or was; false: not known here.
func (h *hub) owner(call callcontrol.CallID) (callcontrol.AgentID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.owners[call]
	return a, ok
}

// covers reports whether what comes after at is here, or at is the newest.
func (h *hub) covers(at journal.Cursor) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.coversLocked(at) && at.Seq <= h.last
}

func (h *hub) coversLocked(at journal.Cursor) bool { return at.Epoch == h.epoch && at.Seq >= h.base }

// next gives up to most events after at, and a channel that is closed when there may be more; false when they are not
// here.
func (h *hub) next(at journal.Cursor, most int) ([]kept, <-chan struct{}, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.coversLocked(at) {
		return nil, h.wake, false
	}
	var out []kept
	for seq := at.Seq + 1; seq <= h.last && len(out) < most; seq++ {
		out = append(out, h.ring[seq%mostKept])
	}
	return out, h.wake, true
}

// newest is the place of the newest event.
func (h *hub) newest() journal.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return journal.Cursor{Epoch: h.epoch, Seq: h.last}
}
