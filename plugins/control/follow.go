package control

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

const (
	followFirst = 50 * time.Millisecond // first wait after a lost stream, doubled up to followMost
	followMost  = time.Second
)

// Events follows a daemon's events over lost connections and restarts of the daemon, from its cursor:
// nothing is skipped silently and nothing comes twice. It is not safe for concurrent use.
type Events struct {
	client *Client
	cursor journal.Cursor
	down   func(error)

	ctx    context.Context
	cancel context.CancelFunc
	in     chan received // nil: no stream
	wait   time.Duration
}

type received struct {
	reply *controlv1.SubscribeReply
	err   error // the last of a stream
}

// Subscribe implements callcontrol.Control: Follow without notice of lost connections.
func (c *Client) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return c.Follow(from, nil)
}

// Follow reads the events after a cursor; the zero cursor means all that is kept. down, if not nil, is
// called by Next with each failure to reach the daemon, before the next try. Events that are no longer
// wanted are closed; Client.Close closes all.
func (c *Client) Follow(from journal.Cursor, down func(error)) *Events {
	if down == nil {
		down = func(error) {}
	}
	e := &Events{client: c, cursor: from, down: down, wait: followFirst}
	e.ctx, e.cancel = context.WithCancel(c.ctx)
	return e
}

// Close ends the stream. Next then returns journal.ErrClosed.
func (e *Events) Close() { e.cancel() }

// Cursor is the place of the last entry that Next returned.
func (e *Events) Cursor() journal.Cursor { return e.cursor }

// Next waits for the next entry. Errors: ctx.Err(); journal.ErrClosed after Close; the daemon's answer
// where trying again is of no use.
func (e *Events) Next(ctx context.Context) (journal.Entry[callcontrol.Event], error) {
	for {
		r, err := e.receive(ctx)
		switch {
		case e.ctx.Err() != nil:
			return journal.Entry[callcontrol.Event]{}, journal.ErrClosed
		case err != nil:
			return journal.Entry[callcontrol.Event]{}, err
		case r.err == nil:
			entry := decodeEntry(r.reply)
			e.cursor, e.wait = entry.Cursor, followFirst
			return entry, nil
		case final(r.err):
			return journal.Entry[callcontrol.Event]{}, decodeError(r.err)
		}
		e.down(decodeError(r.err))
		select {
		case <-time.After(e.wait):
		case <-ctx.Done():
			return journal.Entry[callcontrol.Event]{}, ctx.Err()
		case <-e.ctx.Done():
		}
		e.wait = min(2*e.wait, followMost)
	}
}

// receive returns what the stream brings, which it opens when there is none; its own error is ctx's.
func (e *Events) receive(ctx context.Context) (received, error) {
	if err := ctx.Err(); err != nil {
		return received{}, err
	}
	if e.in == nil {
		stream, err := e.client.rpc.Subscribe(e.ctx, &controlv1.SubscribeRequest{From: encodeCursor(e.cursor)})
		if err != nil {
			return received{err: err}, nil
		}
		in := make(chan received)
		e.in = in
		e.client.pumps.Go(func() { pump(e.ctx, stream, in) })
	}
	select {
	case r := <-e.in:
		if r.err != nil {
			e.in = nil
		}
		return r, nil
	case <-ctx.Done():
		return received{}, ctx.Err()
	case <-e.ctx.Done():
		return received{}, nil
	}
}

// pump hands over what a stream brings, one at a time: what the reader does not take stays with the
// daemon. It ends with the stream's error or ctx.
func pump(ctx context.Context, stream controlv1.Control_SubscribeClient, in chan<- received) {
	for {
		reply, err := stream.Recv()
		select {
		case in <- received{reply, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// final reports whether a stream's error will be the same at the next try.
func final(err error) bool {
	switch status.Code(err) {
	case codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument:
		return true
	}
	return false
}
