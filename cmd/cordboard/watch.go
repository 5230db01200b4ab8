package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

type watchCommand struct {
	Agents []string `arg:"" optional:"" name:"agent" help:"Only events of these agents."`
	All    bool     `help:"From the oldest event that is kept, instead of from now." xor:"from"`
	From   string   `help:"From after this cursor." placeholder:"EPOCH:SEQ" xor:"from"`
	Count  int      `help:"End after so many events; 0: never." default:"0"`
}

// Run follows events until a signal.
func (c *watchCommand) Run(a *app) error {
	a.verb = "watch"
	client, err := a.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	from, err := c.start(a, client)
	if err != nil {
		return err
	}
	down := false
	events := client.Follow(from, func(err error) {
		if !down {
			fmt.Fprintf(a.errs, "cordboard: %v; trying again\n", err)
		}
		down = true
	})
	for told := 0; c.Count == 0 || told < c.Count; {
		e, err := events.Next(a.ctx)
		switch {
		case a.stopped(err):
			return nil
		case err != nil:
			return err
		}
		down = false
		if e.Gap == nil && !c.wants(e.Event.Agent) {
			continue
		}
		told++
		if err := a.told(e); err != nil {
			return err
		}
	}
	return nil
}

// start is the cursor to begin at. It finds out whether the daemon is there at all.
func (c *watchCommand) start(a *app, client *control.Client) (journal.Cursor, error) {
	ctx, cancel := a.within()
	defer cancel()
	snap, err := client.Snapshot(ctx)
	switch {
	case err != nil:
		return journal.Cursor{}, err
	case c.All:
		return journal.Cursor{}, nil
	case c.From == "":
		return snap.Cursor, nil
	}
	i := strings.LastIndexByte(c.From, ':')
	if i > 0 {
		if seq, err := strconv.ParseUint(c.From[i+1:], 10, 64); err == nil {
			return journal.Cursor{Epoch: c.From[:i], Seq: seq}, nil
		}
	}
	return journal.Cursor{}, &usageError{errors.New("--from wants EPOCH:SEQ, as a watch with --json prints them")}
}

func (c *watchCommand) wants(agent callcontrol.AgentID) bool {
	for _, w := range c.Agents {
		if w == string(agent) {
			return true
		}
	}
	return len(c.Agents) == 0
}

// told prints one entry: a line of JSON, or a line for people.
func (a *app) told(e journal.Entry[callcontrol.Event]) error {
	if a.cli.JSON {
		line := struct {
			Cursor journal.Cursor     `json:"cursor"`
			Event  *callcontrol.Event `json:"event,omitempty"`
			Gap    *journal.Gap       `json:"gap,omitempty"`
		}{Cursor: e.Cursor, Gap: e.Gap}
		if e.Gap == nil {
			line.Event = &e.Event
		}
		return a.jsonLine(line)
	}
	if e.Gap != nil {
		_, err := fmt.Fprintf(a.out, "-- events lost up to %d; `cordboard agents` and `cordboard calls` show what is now\n", e.Gap.To.Seq)
		return err
	}
	v := e.Event
	_, err := fmt.Fprintln(a.out, printable(strings.TrimRight(fmt.Sprintf("%s  %-6d %-17s %-10s %-18s %s",
		v.At.In(a.zone).Format("15:04:05.000"), e.Cursor.Seq, v.Kind, v.Agent, v.CallID, eventText(v)), " ")))
	return err
}

// eventText is what an event tells beyond its kind. A digit is not shown: it may belong to a card
// number. --json has it.
func eventText(v callcontrol.Event) string {
	var parts []string
	if v.Leg != "" {
		parts = append(parts, "leg "+string(v.Leg))
	}
	switch {
	case v.Transfer != nil:
		parts = append(parts, fmt.Sprintf("%s to %s: %s", v.Transfer.Kind, v.Transfer.Target, v.Transfer.Status))
	case v.State != nil:
		parts = append(parts, agentText(*v.State))
	case v.Call != nil:
		parts = append(parts, string(v.Call.Phase), party(v.Call.Remote))
		if v.Call.Queue != "" {
			parts = append(parts, "queue "+v.Call.Queue)
		}
	case v.Kind == callcontrol.EventRefused:
		parts = append(parts, party(v.Remote))
	}
	if v.Cause != "" {
		parts = append(parts, "cause "+string(v.Cause))
	}
	if v.Reason != "" {
		parts = append(parts, v.Reason)
	}
	return strings.Join(parts, ", ")
}

func agentText(v callcontrol.AgentView) string {
	row := agentRow(v)
	return fmt.Sprintf("%s, line %s, device %s, available %s", row[2], row[3], row[4], row[6])
}
