package daemon

import (
	"context"
	"strings"
	"testing"
	"time"
)

// The watchdog's question reaches the media loops of a running daemon, with a call or without.
func TestAlive(t *testing.T) {
	w := newWorld(t, setup{agents: 1})
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return w.daemon.alive(ctx)
	}
	w.must(ask())
	customer, _ := w.talk()
	w.must(ask())
	stands := make(chan struct{})
	w.daemon.engine.Do("any", func() { <-stands }, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.daemon.alive(ctx); err == nil || !strings.Contains(err.Error(), "media") {
		t.Errorf("a media loop stands: %v", err)
	}
	close(stands)
	w.until("the media loop goes on", func() bool { return ask() == nil })
	customer.Hangup()
	w.free()
}
