package sdk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

const (
	ackTimeout = 5 * time.Second
	ackAgain   = 200 * time.Millisecond // after one that did not arrive
)

// acks tells the daemon how far the adapter is: one call at a time, each with the newest cursor.
type acks struct {
	client *control.Client
	log    *slog.Logger
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	want journal.Cursor
	told journal.Cursor
}

func newAcks(client *control.Client, log *slog.Logger) *acks {
	a := &acks{client: client, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

func (a *acks) start() {
	go func() {
		defer close(a.done)
		for {
			select {
			case <-a.wake:
			case <-a.ctx.Done():
				return
			}
			for !a.flush(a.ctx) {
				select {
				case <-time.After(ackAgain):
				case <-a.ctx.Done():
					return
				}
			}
		}
	}()
}

// add notes a cursor; it never waits.
func (a *acks) add(c journal.Cursor) {
	a.mu.Lock()
	a.want = c
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// stop tells what is left, for as long as ctx lasts.
func (a *acks) stop(ctx context.Context) {
	a.cancel()
	<-a.done
	a.flush(ctx)
}

// flush tells the newest cursor; false when it may be told again later.
func (a *acks) flush(ctx context.Context) bool {
	a.mu.Lock()
	c, told := a.want, a.told
	a.mu.Unlock()
	if c == told {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	err := a.client.Acknowledge(ctx, c)
	var refusal *callcontrol.Refusal
	if err != nil && !(errors.As(err, &refusal) && refusal.Code != callcontrol.CodeTimeout) {
		return false
	}
	if err != nil {
		a.log.Error("acknowledgement refused", "seq", c.Seq, "error", err)
	}
	a.mu.Lock()
	a.told = c
	a.mu.Unlock()
	return true
}
