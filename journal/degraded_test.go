package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// outage stops the embedded server under the store until the returned function is called.
func (b *bench) outage() (end func()) {
	b.t.Helper()
	b.store.backend.server.halt(false)
	return func() {
		if err := b.store.backend.server.start(); err != nil {
			b.t.Error(err)
		}
	}
}

// TestOutage: the server goes away for longer than an entry may wait. Appending goes on, readers get everything, and afterwards
// everything is stored under its number.
func TestOutage(t *testing.T) {
	t.Parallel()
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(1000))
	b.add(10)
	b.settled()
	end := b.outage()
	sub := b.log.Subscribe(b.log.Last())
	began := time.Now()
	b.add(100)
	if s := b.log.Status(); s.Pending != 100 || s.Stored.Seq != 10 {
		t.Errorf("at once: %+v", s)
	}
	for want := 11; want <= 110; want++ {
		if e, err := sub.Next(context.Background()); err != nil || e.Event != want {
			t.Fatalf("%+v, %v; want %d", e, err, want)
		}
	}
	if d := time.Since(began); d < degradeAfter/2 {
		t.Errorf("handed out after %v, before the journal was degraded", d)
	}
	s := b.log.Status()
	if !errors.Is(s.Degraded, errLost) || s.Lag < degradeAfter || s.Pending != 100 {
		t.Errorf("degraded: %+v", s)
	}
	b.until("it is told", func() bool { return b.said.has("journal degraded") })
	b.add(1) // now at once
	if e, err := sub.Next(context.Background()); err != nil || e.Event != 111 {
		t.Errorf("%+v, %v", e, err)
	}
	end()
	b.settled()
	if s := b.log.Status(); s.Stored.Seq != 111 || s.Lost != 0 {
		t.Errorf("afterwards: %+v", s)
	}
	b.until("it is told", func() bool { return b.said.has("stores events again") })
	b.again(numbers(10))
	if gaps := b.read(Cursor{}, 111); gaps != nil || b.said.has("new epoch") {
		t.Errorf("gaps %v", gaps)
	}
}

// TestOvertaken: an outage that lasts for longer than the ring. What is lost is told, to readers behind too, and the number of
// every later entry is its place in the stream.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(50))
	b.add(40)
	b.settled()
	b.add(20)
	b.settled()
	end := b.outage()
	behind, upToDate := b.log.Subscribe(Cursor{b.log.Last().Epoch, 5}), b.log.Subscribe(b.log.Last())
	b.add(200)
	b.until("it is degraded", func() bool { return b.log.Status().Degraded != nil })
	b.until("the loss is told", func() bool { return b.said.has("no room in memory") })
	for _, sub := range []Subscription[int]{behind, upToDate} {
		e, err := sub.Next(context.Background())
		if err != nil || e.Gap == nil || e.Gap.To.Seq != 210 {
			t.Errorf("while the server is away: %+v, %v", e, err)
		}
		if e, err := sub.Next(context.Background()); err != nil || e.Event != 211 {
			t.Errorf("then %+v, %v", e, err)
		}
	}
	end()
	b.settled()
	if s := b.log.Status(); s.Lost != 150 || s.Stored.Seq != 260 {
		t.Errorf("%+v", s)
	}
	b.add(10)
	b.settled()
	if gaps := b.read(Cursor{}, 270); !slices.Equal(gaps, []string{"60-210"}) {
		t.Errorf("gaps %v", gaps)
	}
	b.again(numbers(10))
	if gaps := b.read(Cursor{b.log.Last().Epoch, 100}, 270); !slices.Equal(gaps, []string{"100-210"}) {
		t.Errorf("gaps %v", gaps)
	}
}

// TestCloseWhileAway: closing does not hang on a dead server, says what is lost, and the next life begins a new epoch.
func TestCloseWhileAway(t *testing.T) {
	t.Parallel()
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(50))
	table, err := OpenTable[string](context.Background(), b.store, "calls", 0)
	if err != nil {
		t.Fatal(err)
	}
	first := b.add(10)
	b.settled()
	b.outage()
	b.add(7)
	table.Put("a", "1")
	sub := b.log.Subscribe(first)
	began := time.Now()
	err = b.store.Close()
	if err == nil || !strings.Contains(err.Error(), "7 entries of events") || !strings.Contains(err.Error(), "1 changes of calls") {
		t.Errorf("close: %v", err)
	}
	if d := time.Since(began); d > patience {
		t.Errorf("close took %v", d)
	}
	for want := 11; want <= 17; want++ {
		if e, err := sub.Next(context.Background()); err != nil || e.Event != want {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if _, err := sub.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("at the end %v", err)
	}
	if _, err := b.log.Subscribe(Cursor{first.Epoch, 3}).Next(context.Background()); err != nil {
		t.Errorf("a reader behind: %v", err)
	}
	b.open(numbers(50))
	if last := b.log.Last(); last.Seq != 10 || last.Epoch == first.Epoch {
		t.Errorf("next life at %v", last)
	}
}

// TestSecondWriter: somebody else writes into the stream. The log gives up storing, says why, and serves from memory.
func TestSecondWriter(t *testing.T) {
	for _, own := range []int{0, 5} { // the other one comes before or after our next batch was taken
		t.Run(fmt.Sprint(own), func(t *testing.T) {
			url := startServer(t, nil).ClientURL()
			b := openBench(t, Config{URL: url}, numbers(1000))
			b.add(20)
			b.settled()
			other, err := nats.Connect(url)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			for range 3 {
				if _, err := other.Request("cordboard.events", []byte("1"), 10*time.Second); err != nil {
					t.Fatal(err)
				}
			}
			b.add(1 + own)
			b.until("it gives up", func() bool { return errors.Is(b.log.Status().Degraded, errSecondWriter) })
			sub := b.log.Subscribe(Cursor{b.log.Last().Epoch, 20})
			b.add(3)
			for want := 21; want <= 24+own; want++ {
				if e, err := sub.Next(context.Background()); err != nil || e.Event != want {
					t.Fatalf("%+v, %v", e, err)
				}
			}
			if err := b.store.Close(); err == nil {
				t.Error("closed as if all were stored")
			}
		})
	}
}
