package main

import "cordboard/callcontrol"

type transferCommand struct {
	target
	Number string `arg:"" help:"Where the customer goes."`
}

// Run transfers blind.
func (c *transferCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindBlind, Number: callcontrol.Number(c.Number)})
}

type consultCommand struct {
	target
	Number string `arg:"" help:"Who is asked."`
}

// Run begins a consult.
func (c *consultCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindConsult, Number: callcontrol.Number(c.Number)})
}

type swapCommand struct{ target }

// Run swaps.
func (c *swapCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindSwap})
}

type conferenceCommand struct{ target }

// Run makes it three.
func (c *conferenceCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindConference})
}

type completeCommand struct{ target }

// Run completes.
func (c *completeCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindComplete})
}

type cancelCommand struct{ target }

// Run cancels.
func (c *cancelCommand) Run(a *app) error {
	return a.onCall(c.target, callcontrol.Command{Kind: callcontrol.KindCancel})
}
