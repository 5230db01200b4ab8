package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/plugins/control"
)

// reloadOnSignal reloads at each signal until ctx ends.
func (d *Daemon) reloadOnSignal(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			_, _ = d.reloadAndTell(ctx, false)
		case <-ctx.Done():
			return
		}
	}
}

// reloadAndTell is Reload with a word to the service manager, the log and the figures.
func (d *Daemon) reloadAndTell(ctx context.Context, dry bool) (control.Reload, error) {
	if dry {
		return d.Reload(ctx, true), nil
	}
	if d.manager != nil {
		_ = d.manager.Reloading()
	}
	r := d.Reload(ctx, false)
	outcome := "reloaded: "
	if r.Applied {
		var p reloadplan.Plan
		_ = json.Unmarshal([]byte(r.Plan), &p) // ours
		outcome += p.Summary()
		d.log.Info("configuration reloaded", "file", r.File, "changes", p.Summary())
		for _, c := range p.Changes {
			d.log.Debug("configuration changed", "key", c.Path, "kind", c.Kind, "from", c.Old, "to", c.New)
		}
	} else {
		outcome = "reload refused: " + r.Refusal
		d.log.Error("configuration not reloaded, the old one stays in force", "file", r.File, "reason", r.Refusal)
		for _, p := range r.Problems {
			d.log.Error("problem in the configuration", "file", p.File, "line", p.Line, "column", p.Column, "key", p.Path, "problem", p.Message, "fix", p.Fix)
		}
		if len(r.Problems) > 0 {
			p := r.Problems[0]
			outcome += fmt.Sprintf(" (%s:%d:%d)", p.File, p.Line, p.Column)
		}
	}
	if d.manager != nil {
		_ = d.manager.Ready(sizeOf(d.now().cfg) + "; " + outcome)
	}
	return r, nil
}

func sizeOf(c *configs.Config) string {
	return fmt.Sprintf("%d agents at %d trunks", len(c.Agents), len(c.Trunks))
}
