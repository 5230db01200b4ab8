package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

const (
	againFirst = 100 * time.Millisecond // first wait after an event that was not taken, doubled up to againMost
	againMost  = 30 * time.Second
	moreWithin = 2 * time.Millisecond // for an event to be there already
)

// follower hands the daemon's events to an adapter, one at a time, and acknowledges those it took.
type follower struct {
	adapter Adapter
	client  *control.Client
	log     *slog.Logger
	acks    *acks

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu  sync.Mutex
	err error // why the adapter does not get on
}

func newFollower(a Adapter, client *control.Client, log *slog.Logger) *follower {
	f := &follower{adapter: a, client: client, log: log, acks: newAcks(client, log), done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// start follows from the acknowledged cursor; without one from begin, or from a snapshot where the adapter
// takes one.
func (f *follower) start(acknowledged, begin journal.Cursor) {
	f.acks.start()
	go func() {
		defer close(f.done)
		f.run(acknowledged, begin)
	}()
}

// stop waits for the event that is being worked at, and acknowledges what was taken, for as long as ctx
// lasts.
func (f *follower) stop(ctx context.Context) {
	f.cancel()
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	f.acks.stop(ctx)
}

// trouble is why the adapter does not get on; nil when it does.
func (f *follower) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *follower) setTrouble(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *follower) run(at, begin journal.Cursor) {
	if at == (journal.Cursor{}) {
		at = begin
		if _, ok := f.adapter.(Resyncer); ok {
			at = f.resync(journal.Gap{})
		}
	}
	for f.ctx.Err() == nil {
		events := f.client.Follow(at, nil)
		gap := f.follow(events, &at)
		events.Close()
		if gap == nil {
			return
		}
		at = f.resync(*gap)
	}
}

// follow hands events over until one is a gap, which it returns, or until the end.
func (f *follower) follow(events *control.Events, at *journal.Cursor) *journal.Gap {
	for {
		list, gap, err := f.batch(events)
		switch {
		case f.ctx.Err() != nil:
			return nil
		case err != nil:
			f.setTrouble(fmt.Errorf("events cannot be read: %w", err))
			f.log.Error("events cannot be read", "error", err)
			return nil
		}
		if len(list) > 0 {
			last := list[len(list)-1].Cursor
			if !f.again("event", last, func() error { return f.hand(list) }) {
				return nil
			}
			*at = last
			f.acks.add(last)
		}
		if gap != nil {
			return gap
		}
	}
}

// hand gives events to the adapter: one, where it takes them one at a time.
func (f *follower) hand(list []Event) error {
	switch l := f.adapter.(type) {
	case Batcher:
		return l.Events(f.ctx, list)
	case Listener:
		return l.Event(f.ctx, list[0])
	}
	return nil
}

// batch waits for an event. An adapter that takes several gets those that are there already, up to a gap.
func (f *follower) batch(events *control.Events) (list []Event, gap *journal.Gap, err error) {
	most := 1
	if b, ok := f.adapter.(Batcher); ok {
		most = max(1, b.Batch())
	}
	for len(list) < most && gap == nil {
		ctx, cancel := f.ctx, context.CancelFunc(func() {})
		if len(list) > 0 {
			ctx, cancel = context.WithTimeout(f.ctx, moreWithin)
		}
		e, err := events.Next(ctx)
		more := ctx.Err() == nil
		cancel()
		switch {
		case err != nil && (len(list) == 0 || more):
			return nil, nil, err
		case err != nil:
			return list, nil, nil
		case e.Gap != nil:
			gap = e.Gap
		default:
			list = append(list, Event{Cursor: e.Cursor, Event: e.Event})
		}
	}
	return list, gap, nil
}

// resync takes a snapshot, gives it to the adapter and returns the cursor at which events go on.
func (f *follower) resync(gap journal.Gap) journal.Cursor {
	r, takes := f.adapter.(Resyncer)
	if !takes {
		f.log.Warn("events are lost", "from", gap.From.Seq, "to", gap.To.Seq)
		f.acks.add(gap.To)
		return gap.To
	}
	var now callcontrol.Snapshot
	taken := f.again("snapshot", gap.To, func() error {
		ctx, cancel := context.WithTimeout(f.ctx, 30*time.Second)
		defer cancel()
		var err error
		if now, err = f.client.Snapshot(ctx); err != nil {
			return err
		}
		return r.Gap(f.ctx, gap, now)
	})
	if taken {
		f.acks.add(now.Cursor)
	}
	return now.Cursor
}

// again does something until it succeeds; false when the end came first.
func (f *follower) again(what string, at journal.Cursor, do func() error) bool {
	wait := againFirst
	for tries := 1; ; tries++ {
		err := do()
		switch {
		case err == nil:
			if tries > 1 {
				f.setTrouble(nil)
				f.log.Info(what+" taken", "seq", at.Seq, "tries", tries)
			}
			return true
		case f.ctx.Err() != nil:
			return false
		}
		f.setTrouble(fmt.Errorf("%s %d is not taken: %w", what, at.Seq, err))
		f.log.Warn(what+" not taken", "seq", at.Seq, "try", tries, "again_in", wait.String(), "error", err)
		select {
		case <-time.After(wait):
		case <-f.ctx.Done():
			return false
		}
		wait = min(2*wait, againMost)
	}
}
