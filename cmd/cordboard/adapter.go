package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/configs"
	"cordboard/plugins/contacts"
	"cordboard/plugins/webhook"
)

// builtin are the adapters that come with the daemon, by kind: each serves as an adapter of a version until the
// daemon ends it.
var builtin = map[configs.AdapterKind]func(version string){
	configs.AdapterContacts: contacts.Main,
	configs.AdapterWebhook:  webhook.Main,
}

// adapterCommand makes this process an adapter. The daemon runs it; nobody else has a use for it.
type adapterCommand struct {
	Kind string `arg:"" help:"Which one."`
}

// Run serves until the daemon ends it.
func (c *adapterCommand) Run(a *app) error {
	a.verb = "adapter"
	serve, ok := builtin[configs.AdapterKind(c.Kind)]
	if !ok {
		return &usageError{fmt.Errorf("there is no adapter %q in this program", c.Kind)}
	}
	signal.Reset(os.Interrupt, syscall.SIGTERM) // a signal ends an adapter
	serve(daemon.Version())
	return nil
}
