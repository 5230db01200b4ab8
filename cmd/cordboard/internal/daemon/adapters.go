package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cordboard/configs"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// settleLimit is how long the last events wait for the adapters at a stop.
const settleLimit = 2 * time.Second

// newAdapters makes the supervisors of the configured adapters. Nothing is started before Run.
func (d *Daemon) newAdapters() error {
	cfgs, err := d.adapterConfigs(d.cfg)
	if err != nil {
		return err
	}
	d.adapters, err = host.NewSet(cfgs, host.Deps{
		Log: d.log, Control: d.board, Cursors: d.store, Sources: d.sources(), Last: d.events.Last, Metrics: d.metrics.adapters,
	})
	return err
}

// adapterConfigs maps the configuration of adapters.
func (d *Daemon) adapterConfigs(c *configs.Config) ([]host.Config, error) {
	var out []host.Config
	if len(c.Adapters) > 0 && d.sockets == "" {
		var err error
		if d.sockets, err = socketFolder(string(c.Control.Socket)); err != nil {
			return nil, err
		}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return nil, err
	}
	for _, a := range c.Adapters {
		command, err := adapterCommand(a)
		if err != nil {
			return nil, fmt.Errorf("adapter %s: %w", a.Name, err)
		}
		out = append(out, host.Config{
			Name: a.Name, Kind: string(a.Kind), Command: command, Env: a.Env, Dir: c.Folder(), Config: a.Config.JSON(),
			LookupTimeout: a.Lookup.Timeout, RuntimeDir: d.sockets, Version: Version(), LogLevel: level,
		})
	}
	return out, nil
}

// adapterCommand is the program of an adapter: for those that come with the daemon, the daemon's own.
func adapterCommand(a configs.Adapter) ([]string, error) {
	if a.Kind == configs.AdapterCommand {
		return a.Words(), nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{self, "adapter", string(a.Kind)}, nil
}

// socketFolder is where adapters' sockets are: beside the control socket, or where there is room for their paths.
func socketFolder(controlSocket string) (string, error) {
	dir := filepath.Join(filepath.Dir(controlSocket), "adapters")
	if len(dir) <= host.LongestRuntime {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "cordboard")
	if err != nil {
		return "", fmt.Errorf("adapters' sockets: %w", err)
	}
	return dir, nil
}

// settleAdapters waits a moment for the adapters to take the last events.
func (d *Daemon) settleAdapters(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	if err := d.adapters.Settle(ctx); err != nil {
		d.log.Warn("an adapter has not taken the last events", "err", err)
	}
}

// closeAdapters removes what is left of adapters.
func (d *Daemon) closeAdapters() {
	if d.sockets != "" {
		_ = os.Remove(d.sockets) // that of a set which never ran
	}
}

// sources are what the daemon tells of itself.
func (d *Daemon) sources() control.Sources {
	return control.Sources{Directory: d.directory, Status: d.status, History: d.historyOf, Search: d.search}
}

func (d *Daemon) status(ctx context.Context) (control.Status, error) {
	snap, err := d.board.Snapshot(ctx)
	if err != nil {
		return control.Status{}, err
	}
	return control.Status{
		Version: Version(), Started: d.started, Cursor: snap.Cursor, Draining: snap.Draining, Adapters: d.adapters.Status(),
	}, nil
}
