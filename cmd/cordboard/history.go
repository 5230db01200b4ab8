package main

import (
	"context"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

type historyCommand struct {
	Agent  string    `arg:"" optional:"" help:"Only this agent's."`
	Limit  int       `help:"How many, 500 at most." default:"20"`
	Before time.Time `help:"Only calls that ended before: 2025-03-14T09:15:00Z." placeholder:"TIME"`
}

// Run lists calls that have ended.
func (c *historyCommand) Run(a *app) error {
	a.verb = "history"
	var records []callcontrol.HistoryRecord
	err := a.ask(func(ctx context.Context, client *control.Client) (err error) {
		records, err = client.History(ctx, control.HistoryQuery{Agent: callcontrol.AgentID(c.Agent), Limit: c.Limit, Before: c.Before})
		return err
	})
	if err != nil {
		return err
	}
	if a.cli.JSON {
		a.json(struct {
			History []callcontrol.HistoryRecord `json:"history"`
		}{some(records)})
		return nil
	}
	rows := [][]string{{"ENDED", "CALL", "AGENT", "DIRECTION", "PARTY", "QUEUE", "CONTACT", "ANSWERED", "TALK", "HELD", "WHOLE", "ENDED BY"}}
	for i := range records {
		rows = append(rows, a.historyRow(&records[i]))
	}
	table(a.out, rows)
	return nil
}

func (a *app) historyRow(r *callcontrol.HistoryRecord) []string {
	answered := ""
	if !r.Answered.IsZero() {
		answered = "after " + shortly(r.TimeToAnswer)
	}
	return []string{
		r.Ended.In(a.zone).Format("2006-01-02 15:04:05"), string(r.Call), string(r.Agent), string(r.Direction), party(r.Remote), r.Queue,
		contactName(r.Contact), answered, shortly(r.Parts.Talk + r.Parts.Conference), shortly(r.Parts.Held), shortly(r.Parts.Sum()),
		because(string(r.EndedBy), string(r.Cause)),
	}
}

// shortly is a length of time to the second; nothing for none.
func shortly(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(time.Second).String()
}
