package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/plugins/control"
)

type planCommand struct {
	Files []string `arg:"" name:"file" help:"Old and new configuration; or only the new one, to be compared with what the running daemon has."`
}

// Run tells what a new configuration would do, and changes nothing.
func (c *planCommand) Run(a *app) error {
	a.verb = "plan"
	var p *reloadplan.Plan
	var note string
	var err error
	switch len(c.Files) {
	case 1:
		p, note, err = a.planRunning(c.Files[0])
	case 2:
		p, note, err = a.planFiles(c.Files[0], c.Files[1])
	default:
		return &usageError{errors.New("plan takes one or two configurations")}
	}
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			OK   bool   `json:"ok"` // a reload would do it
			Note string `json:"note,omitempty"`
			*reloadplan.Plan
		}{len(p.Restart) == 0, note, p})
	} else {
		a.showPlan(p, note)
	}
	if len(p.Restart) > 0 {
		return &exitError{exitRefused}
	}
	return nil
}

// planFiles compares two files, and asks the daemon, if there is one, for the live calls.
func (a *app) planFiles(before, after string) (*reloadplan.Plan, string, error) {
	from, err := configs.Load(before)
	if err != nil {
		return nil, "", err
	}
	to, err := configs.Load(after)
	if err != nil {
		return nil, "", err
	}
	p, err := reloadplan.Make(from, to)
	if err != nil {
		return nil, "", err
	}
	var snap callcontrol.Snapshot
	err = a.ask(func(ctx context.Context, client *control.Client) (err error) {
		snap, err = client.Snapshot(ctx)
		return err
	})
	if err != nil {
		return p, "no daemon was asked for live calls", nil
	}
	p.Touch(snap)
	return p, "", nil
}

// planRunning compares a file with what the daemon runs. Its own file the daemon compares by itself; for another one, its own is
// read here, since what it runs holds passwords and is given to nobody.
func (a *app) planRunning(file string) (*reloadplan.Plan, string, error) {
	r, err := a.dryRun()
	if err != nil {
		return nil, "", err
	}
	if same(file, r.File) {
		p, err := a.reloaded(r)
		return p, "", err
	}
	if r.File == "" {
		return nil, "", errors.New(r.Refusal + ": name the old configuration as well, as cordboard plan OLD NEW")
	}
	p, note, err := a.planFiles(r.File, file)
	if theirs, e := a.reloaded(r); e != nil || !theirs.Empty() {
		note = strings.TrimPrefix(note+"; "+r.File+" was changed since the daemon read it: this compares with the file", "; ")
	}
	return p, note, err
}

func (a *app) dryRun() (r control.Reload, err error) {
	err = a.ask(func(ctx context.Context, client *control.Client) (err error) {
		r, err = client.Reload(ctx, true)
		return err
	})
	return r, err
}

// same reports whether two paths are one file.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y) || filepath.Clean(a) == filepath.Clean(b)
}

// showPlan prints a plan for people.
func (a *app) showPlan(p *reloadplan.Plan, note string) {
	rows := [][]string{{"WHAT", "NAME", "DOES", "DETAIL"}}
	for _, c := range p.Changes {
		if c.Effect == configs.EffectRestart {
			rows = append(rows, []string{"key", c.Path, "needs restart", change(c)})
		}
	}
	for _, list := range []struct {
		what  string
		steps []reloadplan.Step
	}{{"agent", p.Agents}, {"trunk", p.Trunks}, {"adapter", p.Adapters}} {
		for _, s := range list.steps {
			rows = append(rows, []string{list.what, s.Name, s.Does, strings.Join(s.Keys, ", ")})
		}
	}
	for _, c := range p.Changes {
		for _, k := range p.Settings {
			if k == c.Path {
				rows = append(rows, []string{"key", c.Path, string(c.Kind), change(c)})
			}
		}
	}
	for _, l := range p.Lines {
		rows = append(rows, []string{"line", l.Trunk + "/" + l.User, l.Does, "agent " + l.Agent})
	}
	for _, c := range p.Calls {
		rows = append(rows, []string{"call", string(c.Call), string(c.Phase), "agent " + string(c.Agent) + ": " + c.Means})
	}
	if len(rows) > 1 {
		table(a.out, rows)
		fmt.Fprintln(a.out)
	}
	switch {
	case p.Empty():
		fmt.Fprintln(a.out, "Nothing changes. A reload reads the files again that the configuration names: music, certificates.")
	case len(p.Restart) > 0:
		fmt.Fprintln(a.out, "A reload is refused: "+printable(strings.Join(p.Restart, ", "))+" needs a restart. Nothing of it comes into force before.")
	default:
		fmt.Fprintln(a.out, "A reload does it: "+printable(p.Summary())+".")
	}
	if note != "" {
		fmt.Fprintln(a.out, "Note: "+printable(note)+".")
	}
}

// change is what a key was and is.
func change(c configs.Change) string {
	switch {
	case c.Old == "" && c.New == "":
		return ""
	case c.Old == "":
		return "now " + c.New
	case c.New == "":
		return "was " + c.Old
	}
	return c.Old + " to " + c.New
}
