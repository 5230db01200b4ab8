// Command cordboard is the gateway daemon and the tool to drive it: serve runs it, check and doctor
// look at its configuration and surroundings, the verbs control calls over its local socket.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"cordboard/cmd/cordboard/internal/daemon"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hangups := make(chan os.Signal, 1) // one that waits is enough: what is read then is the newest
	os.Exit(run(os.Args[1:], &app{
		out: os.Stdout, errs: os.Stderr, now: time.Now, zone: time.Local, signals: signals, hangups: hangups, daemon: daemon.Run,
	}))
}

// run carries out one command line and returns the exit code.
func run(args []string, a *app) int {
	var c cli
	left := false // --help and --version print, then ask to leave
	parser, err := kong.New(&c, kong.Name("cordboard"), kong.Description(description),
		kong.Writers(a.out, a.errs), kong.Exit(func(int) { left = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups(groups), kong.Vars{"version": daemon.Version()}, kong.Bind(a))
	if err != nil {
		return a.fail(err)
	}
	k, err := parser.Parse(args)
	if left {
		return exitOK
	}
	a.cli = &c
	if err != nil {
		c.JSON = c.JSON || slices.Contains(args, "--json") // flags are not applied to a line that is wrong
		return a.fail(&usageError{err})
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a.ctx = ctx
	a.stopping = a.stopOnSignal(cancel)
	defer close(a.done())
	return a.fail(k.Run())
}

// stopOnSignal ends the command's context at the first signal and closes the returned channel at the
// second. The third gets the system's own way.
func (a *app) stopOnSignal(cancel context.CancelFunc) <-chan struct{} {
	second := make(chan struct{})
	finished := a.done()
	go func() {
		for _, f := range []func(){cancel, func() { close(second) }} {
			select {
			case <-a.signals:
				f()
			case <-finished:
				return
			}
		}
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	}()
	return second
}

// app is what every command works with.
type app struct {
	cli       *cli
	out, errs io.Writer
	now       func() time.Time
	zone      *time.Location // of times in tables
	signals   <-chan os.Signal
	hangups   chan os.Signal
	daemon    func(ctx context.Context, config string, o daemon.Options) error

	ctx      context.Context // ends at the first signal
	stopping <-chan struct{} // closed at the second
	finished chan struct{}
	verb     string // for messages
}

func (a *app) done() chan struct{} {
	if a.finished == nil {
		a.finished = make(chan struct{})
	}
	return a.finished
}

// stopped reports whether the command ended because it was asked to.
func (a *app) stopped(err error) bool {
	return errors.Is(err, context.Canceled) && a.ctx.Err() != nil
}
