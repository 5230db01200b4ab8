package daemon

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cordboard/configs"
	"cordboard/plugins/control"
	"cordboard/systemd"
)

// Options of a run.
type Options struct {
	Log   *slog.Logger    // nil: to stderr as the configuration says
	Ready func()          // called once everything serves
	Force <-chan struct{} // closed by a second stop: hang up instead of waiting

	Reload <-chan os.Signal // each asks for the file to be read again
}

// Run loads a configuration and serves it until ctx ends.
func Run(ctx context.Context, path string, o Options) error {
	cfg, err := configs.Load(path)
	if err != nil {
		return err
	}
	log, level := o.Log, (*slog.LevelVar)(nil)
	if log == nil {
		level = new(slog.LevelVar)
		log = newLog(cfg.Log, level)
	}
	d, err := New(cfg, log)
	if err != nil {
		return err
	}
	d.level = level
	if d.file, err = filepath.Abs(path); err != nil {
		d.file = path
	}
	return d.underManager(ctx, o)
}

// underManager runs the daemon and tells the service manager how it is doing. Without one it just runs.
func (d *Daemon) underManager(ctx context.Context, o Options) error {
	manager, err := systemd.New(d.log)
	if err != nil {
		d.closeAdapters()
		d.closeJournal()
		return err
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var fed sync.WaitGroup
	defer fed.Wait()
	defer stop()
	fed.Go(func() { _ = manager.Run(watch, d.alive) })
	d.manager = manager
	stopping := context.AfterFunc(ctx, func() {
		_ = manager.Stopping("draining: no new calls, running ones may end", d.now().cfg.Calls.Drain+stopMargin)
	})
	defer stopping()
	return d.Run(ctx, func() {
		_ = manager.Ready(sizeOf(d.cfg))
		fed.Go(func() { d.reloadOnSignal(watch, o.Reload) }) // one that came before waits: there was nothing to reload
		if o.Ready != nil {
			o.Ready()
		}
	}, o.Force)
}

// stopMargin is for hanging up, unregistering and closing after the drain.
const stopMargin = 30 * time.Second

// alive looks at what the daemon is for: every loop of SIP, of media and of the desks has come round since it was asked.
func (d *Daemon) alive(ctx context.Context) error {
	if err := d.board.Check(ctx); err != nil {
		return fmt.Errorf("desks: %w", err)
	}
	if err := d.stack.Check(ctx); err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	if err := d.engine.Check(ctx); err != nil {
		return fmt.Errorf("media: %w", err)
	}
	return nil
}

// newLog makes the log; its level is level's from then on.
func newLog(c configs.Log, level *slog.LevelVar) *slog.Logger {
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level.Set(slog.LevelInfo)
	}
	if c.Format == configs.FormatText && systemd.UnderJournal(os.Stderr) {
		return slog.New(systemd.JournalHandler(os.Stderr, level))
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == configs.FormatJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// serveControl offers the control service on the local socket, and tells when that is there.
func (d *Daemon) serveControl(ctx context.Context, bound chan<- struct{}) error {
	c := d.cfg.Control
	sources := d.sources()
	sources.Reload = d.reloadAndTell
	srv, err := control.NewServer(control.Config{Socket: string(c.Socket), Mode: fs.FileMode(c.Mode), Group: c.Group}, d.board, d.log,
		control.WithSources(sources))
	if err != nil {
		return err
	}
	bound <- struct{}{}
	return srv.Run(ctx)
}
