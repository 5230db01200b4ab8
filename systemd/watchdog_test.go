package systemd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeManager counts the messages of a notifier with a watchdog of 30 s.
func fakeManager(log *slog.Logger, interval time.Duration) (*Notifier, *atomic.Int32) {
	fed := new(atomic.Int32)
	return &Notifier{log: log, interval: interval, send: func(state string) (bool, error) {
		if state == "WATCHDOG=1\n" {
			fed.Add(1)
		}
		return true, nil
	}}, fed
}

func TestWatchdogIsFed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		n, fed := fakeManager(slog.New(slog.NewTextHandler(&out, nil)), 30*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var ill atomic.Bool
		check := func(context.Context) error {
			if ill.Load() {
				return errors.New("shard 1 does not tick")
			}
			return nil
		}
		done := make(chan error)
		go func() { done <- n.Run(ctx, check) }()
		synctest.Wait()
		if fed.Load() != 1 {
			t.Errorf("fed %d times at the start", fed.Load())
		}
		time.Sleep(61 * time.Second) // never at the moment of a tick
		synctest.Wait()
		if fed.Load() != 5 {
			t.Errorf("fed %d times in a minute, want 5", fed.Load())
		}
		ill.Store(true)
		time.Sleep(60 * time.Second)
		synctest.Wait()
		if fed.Load() != 5 {
			t.Errorf("fed %d times, although ill", fed.Load())
		}
		ill.Store(false)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if fed.Load() != 6 {
			t.Errorf("fed %d times after recovery", fed.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if log := out.String(); strings.Count(log, "watchdog not fed") != 1 || !strings.Contains(log, "shard 1") ||
			strings.Count(log, "fed again") != 1 {
			t.Errorf("log: %s", log)
		}
	})
}

// A check that hangs is the very thing a watchdog is for: its context ends, and nothing is fed.
func TestWatchdogCheckHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, fed := fakeManager(quiet, 10*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- n.Run(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if fed.Load() != 0 {
			t.Errorf("fed %d times", fed.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestNoWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, fed := fakeManager(quiet, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := n.Run(ctx, func(context.Context) error { return nil }); err != nil || fed.Load() != 0 {
			t.Errorf("%v, fed %d times", err, fed.Load())
		}
	})
}

// The whole way: a real socket.
func TestWatchdogOnTheSocket(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "")
	read := manager(t)
	n, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx, func(context.Context) error { return nil }) }()
	for range 3 {
		if got := read(); got != "WATCHDOG=1\n" {
			t.Errorf("sent %q", got)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}
