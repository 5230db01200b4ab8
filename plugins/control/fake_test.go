package control

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// fake is a callcontrol.Control by hand: it notes commands and answers as it is told.
type fake struct {
	log *journal.Memory[callcontrol.Event]

	mu       sync.Mutex
	commands []callcontrol.Command
	answer   func(context.Context, callcontrol.Command) (callcontrol.Result, error)
	snapshot callcontrol.Snapshot
}

func newFake(capacity int) *fake {
	return &fake{log: journal.NewMemory[callcontrol.Event]("e1", capacity)}
}

func (f *fake) Do(ctx context.Context, c callcontrol.Command) (callcontrol.Result, error) {
	f.mu.Lock()
	f.commands = append(f.commands, c)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return callcontrol.Result{}, nil
	}
	return answer(ctx, c)
}

func (f *fake) Snapshot(context.Context) (callcontrol.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snapshot, nil
}

func (f *fake) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return f.log.Subscribe(from)
}

func (f *fake) last() callcontrol.Command {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.commands) == 0 {
		return callcontrol.Command{}
	}
	return f.commands[len(f.commands)-1]
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.commands)
}

func (f *fake) append(t *testing.T, events ...callcontrol.Event) {
	t.Helper()
	if _, err := f.log.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

// socketPath is short enough for a unix socket whatever the test is called.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cord")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "c.sock")
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// serve runs a server at path until the returned function is called, which waits for its end.
func serve(t *testing.T, path string, c callcontrol.Control) (*Server, func()) {
	t.Helper()
	s, err := NewServer(Config{Socket: path, Grace: time.Second}, c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return s, stop
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
