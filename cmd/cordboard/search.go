package main

import (
	"context"
	"fmt"
	"strings"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

type searchCommand struct {
	Text  string `arg:"" help:"Part of a name, or digits of a number."`
	Agent string `help:"The agent for whom, where the CRM looks at that." placeholder:"AGENT"`
	Limit int    `help:"How many, 100 at most." default:"20"`
}

// Run searches.
func (c *searchCommand) Run(a *app) error {
	a.verb = "search"
	var found control.Found
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		found, err = client.Search(ctx, adapter.Search{Text: c.Text, Agent: callcontrol.AgentID(c.Agent), Limit: c.Limit})
		return err
	})
	if err != nil {
		return err
	}
	if a.cli.JSON {
		found.Contacts = some(found.Contacts)
		a.json(found)
		return nil
	}
	rows := [][]string{{"NAME", "KIND", "ID", "NUMBERS", "ADAPTER"}}
	for _, f := range found.Contacts {
		rows = append(rows, []string{f.Name, f.Kind, f.ID, numbersText(f.Phones), f.Adapter})
	}
	table(a.out, rows)
	for _, f := range found.Failures {
		fmt.Fprintf(a.errs, "cordboard: %s\n", printable(fmt.Sprintf("adapter %s did not answer: %s", f.Adapter, f.Message)))
	}
	return nil
}

func numbersText(phones []adapter.Phone) string {
	parts := make([]string, len(phones))
	for i, p := range phones {
		parts[i] = p.Number
		if p.Label != "" {
			parts[i] += " (" + p.Label + ")"
		}
	}
	return strings.Join(parts, ", ")
}
