package demo

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/daemon"
)

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// TestDemo plays the whole demo with the daemon in this process; nothing may be left of it.
func TestDemo(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	report, err := Run(ctx, Options{
		Out: t.TempDir(), Say: testLog{t}, Limit: 4 * time.Minute, // with the race detector, beside other tests
		Serve: func(ctx context.Context, config string) error { return daemon.Run(ctx, config, daemon.Options{}) },
	})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	if report.Digits.Received != "42#" || report.RegisteredLines != agents || report.Events == 0 || len(report.Streams) < 8 {
		t.Errorf("report %+v", report)
	}
	if a := report.Adapter; a.Contact != "Maria Petrenko" || a.Events < 50 || a.Missed+a.Doubled != 0 || a.Calls < 4 || a.Kill.PID == a.Kill.BackPID {
		t.Errorf("adapter %+v", a)
	}
}

// TestDemoTooSlow: the story ends in its time, with a report of how far it came and a clear error.
func TestDemoTooSlow(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	report, err := Run(ctx, Options{
		Out: dir, Say: testLog{t}, Limit: time.Nanosecond,
		Serve: func(ctx context.Context, config string) error { return daemon.Run(ctx, config, daemon.Options{}) },
	})
	if !errors.Is(err, ErrTooSlow) || ctx.Err() != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	written, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil || report.OK || len(report.Steps) != 1 || !strings.Contains(string(written), ErrTooSlow.Error()) {
		t.Errorf("%v: %+v, written %s", err, report, written)
	}
}

// TestPlayground: what a demo leaves running has a phone for each agent, and customers whose calls can be answered and
// refused.
func TestPlayground(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	life, stop := context.WithCancel(ctx)
	g, run := errgroup.WithContext(life)
	o := Options{Out: t.TempDir(), Say: testLog{t}, Serve: func(ctx context.Context, config string) error {
		return daemon.Run(ctx, config, daemon.Options{})
	}}
	w, err := start(run, g, o.Out, o)
	if err != nil {
		t.Fatal(err)
	}
	p := newPlayground(w, o)
	if err := p.open(run, func(f func(context.Context) error) { g.Go(func() error { return f(run) }) }); err != nil {
		t.Fatal(err)
	}
	g.Go(func() error { p.customers(run, 100*time.Millisecond); return nil })
	offered := func(i int) func(callcontrol.CallView) bool {
		return func(c callcontrol.CallView) bool {
			return c.Agent == callcontrol.AgentID(agentName(i)) && c.Phase == callcontrol.PhaseOffered && c.Queue == "Sales"
		}
	}
	s := &story{world: w}
	for i := 1; i < agents; i++ {
		if _, err := s.await(ctx, offered(i)); err != nil {
			t.Fatalf("%s: %v", agentName(i), err)
		}
	}
	for _, c := range []callcontrol.Command{
		{Kind: callcontrol.KindAnswer, Agent: "boris"}, {Kind: callcontrol.KindReject, Agent: "clara"}, {Kind: callcontrol.KindDial, Agent: anna, Number: "2004"},
	} {
		if _, err := w.client.Do(ctx, c); err != nil {
			t.Errorf("%s: %v", c.Kind, err)
		}
	}
	for _, agent := range []callcontrol.AgentID{anna, "boris"} {
		if _, err := s.await(ctx, func(c callcontrol.CallView) bool {
			return c.Agent == agent && c.Phase == callcontrol.PhaseTalking
		}); err != nil {
			t.Errorf("%s: %v", agent, err)
		}
	}
	// A step whose state the daemon does not confirm is not ok, whatever is heard.
	s.report, s.say = &Report{}, io.Discard
	s.check(ctx, "a step", "held", none())
	if step := s.report.Steps[0]; step.OK || step.State != "talking" || !strings.Contains(step.Error, `"talking", not "held"`) {
		t.Errorf("step %+v", step)
	}
	stop()
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	w.client.Close()
}
