package host

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/journal"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
)

// fakeRPC is an adapter that answers as it is told.
type fakeRPC struct {
	adapterv1.AdapterClient
	mu     sync.Mutex
	silent bool
	stops  int
}

func (f *fakeRPC) Info(context.Context, *adapterv1.InfoRequest, ...grpc.CallOption) (*adapterv1.InfoReply, error) {
	return &adapterv1.InfoReply{Name: "fake", Version: "1"}, nil
}

func (f *fakeRPC) Configure(context.Context, *adapterv1.ConfigureRequest, ...grpc.CallOption) (*adapterv1.ConfigureReply, error) {
	return &adapterv1.ConfigureReply{}, nil
}

func (f *fakeRPC) Health(ctx context.Context, _ *adapterv1.HealthRequest, _ ...grpc.CallOption) (*adapterv1.HealthReply, error) {
	f.mu.Lock()
	silent := f.silent
	f.mu.Unlock()
	if silent {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return &adapterv1.HealthReply{State: adapterv1.HealthState_HEALTH_STATE_OK}, nil
}

func (f *fakeRPC) Stop(context.Context, *adapterv1.StopRequest, ...grpc.CallOption) (*adapterv1.StopReply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stops++
	return nil, status.Error(codes.Unimplemented, "")
}

func (f *fakeRPC) set(silent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = silent
}

// fakeInstance is a process that is none.
type fakeInstance struct {
	fakeRPC
	once    sync.Once
	ended   chan struct{}
	err     error
	closing func() // nil: nothing
}

func newFakeInstance() *fakeInstance {
	return &fakeInstance{ended: make(chan struct{}), err: errors.New("it fell")}
}

func (f *fakeInstance) rpc() adapterv1.AdapterClient           { return &f.fakeRPC }
func (f *fakeInstance) pid() int                               { return 4711 }
func (f *fakeInstance) offer(*control.Service) (uint32, error) { return 1, nil }
func (f *fakeInstance) gone() <-chan struct{}                  { return f.ended }
func (f *fakeInstance) end() (error, bool)                     { return f.err, false } //nolint:staticcheck // the interface's order
func (f *fakeInstance) kill()                                  { f.once.Do(func() { close(f.ended) }) }
func (f *fakeInstance) close(context.Context) {
	if f.closing != nil {
		f.closing()
	}
	f.kill()
}

func fakeHost(t *testing.T, start launcher) *Host {
	t.Helper()
	l := &logged{}
	h, err := New(Config{Name: "crm", Command: []string{"x"}}, Deps{Log: l.logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors()})
	if err != nil {
		t.Fatal(err)
	}
	h.start = start
	return h
}

func TestBackoffGrowsWhileItExitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		h := fakeHost(t, func(context.Context) (instance, error) {
			starts = append(starts, time.Now())
			return nil, errors.New("no such program")
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		var waits []int
		for i := 1; i < len(starts); i++ {
			waits = append(waits, int(starts[i].Sub(starts[i-1])/time.Second))
		}
		if want := []int{1, 2, 4, 8, 16, 32, 64, 120, 120, 120}; !slices.Equal(waits, want) {
			t.Errorf("waits %v, want %v", waits, want)
		}
		s := h.Status()
		if s.State != control.AdapterBackoff || s.LastError != "no such program" || s.Restarts != len(starts)-1 || !s.NextStart.After(time.Now()) {
			t.Errorf("%+v", s)
		}
		cancel()
		if err := <-done; err != nil || h.Status().State != control.AdapterStopped {
			t.Errorf("%v, %+v", err, h.Status())
		}
		if err := h.Run(ctx); err == nil {
			t.Error("it ran twice")
		}
	})
}

// Health forgives: after a minute of it the next wait is a second again. Silence does not: three checks.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lives []*fakeInstance
		h := fakeHost(t, func(context.Context) (instance, error) {
			lives = append(lives, newFakeInstance())
			return lives[len(lives)-1], nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		for range 4 { // short lives: 1, 2, 4, 8 s
			synctest.Wait()
			lives[len(lives)-1].kill()
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		if len(lives) != 5 || h.Status().State != control.AdapterRunning {
			t.Fatalf("%d lives, %+v", len(lives), h.Status())
		}
		time.Sleep(2 * time.Minute)
		lives[4].set(true)
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if s := h.Status(); s.State != control.AdapterHung {
			t.Errorf("%+v", s)
		}
		lives[4].set(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := h.Status(); s.State != control.AdapterRunning || s.Restarts != 4 {
			t.Errorf("it answered again: %+v", s)
		}
		lives[4].set(true)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if s := h.Status(); len(lives) != 6 || s.State != control.AdapterRunning || s.LastError != "it did not answer 3 health checks and was killed" {
			t.Errorf("%d lives, %+v", len(lives), s)
		}
		cancel()
		<-done
		if lives[5].stops != 1 {
			t.Errorf("%d stops", lives[5].stops)
		}
	})
}

// An adapter whose process has gone is not said to run, however long it takes to put away what is left of it.
func TestStatusWhileItIsPutAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newFakeInstance()
		h := fakeHost(t, func(context.Context) (instance, error) { return in, nil })
		var s control.AdapterStatus
		in.closing = func() { s = h.Status() }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		synctest.Wait()
		in.kill()
		synctest.Wait()
		if s.State != control.AdapterBackoff || s.PID != 0 || s.LastError != "it fell" {
			t.Errorf("%+v", s)
		}
		cancel()
		<-done
	})
}

func TestSetApply(t *testing.T) {
	l := &logged{}
	deps := Deps{Log: l.logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors()}
	cfg := func(name, arg string) Config { return Config{Name: name, Command: []string{"/no/such/" + arg}} }
	if _, err := NewSet([]Config{cfg("a", ""), cfg("a", "")}, deps); err == nil {
		t.Error("a name twice")
	}
	if _, err := NewSet([]Config{{Name: "a"}}, deps); err == nil {
		t.Error("no command")
	}
	s, err := NewSet([]Config{cfg("a", "1"), cfg("b", "1"), cfg("c", "1")}, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	until(t, "all were tried", func() bool {
		for _, st := range s.Status() {
			if st.LastError == "" {
				return false
			}
		}
		return true
	})
	before := s.hosts()
	if err := s.Apply([]Config{cfg("c", "1"), {Name: "x"}}); err == nil {
		t.Error("a bad one was taken")
	}
	if !slices.Equal(before, s.hosts()) {
		t.Error("an error changed something")
	}
	if err := s.Apply([]Config{cfg("c", "1"), cfg("b", "2"), cfg("d", "1")}); err != nil {
		t.Fatal(err)
	}
	after := s.hosts()
	if len(after) != 3 || after[0] != before[2] || after[1] == before[1] || after[2].Name() != "d" {
		t.Errorf("before %v, after %v", before, after)
	}
	until(t, "the removed one has stopped", func() bool { return before[0].Status().State == control.AdapterStopped })
	until(t, "the new ones were tried", func() bool { return after[1].Status().LastError != "" && after[2].Status().LastError != "" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// An adapter whose configuration changes, and that has acknowledged nothing yet, is still told what came since it was added. One that
// is replaced before it could begin leaves that to the next.
func TestChangedAdapterMissesNothing(t *testing.T) {
	var at atomic.Uint64
	at.Store(5)
	l := &logged{}
	deps := Deps{Log: l.logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors(), Last: func() journal.Cursor { return journal.Cursor{Epoch: "e", Seq: at.Load()} }}
	cfg := func(arg string) []Config { return []Config{{Name: "a", Command: []string{"/no/such/" + arg}}} }
	s, err := NewSet(cfg("1"), deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tried := func() bool { return s.Status()[0].LastError != "" }
	until(t, "it was tried", tried)
	at.Store(9)
	for _, arg := range []string{"2", "3"} {
		if err := s.Apply(cfg(arg)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the new one was tried", tried)
	if first := s.hosts()[0].track.beginning(); first.Seq != 5 {
		t.Errorf("its events begin behind %d", first.Seq)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A stop while an adapter waits for its next start does not start it.
func TestStopInBackoff(t *testing.T) {
	l := &logged{}
	h, err := New(Config{Name: "a", Command: []string{"/no/such/program"}}, Deps{Log: l.logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	until(t, "it waits", func() bool { return !h.Status().NextStart.IsZero() })
	before := h.Status().Restarts
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := h.Status(); s.Restarts != before || s.State != control.AdapterStopped || !s.NextStart.IsZero() || h.starts != before+1 {
		t.Errorf("%+v, %d starts", s, h.starts)
	}
}

// What is wrong with a configuration is told without the value, which may be a password.
func TestUnfitConfigKeepsItsValues(t *testing.T) {
	schema := []byte(`{"type": "object", "required": ["url"], "additionalProperties": false, "properties": {
		"url": {"type": "string", "pattern": "^https:"}, "mode": {"enum": ["a", "b"]},
		"secrets": {"type": "array", "items": {"type": "object"}}}}`)
	for config, want := range map[string]string{
		`{"url": "https://x", "secrets": ["hidden"]}`: "secrets",
		`{"url": "hidden"}`:                           "url",
		`{"url": "https://x", "mode": "hidden"}`:      "mode",
		`{"mode": "a"}`:                               "url",
		`{"url": "https://x", "uri": 1}`:              "uri",
	} {
		err := checkConfig(schema, []byte(config))
		if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// Two daemons do not sweep each other's sockets away.
func TestOneFolderOneDaemon(t *testing.T) {
	l := &logged{}
	deps := Deps{Log: l.logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors()}
	dir := t.TempDir() + "/a"
	if len(dir) > LongestRuntime {
		t.Skip("the folder for temporary files has a long name")
	}
	cfg := []Config{{Name: "a", Command: []string{"/no/such"}, RuntimeDir: dir}}
	first, err := NewSet(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	until(t, "it has the folder", func() bool { _, err := os.Stat(dir); return err == nil && first.Status()[0].LastError != "" })
	second, err := NewSet(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another daemon uses it") {
		t.Errorf("the second: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder stays")
	}
}
