package main

import (
	"context"
	"fmt"
	"slices"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

type agentsCommand struct {
	Agents []string `arg:"" optional:"" name:"agent" help:"Only these."`
}

// Run lists agents.
func (c *agentsCommand) Run(a *app) error {
	a.verb = "agents"
	ids := make([]callcontrol.AgentID, len(c.Agents))
	for i, n := range c.Agents {
		ids[i] = callcontrol.AgentID(n)
	}
	var agents []callcontrol.AgentView
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		agents, err = client.Agents(ctx, ids...)
		return err
	})
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			Agents []callcontrol.AgentView `json:"agents"`
		}{some(agents)})
		return nil
	}
	rows := [][]string{{"AGENT", "NAME", "STATUS", "LINE", "DEVICE", "CALLS", "AVAILABLE"}}
	for _, v := range agents {
		rows = append(rows, agentRow(v))
	}
	table(a.out, rows)
	return nil
}

func agentRow(v callcontrol.AgentView) []string {
	available := "yes"
	if len(v.Why) > 0 {
		codes := make([]callcontrol.WhyCode, len(v.Why))
		for i, w := range v.Why {
			codes[i] = w.Code
		}
		available = "no: " + joined(slices.Compact(codes))
	}
	return []string{
		string(v.ID), v.Name, because(string(v.Status), v.Reason),
		yes(v.Registered, "registered", because("down", v.LineReason)), deviceText(v.Device), joined(v.Calls), available,
	}
}

func deviceText(d callcontrol.DeviceView) string {
	switch {
	case d.Lost:
		return because("lost", d.Reason)
	case d.State != "":
		return string(d.State)
	}
	return yes(d.Reachable, "reachable", because("unreachable", d.Reason))
}

type callsCommand struct {
	Agent string `arg:"" optional:"" help:"Only this agent's."`
	Legs  bool   `help:"With each party, its media and what may be done to it now."`
}

// Run lists calls.
func (c *callsCommand) Run(a *app) error {
	a.verb = "calls"
	var calls []callcontrol.CallView
	var transfers []callcontrol.TransferView
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		calls, transfers, err = client.Calls(ctx, callcontrol.AgentID(c.Agent))
		return err
	})
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			Calls     []callcontrol.CallView     `json:"calls"`
			Transfers []callcontrol.TransferView `json:"transfers"`
		}{some(calls), some(transfers)})
		return nil
	}
	rows := [][]string{{"CALL", "AGENT", "DIRECTION", "PARTY", "QUEUE", "PHASE", "FOR", "QUALITY", "CONTACT", "TRANSFER"}}
	for _, v := range calls {
		rows = append(rows, []string{
			string(v.ID), string(v.Agent), string(v.Direction), party(v.Remote), v.Queue, because(string(v.Phase), string(v.Cause)),
			elapsed(v.Started, a.now()), qualityText(worst(v.Legs)), contactText(v), transferText(v.Transfer, transfers),
		})
	}
	table(a.out, rows)
	if c.Legs {
		fmt.Fprintln(a.out)
		table(a.out, legRows(calls))
	}
	return nil
}

func transferText(id callcontrol.TransferID, all []callcontrol.TransferView) string {
	for _, t := range all {
		if t.ID == id {
			return fmt.Sprintf("%s to %s, %s", t.Kind, t.Target, t.Status)
		}
	}
	return string(id)
}

func legRows(calls []callcontrol.CallView) [][]string {
	rows := [][]string{{"CALL", "LEG", "ROLE", "STATE", "PARTY", "QUALITY", "MEDIA", "ACTIONS"}}
	for _, c := range calls {
		for _, l := range c.Legs {
			state := because(string(l.State), string(l.Cause))
			if l.Muted {
				state += ", muted"
			}
			if l.PeerHold {
				state += ", holds us"
			}
			who := party(l.Party)
			if l.Role == callcontrol.RoleDevice && l.Party == (callcontrol.Identity{}) {
				who = string(c.Agent)
			}
			rows = append(rows, []string{
				string(c.ID), string(l.ID), string(l.Role), state, who, qualityText(l.Media), mediaText(l.Media), joined(l.Actions),
			})
		}
	}
	return rows
}

type whyCommand struct {
	Agent string `arg:"" help:"The agent."`
}

// Run tells why.
func (c *whyCommand) Run(a *app) error {
	a.verb = "why"
	var agent callcontrol.AgentView
	var why []callcontrol.Why
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		agent, why, err = client.Why(ctx, callcontrol.AgentID(c.Agent))
		return err
	})
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			Agent     callcontrol.AgentID `json:"agent"`
			Available bool                `json:"available"`
			Reasons   []callcontrol.Why   `json:"reasons"`
		}{agent.ID, len(why) == 0, some(why)})
		return nil
	}
	if len(why) == 0 {
		fmt.Fprintf(a.out, "%s is available\n", agent.ID)
		return nil
	}
	rows := [][]string{{"REASON", "CALL", "MEANS"}}
	for _, w := range why {
		rows = append(rows, []string{string(w.Code), string(w.Call), w.Text})
	}
	table(a.out, rows)
	return nil
}

// some makes an empty list [] in JSON, never null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
