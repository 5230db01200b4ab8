package main

import (
	"errors"
	"os/signal"
	"sync/atomic"
	"syscall"

	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/configs"
)

type serveCommand struct {
	File string `arg:"" help:"The configuration."`
}

// Run serves until a signal: the first drains, the second ends all calls at once. SIGHUP reloads.
func (c *serveCommand) Run(a *app) error {
	a.verb = "serve"
	var ready atomic.Bool
	if a.hangups != nil {
		signal.Notify(a.hangups, syscall.SIGHUP)
		defer signal.Stop(a.hangups)
	}
	err := a.daemon(a.ctx, c.File, daemon.Options{Ready: func() { ready.Store(true) }, Force: a.stopping, Reload: a.hangups})
	var problems configs.Errors
	switch {
	case errors.As(err, &problems), err != nil && !ready.Load():
		return err // failed to start
	case err != nil:
		a.fail(err)
		return &exitError{exitUnclean}
	}
	select {
	case <-a.stopping:
		return &exitError{exitForced}
	default:
		return nil
	}
}
