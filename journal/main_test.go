package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain runs what a test starts as a process of its own, and sees that nothing is left running.
func TestMain(m *testing.M) {
	if what := os.Getenv("JOURNAL_TEST_CHILD"); what != "" {
		if err := children[what](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// children are what this binary does as a process of its own.
var children = map[string]func() error{"append": appendForever, "full": fullDisk, "table": tableUntilKilled, "ahead": putUntilKilled}

// patience is for a machine that has much else to do.
const patience = 2 * time.Minute

// numbers is a log of numbers; number 0 and those below cannot be encoded.
func numbers(ring int) LogConfig[int] {
	return LogConfig[int]{
		Name: "events", Ring: ring,
		Encode: func(i int) ([]byte, error) {
			if i <= 0 {
				return nil, errors.New("no such number")
			}
			return json.Marshal(i)
		},
		Decode: func(b []byte) (i int, err error) {
			err = json.Unmarshal(b, &i)
			return i, err
		},
	}
}

// told keeps the log lines of a store.
type told struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (t *told) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines.Write(p)
}

func (t *told) has(s string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(t.lines.String(), s)
}

func (t *told) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(t, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// bench is a store with a log of numbers, closed at the end of the test.
type bench struct {
	t     *testing.T
	cfg   Config
	said  *told
	store *Store
	log   *Log[int]
}

func openBench(t *testing.T, cfg Config, c LogConfig[int]) *bench {
	t.Helper()
	b := &bench{t: t, cfg: cfg, said: &told{}}
	b.cfg.Log = b.said.logger()
	b.open(c)
	t.Cleanup(b.close)
	return b
}

func (b *bench) open(c LogConfig[int]) {
	b.t.Helper()
	var err error
	if b.store, err = Open(context.Background(), b.cfg); err == nil {
		b.log, err = OpenLog(context.Background(), b.store, c)
	}
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.said.lines.String())
	}
}

func (b *bench) close() {
	if b.store != nil {
		_ = b.store.Close()
	}
	if b.t.Failed() {
		b.said.mu.Lock()
		defer b.said.mu.Unlock()
		b.t.Log(b.said.lines.String())
	}
}

// again closes the store and opens it anew.
func (b *bench) again(c LogConfig[int]) {
	b.t.Helper()
	if err := b.store.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open(c)
}

// add appends the numbers after the last one: each is the same as its seq.
func (b *bench) add(n int) Cursor {
	b.t.Helper()
	return b.addThese(n, func(seq int) int { return seq })
}

func (b *bench) addThese(n int, number func(seq int) int) Cursor {
	b.t.Helper()
	at := b.log.Last()
	for range n {
		var err error
		if at, err = b.log.Append(context.Background(), number(int(at.Seq)+1)); err != nil {
			b.t.Fatal(err)
		}
	}
	return at
}

// settled waits until everything is stored.
func (b *bench) settled() {
	b.t.Helper()
	b.until("everything is stored", func() bool { s := b.log.Status(); return s.Stored == s.Last && s.Degraded == nil })
}

func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			b.t.Fatalf("not so for long: %s; %+v", what, b.log.Status())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// read takes entries up to a seq. Numbers must be those of their seq, and nothing may come twice or be left out without a
// gap. It returns the gaps as FROM-TO.
func (b *bench) read(from Cursor, to uint64) []string {
	b.t.Helper()
	return readAll(b.t, b.log, from, to)
}

func readAll(t testing.TB, l *Log[int], from Cursor, to uint64) (gaps []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sub := l.Subscribe(from)
	for at := from.Seq; at != to; {
		e, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("after %d: %v", at, err)
		}
		switch {
		case e.Gap != nil:
			gaps = append(gaps, fmt.Sprintf("%d-%d", e.Gap.From.Seq, e.Gap.To.Seq))
			if e.Gap.From.Seq != at || e.Gap.To != e.Cursor {
				t.Fatalf("gap %+v at %d", e, at)
			}
		case e.Cursor.Seq != at+1 || e.Event != int(at)+1:
			t.Fatalf("after %d: %+v", at, e)
		}
		at = e.Cursor.Seq
		if at > to {
			t.Fatalf("read past %d: %+v, gaps %v", to, e, gaps)
		}
	}
	return gaps
}
