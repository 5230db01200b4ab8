package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"cordboard/plugins/control"
)

type adaptersCommand struct {
	Adapters []string `arg:"" optional:"" name:"adapter" help:"Only these."`
}

// Run lists adapters.
func (c *adaptersCommand) Run(a *app) error {
	a.verb = "adapters"
	var status control.Status
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		status, err = client.Status(ctx)
		return err
	})
	if err != nil {
		return err
	}
	adapters, err := c.wanted(status.Adapters)
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			Adapters []control.AdapterStatus `json:"adapters"`
		}{some(adapters)})
		return nil
	}
	a.adapters(a.out, adapters)
	return nil
}

// adapters prints how adapters are.
func (a *app) adapters(w io.Writer, adapters []control.AdapterStatus) {
	rows := [][]string{{"ADAPTER", "KIND", "STATE", "PID", "PROGRAM", "UP", "RESTARTS", "LAG", "LAST TROUBLE"}}
	for _, s := range adapters {
		rows = append(rows, adapterRow(s, a.now()))
	}
	table(w, rows)
}

func (c *adaptersCommand) wanted(all []control.AdapterStatus) ([]control.AdapterStatus, error) {
	if len(c.Adapters) == 0 {
		return all, nil
	}
	var out []control.AdapterStatus
	for _, name := range c.Adapters {
		i := slices.IndexFunc(all, func(s control.AdapterStatus) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no adapter %q in the daemon's configuration", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

func adapterRow(s control.AdapterStatus, now time.Time) []string {
	state, up, pid := string(s.State), "", ""
	if s.State == control.AdapterBackoff && !s.NextStart.IsZero() {
		state += ": next start in " + max(s.NextStart.Sub(now), 0).Round(time.Second).String()
	}
	if s.PID != 0 {
		up, pid = elapsed(s.Started, now), strconv.Itoa(s.PID)
	}
	program := s.Program
	if s.Version != "" {
		program += " " + s.Version
	}
	trouble := ""
	if s.LastError != "" {
		trouble = elapsed(s.LastErrorAt, now) + " ago: " + s.LastError
	}
	return []string{
		s.Name, s.Kind, state, pid, program, up, strconv.Itoa(s.Restarts), strconv.FormatUint(s.Lag, 10), trouble,
	}
}
