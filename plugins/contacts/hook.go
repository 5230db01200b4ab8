package contacts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

const (
	mostWaiting  = 64              // runs that wait for a place; more are left out
	longestSaid  = 4 << 10         // bytes of what a command prints that are kept
	troubleFor   = time.Minute     // how long a failed run is told in the adapter's health
	afterTimeout = 2 * time.Second // for pipes that something else still holds
)

// hook runs a command for events. Its arguments are the configuration's alone: what a caller may have
// chosen is on stdin and in the environment only. It delays no event: runs wait for a place, and those
// that find none are left out.
type hook struct {
	plan *plan
	log  *slog.Logger
	now  func() time.Time
	jobs chan job

	ctx     context.Context // ends runs
	cancel  context.CancelFunc
	workers sync.WaitGroup
	closing chan struct{} // closed when no more runs are begun but those that wait

	mu     sync.Mutex
	failed trouble // of the last run, when it failed
	left   trouble // a run was left out, which a good one does not mend
}

// trouble is what went wrong, and since when that is told.
type trouble struct {
	err   error
	since time.Time
}

// job is one run.
type job struct {
	env   []string
	input []byte
	kind  callcontrol.EventKind
	call  callcontrol.CallID
}

// newHook is nil when there is no command.
func newHook(p *plan, log *slog.Logger) *hook {
	if len(p.Hook.Command) == 0 {
		return nil
	}
	h := &hook{plan: p, log: log, now: time.Now, jobs: make(chan job, mostWaiting), closing: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for range p.Hook.Concurrency {
		h.workers.Go(h.work)
	}
	return h
}

// event runs the command when it is for such an event and that is not old. found are the contacts that
// the book has for the other party.
func (h *hook) event(e sdk.Event, found func() []record) {
	if !h.plan.on[e.Kind] || h.now().Sub(e.At) > time.Duration(h.plan.Hook.MaxAge) {
		return
	}
	records := found()
	input, err := hookInput(e, records)
	if err != nil {
		h.fail(&h.failed, err)
		return
	}
	j := job{env: hookEnv(e, records), input: input, kind: e.Kind, call: e.CallID}
	select {
	case h.jobs <- j:
	default:
		h.fail(&h.left, errors.New("a run was left out: the command takes too long for so many events"))
	}
}

// work runs jobs one after the other. It keeps its thread: on Linux a command ends with the thread that began it, and so
// with this process, however that ends.
func (h *hook) work() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case j := <-h.jobs:
			h.one(j)
			continue
		case <-h.closing:
		}
		for {
			select {
			case j := <-h.jobs:
				h.one(j)
			default:
				return
			}
		}
	}
}

func (h *hook) one(j job) {
	if h.ctx.Err() != nil {
		return
	}
	if err := h.run(j); err != nil && h.ctx.Err() == nil {
		h.fail(&h.failed, err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed.err = nil
}

func (h *hook) run(j job) error {
	ctx, cancel := context.WithTimeout(h.ctx, time.Duration(h.plan.Hook.Timeout))
	defer cancel()
	words := h.plan.Hook.Command
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	said := &firstBytes{}
	c.Env, c.Stdin, c.Stdout, c.Stderr = j.env, bytes.NewReader(j.input), said, said
	c.SysProcAttr, c.WaitDelay = attributes(), afterTimeout
	c.Cancel = func() error { return killGroup(c.Process.Pid) }
	begun := time.Now()
	err := c.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // what it left running holds its output: that is allowed
		err = nil
	}
	h.log.Debug("hook ran", "event", string(j.kind), "call", string(j.call), "took", time.Since(begun).String(), "said", said.String(), "error", err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("it did not end within %s and was killed", time.Duration(h.plan.Hook.Timeout))
	case len(said.bytes) > 0:
		return fmt.Errorf("%w: %s", err, quote(said.String()))
	}
	return err
}

func (h *hook) fail(t *trouble, err error) {
	err = fmt.Errorf("hook %s: %w", h.plan.Hook.Command[0], err)
	h.mu.Lock()
	again := t.err != nil && t.err.Error() == err.Error() && h.now().Sub(t.since) < troubleFor
	t.err = err
	if !again {
		t.since = h.now()
	}
	h.mu.Unlock()
	if !again {
		h.log.Warn("hook failed", "error", err)
	}
}

// trouble is why the command does not do its work.
func (h *hook) trouble() error {
	if _, err := exec.LookPath(h.plan.Hook.Command[0]); err != nil {
		return fmt.Errorf("hook: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var wrong []error
	for _, t := range []trouble{h.failed, h.left} {
		if t.err != nil && h.now().Sub(t.since) < troubleFor {
			wrong = append(wrong, t.err)
		}
	}
	return errors.Join(wrong...)
}

// stop lets runs end for as long as ctx lasts, then kills them. It is called once, after the last event.
func (h *hook) stop(ctx context.Context) {
	close(h.closing)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.workers.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		h.cancel()
		<-done
	}
	h.cancel()
}

// firstBytes keeps the beginning of what is written.
type firstBytes struct{ bytes []byte }

// Write implements io.Writer; it never fails.
func (f *firstBytes) Write(p []byte) (int, error) {
	room := longestSaid - len(f.bytes)
	f.bytes = append(f.bytes, p[:min(len(p), room)]...)
	return len(p), nil
}

func (f *firstBytes) String() string { return string(bytes.TrimSpace(f.bytes)) }

// hookInput is what the command reads from stdin: the event's line with the contacts of the book.
func hookInput(e sdk.Event, records []record) ([]byte, error) {
	type entry struct {
		sdk.Contact
		Fields map[string]string `json:"fields,omitempty"`
	}
	found := make([]entry, len(records))
	for i, r := range records {
		found[i].Contact = r.contact()
		for _, f := range r.fields {
			if found[i].Fields == nil {
				found[i].Fields = map[string]string{}
			}
			found[i].Fields[f.name] = f.value
		}
	}
	text, err := json.Marshal(struct {
		line
		Contacts []entry `json:"contacts"`
	}{line{Cursor: e.Cursor, Event: &e.Event}, found})
	return append(text, '\n'), err
}
