package journal

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestStartWithManyEvents times the start behind a long life, after an orderly end and after kill -9. The bound is loose: the
// figure is for a quiet machine without the race detector, where it is 100,000 events.
func TestStartWithManyEvents(t *testing.T) {
	events, limit := 100_000, 10*time.Second
	if raceDetector {
		events, limit = 8_000, patience
	}
	c := LogConfig[string]{
		Name: "events", Encode: func(s string) ([]byte, error) { return []byte(s), nil }, Decode: func(b []byte) (string, error) { return string(b), nil },
	}
	event := strings.Repeat("x", 1500) // as a call event with three legs
	cfg := Config{Dir: t.TempDir()}
	s, l := startLog(t, cfg, c)
	began := time.Now()
	for range events {
		if _, err := l.Append(context.Background(), event); err != nil {
			t.Fatal(err)
		}
		for l.Status().Pending > DefaultRing/2 {
			<-time.After(time.Millisecond)
		}
	}
	for l.Status().Pending > 0 {
		<-time.After(time.Millisecond)
	}
	t.Logf("%d events of %d bytes stored in %v", events, len(event), time.Since(began).Round(time.Millisecond))
	killed := Config{Dir: copyLive(t, cfg.Dir)}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		name string
		cfg  Config
	}{{"an orderly end", cfg}, {"kill -9", killed}} {
		runtime.GC()
		began := time.Now()
		s, l := startLog(t, end.cfg, c)
		took := time.Since(began)
		if got := l.Last().Seq; got != uint64(events) {
			t.Errorf("after %s: %d events", end.name, got)
		}
		began = time.Now()
		sub := l.Subscribe(Cursor{})
		for want := range uint64(min(events, 5000)) {
			if e, err := sub.Next(context.Background()); err != nil || e.Cursor.Seq != want+1 || len(e.Event) != len(event) {
				t.Fatal(fmt.Sprint(e.Cursor, e.Gap), err)
			}
		}
		t.Logf("start after %s: %v; the first thousands read back in %v", end.name, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if took > limit {
			t.Errorf("start after %s took %v", end.name, took)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func startLog(t *testing.T, cfg Config, c LogConfig[string]) (*Store, *Log[string]) {
	t.Helper()
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(context.Background(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}
