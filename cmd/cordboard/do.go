package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// target is how a verb says which call: the agent's current one, or an exact one.
type target struct {
	Agent string `arg:"" help:"The agent."`
	Call  string `help:"The call; without it the agent's current one." placeholder:"CALL"`
	id
}

// id makes a command safe to repeat.
type id struct {
	ID string `name:"id" help:"Command id: the same id never does the command twice." placeholder:"ID"`
}

// connect gives the client of the daemon. The caller closes it.
func (a *app) connect() (*control.Client, error) { return control.Dial(a.cli.Socket) }

func (a *app) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.ctx, a.cli.Timeout)
}

// ask lets f ask the daemon, within the time given.
func (a *app) ask(f func(context.Context, *control.Client) error) error {
	client, err := a.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := a.within()
	defer cancel()
	return f(ctx, client)
}

// onCall does a verb to the call of t.
func (a *app) onCall(t target, c callcontrol.Command) error {
	a.verb = string(c.Kind)
	client, err := a.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	c.Agent, c.Call = callcontrol.AgentID(t.Agent), callcontrol.CallID(t.Call)
	if c.Call == "" {
		ctx, cancel := a.within()
		defer cancel()
		calls, _, err := client.Calls(ctx, c.Agent)
		if err != nil {
			return err
		}
		if c.Call, err = control.Pick(calls, c.Agent, c.Kind); err != nil {
			return err
		}
	}
	return a.send(client, t.ID, c)
}

// onAgent does a verb that needs no call.
func (a *app) onAgent(agent, commandID string, c callcontrol.Command) error {
	a.verb = string(c.Kind)
	client, err := a.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	c.Agent = callcontrol.AgentID(agent)
	return a.send(client, commandID, c)
}

// done is a result as programs get it with --json.
type done struct {
	OK        bool                   `json:"ok"`
	Verb      callcontrol.Kind       `json:"verb"`
	CommandID callcontrol.CommandID  `json:"command_id"`
	Agent     callcontrol.AgentID    `json:"agent"`
	Call      callcontrol.CallID     `json:"call,omitempty"`
	Leg       callcontrol.LegID      `json:"leg,omitempty"`
	Transfer  callcontrol.TransferID `json:"transfer,omitempty"`
	Replayed  bool                   `json:"replayed,omitempty"`
}

func (a *app) send(client *control.Client, commandID string, c callcontrol.Command) error {
	c.ID = callcontrol.CommandID(commandID)
	if commandID == "" {
		c.ID = callcontrol.CommandID("cli-" + rand.Text())
	}
	ctx, cancel := a.within()
	defer cancel()
	r, err := client.Do(ctx, c)
	if err != nil {
		return err
	}
	d := done{OK: true, Verb: c.Kind, CommandID: c.ID, Agent: c.Agent, Call: r.Call, Leg: r.Leg, Transfer: r.Transfer, Replayed: r.Replayed}
	if d.Call == "" {
		d.Call = c.Call
	}
	if a.cli.JSON {
		a.json(d)
		return nil
	}
	fmt.Fprintln(a.out, printable(d.line()))
	return nil
}

func (d done) line() string {
	parts := []string{"ok:", string(d.Verb)}
	for _, p := range []struct{ name, value string }{{"call", string(d.Call)}, {"leg", string(d.Leg)}, {"transfer", string(d.Transfer)}} {
		if p.value != "" {
			parts = append(parts, p.name, p.value)
		}
	}
	if d.Replayed {
		parts = append(parts, "(done before)")
	}
	return strings.Join(parts, " ")
}
