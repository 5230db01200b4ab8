package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cordboard/callcontrol"
)

type dialCommand struct {
	Agent  string   `arg:"" help:"The agent."`
	Number string   `arg:"" help:"The number."`
	Var    []string `help:"Variable to keep with the call; repeatable." placeholder:"NAME=VALUE" sep:"none"`
	id
}

// Run dials.
func (c *dialCommand) Run(a *app) error {
	vars, err := variables(c.Var)
	if err != nil {
		return err
	}
	return a.onAgent(c.Agent, c.ID, callcontrol.Command{Kind: callcontrol.KindDial, Number: callcontrol.Number(c.Number), Variables: vars})
}

type answerCommand struct{ target }

// Run answers.
func (c *answerCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindAnswer})
}

type rejectCommand struct{ target }

// Run rejects.
func (c *rejectCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindReject})
}

type hangupCommand struct {
	target
	Leg string `help:"Only this party." placeholder:"LEG"`
}

// Run hangs up.
func (c *hangupCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindHangup, Leg: callcontrol.LegID(c.Leg)})
}

type holdCommand struct{ target }

// Run holds.
func (c *holdCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindHold})
}

type retrieveCommand struct{ target }

// Run retrieves.
func (c *retrieveCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindRetrieve})
}

type muteCommand struct{ target }

// Run mutes.
func (c *muteCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindMute})
}

type unmuteCommand struct{ target }

// Run unmutes.
func (c *unmuteCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindUnmute})
}

type digitsCommand struct {
	target
	Digits   string        `arg:"" help:"0-9 * # A-D, and a comma for a pause."`
	Leg      string        `help:"Only to this party." placeholder:"LEG"`
	Duration time.Duration `help:"Length of each digit." default:"100ms"`
	Gap      time.Duration `help:"Silence between digits." default:"100ms"`
}

// Run sends digits.
func (c *digitsCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{
		Kind: callcontrol.KindDigits, Digits: c.Digits, Leg: callcontrol.LegID(c.Leg), DigitDuration: c.Duration, DigitGap: c.Gap,
	})
}

// variables reads NAME=VALUE pairs, in order.
func variables(pairs []string) ([]callcontrol.Variable, error) {
	var vars []callcontrol.Variable
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, &usageError{fmt.Errorf("--var %q: %w", p, errors.New("write NAME=VALUE"))}
		}
		vars = append(vars, callcontrol.Variable{Name: name, Value: value})
	}
	return vars, nil
}
