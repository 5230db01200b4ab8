// Package demo plays the manual's story against a real daemon on loopback, measures in the received RTP what every party
// heard, and writes a report.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/internal/freeport"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// ErrNotOK says that a step, a stream or the digits were not as expected; the report says which.
var ErrNotOK = errors.New("the demo's report is not ok")

// ErrTooSlow says that the story did not come to its end in its time; the report has the steps until then.
var ErrTooSlow = errors.New("the demo did not end in its time: this host is too slow or too busy for it")

// limit is for the whole story, from the start of the daemon to the report.
const limit = 90 * time.Second

// Options of a demo.
type Options struct {
	Out  string // folder for report.json, the WAV files and the daemon's configuration
	Keep bool   // leave everything running until ctx ends
	Say  io.Writer
	// Limit is the longest that the story may take; 0: 90 s.
	Limit time.Duration
	// Adapters prints how adapters are, as cordboard adapters does; nil: it is not shown.
	Adapters func(w io.Writer, adapters []control.AdapterStatus)
	// Serve runs the daemon with a configuration file until ctx ends. It starts the contacts adapter as this program with the
	// arguments "adapter contacts".
	Serve func(ctx context.Context, config string) error
}

// Run plays the story. The error is ErrNotOK when the report is not ok.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Out)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, run := errgroup.WithContext(ctx)
	report := &Report{}
	g.Go(func() error {
		defer cancel()
		return play(run, g, dir, o, report)
	})
	err = g.Wait()
	if err != nil && !(errors.Is(err, context.Canceled) && len(report.Steps) > 0) {
		return report, err
	}
	if !report.OK {
		return report, ErrNotOK
	}
	return report, nil
}

// play starts the world, then the daemon, tells the story and writes the report.
func play(ctx context.Context, g *errgroup.Group, dir string, o Options, report *Report) error {
	if o.Limit == 0 {
		o.Limit = limit
	}
	s := &story{report: report, out: dir, say: o.Say, look: o.Adapters, ledger: ledger{path: filepath.Join(dir, eventsFile)}}
	timed, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf("%w (%v)", ErrTooSlow, o.Limit))
	defer cancel()
	w, err := start(ctx, g, dir, o)
	if err != nil {
		return err
	}
	defer w.client.Close()
	s.world = w
	s.tell(timed)
	slow := context.Cause(timed)
	if slow != nil && ctx.Err() == nil {
		s.add(Step{Name: "story", Expected: none(), Heard: none(), Error: slow.Error()})
	}
	if err := s.finish(ctx); err != nil {
		return err
	}
	if slow != nil {
		return slow
	}
	if o.Keep {
		play := newPlayground(w, o)
		if err := play.open(ctx, func(f func(context.Context) error) { g.Go(func() error { return f(ctx) }) }); err != nil {
			return err
		}
		play.customers(ctx, callEvery)
	}
	return nil
}

// start brings up PBX, daemon, phone and control client, and waits until lines and phone are registered and the adapter runs.
func start(life context.Context, g *errgroup.Group, dir string, o Options) (*world, error) {
	ctx, cancel := context.WithTimeout(life, 30*time.Second)
	defer cancel()
	goLong := func(f func(context.Context) error) { g.Go(func() error { return f(life) }) }
	w := &world{dir: dir}
	var err error
	if w.pbx, err = newPBX(); err != nil {
		return nil, err
	}
	goLong(w.pbx.Run)
	port, err := freeport.Deal()
	if err != nil {
		return nil, err
	}
	w.sip = netip.AddrPortFrom(loopback, port)
	config, err := writeConfig(dir, w.pbx.Addr(), w.sip)
	if err != nil {
		return nil, err
	}
	goLong(func(ctx context.Context) error { return o.Serve(ctx, config) })
	if w.client, err = connect(ctx, filepath.Join(dir, "control.sock")); err != nil {
		return nil, err
	}
	if w.phone, err = w.newPhone(0); err != nil {
		return nil, err
	}
	goLong(w.phone.Run)
	if err := w.phone.WaitRegistered(ctx); err != nil {
		return nil, err
	}
	if err := w.pbx.WaitRegistered(ctx, agents); err != nil {
		return nil, err
	}
	_, err = w.awaitAdapter(ctx, "running", begun)
	return w, err
}

// newPhone makes the phone of an agent.
func (w *world) newPhone(i int) (*sim.Phone, error) {
	return sim.NewPhone(sim.PhoneConfig{
		Addr: loopback, Server: w.sip, User: agentName(i) + "-phone", Password: "phone-secret-" + lineUser(i), Source: voice("agent"), AutoAnswer: true,
	})
}
