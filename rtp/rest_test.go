package rtp

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A shard without legs does not tick, so that an idle daemon sleeps; with the first leg it goes on, and nothing counts as late.
func TestShardRestsWithoutLegs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Bind: loopback, Shards: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.backend = &fakeBackend{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		ticks := func(d time.Duration) uint64 {
			before := e.Stats().Ticks
			time.Sleep(d)
			synctest.Wait()
			return e.Stats().Ticks - before
		}
		for range 2 {
			if n := ticks(10 * time.Second); n != 0 {
				t.Errorf("%d ticks without a leg", n)
			}
			s, err := e.Open(OpenParams{Group: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if n := ticks(time.Second); n != 50 {
				t.Errorf("%d ticks in a second with a leg", n)
			}
			s.Close()
			synctest.Wait()
		}
		if n := e.Stats().TicksSkipped; n != 0 {
			t.Errorf("%d ticks skipped", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
