package rtp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Check says which media loop stands, or that the engine has stopped, and nothing while all turn.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Bind: loopback, Shards: 2}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.backend = &fakeBackend{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		check := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return e.Check(ctx)
		}
		if err := check(); err != nil {
			t.Errorf("all turn: %v", err)
		}
		for i, name := range []string{"media loop 0", "media loop 1"} {
			stands := make(chan struct{})
			e.shards[i].mail.put(func() { <-stands }, 0)
			if err := check(); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s stands: %v", name, err)
			}
			close(stands)
			synctest.Wait()
			if err := check(); err != nil {
				t.Errorf("%s goes on: %v", name, err)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := check(); !errors.Is(err, ErrStopped) {
			t.Errorf("after the stop: %v", err)
		}
	})
}
