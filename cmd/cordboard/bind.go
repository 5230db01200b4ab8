package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

type bindCommand struct {
	Call    string   `arg:"" help:"The call; or the agent whose current call is meant."`
	Contact string   `arg:"" optional:"" help:"Id of the CRM record."`
	Pick    int      `help:"Instead of an id: this candidate of the call, as calls numbers them." placeholder:"NUMBER"`
	Name    string   `help:"The record's name, shown with the call; a candidate's is known." placeholder:"NAME"`
	Kind    string   `help:"What the record is: contact, account, case." placeholder:"KIND"`
	None    bool     `help:"Take the record away from the call."`
	Var     []string `help:"Variable to add to the call; repeatable." placeholder:"NAME=VALUE" sep:"none"`
	id
}

// Run binds.
func (c *bindCommand) Run(a *app) error {
	a.verb = string(callcontrol.KindBind)
	vars, err := variables(c.Var)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return &usageError{err}
	}
	client, err := a.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := a.within()
	defer cancel()
	call, err := c.find(ctx, client)
	if err != nil {
		return err
	}
	command := callcontrol.Command{Kind: callcontrol.KindBind, Agent: call.Agent, Call: call.ID, Variables: vars}
	if command.Contact, err = c.contact(call); err != nil {
		return &usageError{err}
	}
	return a.send(client, c.ID, command)
}

func (c *bindCommand) check() error {
	ways := 0
	for _, given := range []bool{c.Contact != "", c.Pick != 0, c.None} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("bind takes one of a record's id, --pick and --none")
	case ways == 0 && len(c.Var) == 0:
		return errors.New("bind needs a record's id, --pick, --none or --var")
	case c.None && len(c.Var) > 0:
		return errors.New("bind takes --none or --var: give two commands")
	}
	return nil
}

// find is the call that is named, or the one that an agent's name means.
func (c *bindCommand) find(ctx context.Context, client *control.Client) (callcontrol.CallView, error) {
	calls, _, err := client.Calls(ctx, "")
	if err != nil {
		return callcontrol.CallView{}, err
	}
	byID := func(id callcontrol.CallID) int {
		return slices.IndexFunc(calls, func(v callcontrol.CallView) bool { return v.ID == id })
	}
	if i := byID(callcontrol.CallID(c.Call)); i >= 0 {
		return calls[i], nil
	}
	agent := callcontrol.AgentID(c.Call)
	if _, err := client.Agents(ctx, agent); err != nil {
		if errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent}) {
			err = &callcontrol.Refusal{Code: callcontrol.CodeNoSuchCall, Message: "there is no call and no agent " + printable(c.Call)}
		}
		return callcontrol.CallView{}, err
	}
	id, err := control.Pick(calls, agent, callcontrol.KindBind)
	if err != nil {
		return callcontrol.CallView{}, err
	}
	return calls[byID(id)], nil
}

// contact is the record to bind: a candidate with what is known of it, or what was given.
func (c *bindCommand) contact(call callcontrol.CallView) (callcontrol.Contact, error) {
	if c.Pick != 0 {
		if c.Pick < 1 || c.Pick > len(call.Candidates) {
			return callcontrol.Contact{}, fmt.Errorf("--pick %d: call %s has %d candidates", c.Pick, call.ID, len(call.Candidates))
		}
		return call.Candidates[c.Pick-1], nil
	}
	given := callcontrol.Contact{ID: c.Contact, Name: c.Name, Kind: c.Kind}
	if given.ID == "" {
		return callcontrol.Contact{}, nil
	}
	var found []callcontrol.Contact
	for _, k := range call.Candidates {
		if k.ID == given.ID && (given.Kind == "" || k.Kind == given.Kind) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) > 1:
		return callcontrol.Contact{}, fmt.Errorf("%d candidates have the id %s: say which with --kind or --pick", len(found), printable(given.ID))
	case len(found) == 1:
		given.Kind = found[0].Kind
		if given.Name == "" {
			given.Name = found[0].Name
		}
	}
	return given, nil
}

// contactText is the record that a call is bound to, or those an agent may pick.
func contactText(v callcontrol.CallView) string {
	if v.Contact != (callcontrol.Contact{}) {
		return contactName(v.Contact)
	}
	parts := make([]string, len(v.Candidates))
	for i, k := range v.Candidates {
		parts[i] = fmt.Sprintf("%d? %s", i+1, contactName(k))
	}
	return strings.Join(parts, ", ")
}

func contactName(k callcontrol.Contact) string {
	if k.Name == "" {
		return k.ID
	}
	return k.Name
}
