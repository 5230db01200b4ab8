package rtp

import (
	"context"
	"log/slog"
)

// Engine owns the media sockets and shards of the daemon. Its methods are safe from any goroutine.
type Engine struct{}

// OpenParams say for whom a stream is opened.
type OpenParams struct {
	Group string // the desk: legs of one group live on one shard
	Board Board  // what the group's legs are patched through
	Slot  int    // index of this leg in Board, 0 to MaxSlots-1
	Name  string // leg id, for logs
	CNAME string // RTCP canonical name (RFC 3550 §6.5.1); "" = made up
	// OnEvent is called off the loop, events of a stream in order. Events that the wire causes are dropped and counted
	// when the queue is full; completions never are. It must not call Close of its own stream's engine Run.
	OnEvent func(Event)
}

// New makes an engine. Nothing is bound and no goroutine runs before Open and Run.
func New(cfg Config, log *slog.Logger) (*Engine, error) { return nil, ErrStopped }

// Run runs the shards until ctx ends. It returns after all goroutines ended and all sockets are closed.
func (e *Engine) Run(ctx context.Context) error { return nil }

// Open reserves a port pair and a sender for one leg. Until the first Update it neither sends nor accepts anything.
func (e *Engine) Open(p OpenParams) (*Stream, error) { return nil, ErrStopped }

// Do runs f on the loop of group's shard, in order with Open and Update of the same group; done (may be nil) is called
// off the loop after f ran. This is how boards are changed. After the engine stopped f is not run and done is called.
func (e *Engine) Do(group string, f func(), done func()) {}

// Usage tells how far the port range is used.
func (e *Engine) Usage() Usage { return Usage{} }

// Stats sums up all shards.
func (e *Engine) Stats() EngineStats { return EngineStats{} }
