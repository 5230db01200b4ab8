package daemon

import (
	"context"
	"io/fs"
	"log/slog"
	"os"

	"cordboard/configs"
	"cordboard/plugins/control"
)

// Options of a run.
type Options struct {
	Log   *slog.Logger    // nil: to stderr as the configuration says
	Ready func()          // called once everything serves
	Force <-chan struct{} // closed by a second stop: hang up instead of waiting
}

// Run loads a configuration and serves it until ctx ends.
func Run(ctx context.Context, path string, o Options) error {
	cfg, err := configs.Load(path)
	if err != nil {
		return err
	}
	log := o.Log
	if log == nil {
		log = newLog(cfg.Log)
	}
	d, err := New(cfg, log)
	if err != nil {
		return err
	}
	return d.Run(ctx, o.Ready, o.Force)
}

func newLog(c configs.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == configs.FormatJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// serveControl offers the control service on the local socket.
func (d *Daemon) serveControl(ctx context.Context) error {
	c := d.cfg.Control
	srv, err := control.NewServer(control.Config{Socket: string(c.Socket), Mode: fs.FileMode(c.Mode), Group: c.Group}, d.board, d.log)
	if err != nil {
		return err
	}
	return srv.Run(ctx)
}
