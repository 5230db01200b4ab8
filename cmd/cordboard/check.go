package main

import (
	"errors"
	"fmt"

	"cordboard/configs"
)

type checkCommand struct {
	File string `arg:"" help:"The configuration."`
}

// Run checks a configuration. Problems go to standard output: they are what was asked for.
func (c *checkCommand) Run(a *app) error {
	a.verb = "check"
	cfg, err := configs.Load(c.File)
	var problems configs.Errors
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	if a.cli.JSON {
		report, err := problems.JSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s\n", report)
	} else if len(problems) > 0 {
		fmt.Fprint(a.out, problems.Error())
	} else {
		fmt.Fprintf(a.out, "%s: ok, %d agents on %d trunks\n", c.File, len(cfg.Agents), len(cfg.Trunks))
	}
	if len(problems) > 0 {
		return &exitError{exitFailed}
	}
	return nil
}
