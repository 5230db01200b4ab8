package main

import "cordboard/callcontrol"

type statusCommand struct {
	Agent  string `arg:"" help:"The agent."`
	Status string `arg:"" optional:"" enum:"ready,pause,offline," default:"" help:"ready, pause (no queue calls) or offline (no calls); left out: show it."`
	Reason string `help:"Why, for reports." placeholder:"TEXT"`
	id
}

// Run sets the status, or shows it.
func (c *statusCommand) Run(a *app) error {
	if c.Status == "" {
		return (&agentsCommand{Agents: []string{c.Agent}}).Run(a)
	}
	return a.onAgent(c.Agent, c.ID, callcontrol.Command{Kind: callcontrol.KindStatus, Status: callcontrol.Status(c.Status), Reason: c.Reason})
}
