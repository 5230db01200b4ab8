package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/plugins/control"
)

// codeRestart is a refusal of the command line's own.
const codeRestart callcontrol.Code = "needs_restart"

type reloadCommand struct{}

// Run lets the daemon read its configuration again and tells what came of it.
func (c *reloadCommand) Run(a *app) error {
	a.verb = "reload"
	var r control.Reload
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		r, err = client.Reload(ctx, false)
		return err
	})
	if err != nil {
		return err
	}
	p, err := a.reloaded(r)
	switch {
	case err != nil:
		return err
	case !r.Applied && len(p.Restart) > 0:
		return &callcontrol.Refusal{Code: codeRestart, Message: r.Refusal}
	case !r.Applied:
		return &callcontrol.Refusal{Code: callcontrol.CodeUnavailable, Message: r.Refusal}
	}
	if a.cli.JSON {
		a.json(struct {
			OK   bool             `json:"ok"`
			File string           `json:"file"`
			Plan *reloadplan.Plan `json:"plan"`
		}{true, r.File, p})
		return nil
	}
	fmt.Fprintf(a.out, "%s: reloaded: %s\n", printable(r.File), printable(p.Summary()))
	return nil
}

// reloaded takes apart what a daemon answers; the error is that of a file with mistakes.
func (a *app) reloaded(r control.Reload) (*reloadplan.Plan, error) {
	if len(r.Problems) > 0 {
		var out configs.Errors
		for _, p := range r.Problems {
			out = append(out, configs.Problem(p))
		}
		return nil, out
	}
	if r.Plan == "" {
		return nil, errors.New(r.Refusal)
	}
	p := new(reloadplan.Plan)
	if err := json.Unmarshal([]byte(r.Plan), p); err != nil {
		return nil, fmt.Errorf("the daemon's answer is not understood: %w", err)
	}
	return p, nil
}
