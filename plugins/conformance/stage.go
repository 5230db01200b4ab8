package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// stage is a daemon without calls: a journal that the test fills, cursors that outlive the adapter, a log
// that is kept for the day something fails.
type stage struct {
	t       *testing.T
	target  Target
	dir     string
	log     *kept
	cursors *acked

	mu       sync.Mutex
	events   *journal.Memory[callcontrol.Event]
	commands int
}

// newStage begins with an empty journal of so many events.
func newStage(t *testing.T, target Target, capacity int) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "conf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stage{t: t, target: target, dir: dir, log: &kept{}, cursors: &acked{MemoryCursors: host.NewMemoryCursors()}}
	s.events = journal.NewMemory[callcontrol.Event](rand.Text()[:10], capacity) // no epoch comes twice
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the adapter's log:\n%s", s.log.text())
		}
	})
	return s
}

// Do implements callcontrol.Control: every command is accepted.
func (s *stage) Do(_ context.Context, c callcontrol.Command) (callcontrol.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands++
	return callcontrol.Result{Call: c.Call}, nil
}

// Snapshot implements callcontrol.Control: nothing lives.
func (s *stage) Snapshot(context.Context) (callcontrol.Snapshot, error) {
	return callcontrol.Snapshot{Cursor: s.last(), Agents: []callcontrol.AgentView{{ID: "anna", Line: "pbx/1001", Status: callcontrol.StatusReady}}}, nil
}

// Subscribe implements callcontrol.Control.
func (s *stage) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.Subscribe(from)
}

func (s *stage) last() journal.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.Last()
}

// renew begins another journal, as after the loss of its disk.
func (s *stage) renew(epoch string, capacity int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = journal.NewMemory[callcontrol.Event](epoch, capacity)
}

// tell adds events.
func (s *stage) tell(events ...callcontrol.Event) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.events.Append(context.Background(), events...); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the adapter until the returned function is called, or the test ends.
func (s *stage) start(change func(*host.Config)) (*host.Host, func()) {
	s.t.Helper()
	cfg := host.Config{
		Name: "adapter", Command: s.target.Command, Env: s.target.Env, Dir: s.target.Dir, Config: s.target.Config,
		RuntimeDir: s.dir, Version: "conformance", LogLevel: slog.LevelDebug, LookupTimeout: s.target.Limit, StartTimeout: s.target.Limit,
	}
	if change != nil {
		change(&cfg)
	}
	h, err := host.New(cfg, host.Deps{
		Log:     slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Control: s, Cursors: s.cursors, Last: s.last,
		Sources: control.Sources{
			Directory: func(context.Context) (control.Directory, error) { return control.Directory{}, nil },
			Status: func(context.Context) (control.Status, error) {
				return control.Status{Version: "conformance", Cursor: s.last()}, nil
			},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(end)
	return h, end
}

// running starts the adapter and waits until it runs.
func (s *stage) running() (*host.Host, func()) {
	s.t.Helper()
	h, end := s.start(nil)
	s.until("the adapter runs", func() error { return runs(h) })
	return h, end
}

func runs(h *host.Host) error {
	switch st := h.Status(); st.State {
	case control.AdapterRunning, control.AdapterDegraded:
		return nil
	default:
		return fmt.Errorf("it is %s: %s", st.State, st.LastError)
	}
}

// settled waits until the adapter has acknowledged everything.
func (s *stage) settled(h *host.Host) {
	s.t.Helper()
	s.until("everything is acknowledged", func() error {
		if at, last := h.Status().Acknowledged, s.last(); at != last {
			return fmt.Errorf("it acknowledged %s:%d of %s:%d", at.Epoch, at.Seq, last.Epoch, last.Seq)
		}
		return nil
	})
}

// until waits for a condition with patience.
func (s *stage) until(what string, is func() error) {
	s.t.Helper()
	deadline := time.Now().Add(s.target.Limit)
	for {
		err := is()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain until %s: %v", what, err)
		}
		time.Sleep(2 * time.Millisecond) // polls another process's state
	}
}

// listens skips the test for an adapter that takes no events.
func (s *stage) listens(h *host.Host) bool { return able(h, adapter.CanEvents) }

func able(h *host.Host, c adapter.Capability) bool {
	for _, have := range h.Status().Capabilities {
		if have == string(c) {
			return true
		}
	}
	return false
}

// acked is cursors that note every acknowledgement.
type acked struct {
	*host.MemoryCursors
	mu  sync.Mutex
	all []journal.Cursor
}

// Ack implements host.Cursors.
func (a *acked) Ack(name string, c journal.Cursor) {
	a.mu.Lock()
	a.all = append(a.all, c)
	a.mu.Unlock()
	a.MemoryCursors.Ack(name, c)
}

func (a *acked) list() []journal.Cursor {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]journal.Cursor(nil), a.all...)
}

// kept is a log in memory.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.b.Len() < 1<<20 {
		k.b.Write(p)
	}
	return len(p), nil
}

func (k *kept) text() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

func (k *kept) has(words string) bool { return strings.Contains(k.text(), words) }
