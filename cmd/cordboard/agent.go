package main

import (
	"errors"

	"cordboard/callcontrol"
)

type bindCommand struct {
	target
	Contact string   `help:"Id of the CRM record." placeholder:"ID"`
	Name    string   `help:"The record's name, shown with the call." placeholder:"NAME"`
	Kind    string   `help:"What the record is: contact, account, case." placeholder:"KIND"`
	Var     []string `help:"Variable to add to the call; repeatable." placeholder:"NAME=VALUE" sep:"none"`
}

// Run binds.
func (c *bindCommand) Run(a *app) error {
	vars, err := variables(c.Var)
	if err != nil {
		return err
	}
	if c.Contact == "" && len(vars) == 0 {
		return &usageError{errors.New("bind needs --contact or --var")}
	}
	return a.onCall(c.target, callcontrol.Command{
		Kind: callcontrol.KindBind, Contact: callcontrol.Contact{ID: c.Contact, Name: c.Name, Kind: c.Kind}, Variables: vars,
	})
}

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
