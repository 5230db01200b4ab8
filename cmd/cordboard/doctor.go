package main

import (
	"fmt"

	"cordboard/cmd/cordboard/internal/doctor"
	"cordboard/configs"
)

type doctorCommand struct {
	File string `arg:"" help:"The configuration."`
}

// Run tries what the configuration needs.
func (c *doctorCommand) Run(a *app) error {
	a.verb = "doctor"
	cfg, err := configs.Load(c.File)
	if err != nil {
		return err
	}
	var findings []doctor.Finding
	doctor.Run(a.ctx, cfg, func(f doctor.Finding) {
		findings = append(findings, f)
		if a.cli.JSON {
			return
		}
		fmt.Fprintf(a.out, "%-5s %-9s %s\n", f.Level, f.Check, printable(f.Message))
		if f.Advice != "" {
			fmt.Fprintf(a.out, "%16s%s\n", "", f.Advice)
		}
	})
	worst := doctor.Worst(findings)
	if a.cli.JSON {
		a.json(struct {
			OK       bool             `json:"ok"`
			Findings []doctor.Finding `json:"findings"`
		}{worst != doctor.Fail, some(findings)})
	}
	if worst == doctor.Fail {
		return &exitError{exitFailed}
	}
	return a.ctx.Err()
}
