package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/cmd/cordboard/internal/demo"
	"cordboard/mediamix"
	"cordboard/sim"
)

type demoCommand struct {
	Out  string `help:"Folder for the report, what each party heard, and the daemon's log." default:"demo-out" placeholder:"DIR"`
	Keep bool   `help:"Leave everything running afterwards, to try the verbs."`
}

// Run plays the story against a real daemon in this process.
func (c *demoCommand) Run(a *app) error {
	a.verb = "demo"
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(c.Out, "daemon.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, nil))
	say := a.out
	if a.cli.JSON {
		say = io.Discard
	}
	report, err := demo.Run(a.ctx, demo.Options{Out: c.Out, Keep: c.Keep, Say: say, Adapters: a.adapters, Serve: func(ctx context.Context, config string) error {
		return a.daemon(ctx, config, daemon.Options{Log: log})
	}})
	if a.cli.JSON && report != nil && (err == nil || errors.Is(err, demo.ErrNotOK) || errors.Is(err, demo.ErrTooSlow)) {
		a.json(report)
		if err != nil {
			return &exitError{exitFailed}
		}
	}
	if err != nil {
		return fmt.Errorf("%w; the daemon's log is %s", err, logFile.Name())
	}
	return nil
}

type simCommand struct {
	Listen    netip.AddrPort `help:"Where the PBX listens." default:"127.0.0.1:5070" placeholder:"ADDRESS:PORT"`
	Daemon    string         `help:"Where phones register; left out: no phones." placeholder:"ADDRESS:PORT"`
	Lines     int            `help:"Accounts at the PBX: 1001 and on." default:"3"`
	CallEvery time.Duration  `help:"A customer calls the next line so often; 0: never." default:"0s"`
	TalkFor   time.Duration  `help:"Customers hang up so long after the answer." default:"30s"`
	Queue     string         `help:"Queue of the customers' calls." default:"Sales"`
	Loss      float64        `help:"Per cent of the RTP packets that are lost, each way, between the daemon and customers and numbers." default:"0"`
	Jitter    time.Duration  `help:"Such packets are late by up to so much, and overtake each other." default:"0s"`
	Speech    string         `help:"WAV file that customers and numbers speak; left out: tones." placeholder:"FILE.wav"`
}

// Run is a telephone world until a signal.
func (c *simCommand) Run(a *app) error {
	a.verb = "sim"
	o := sim.StandOptions{PBX: c.Listen, Lines: c.Lines, CallEvery: c.CallEvery, TalkFor: c.TalkFor, Queue: c.Queue, Tell: a.tellSim}
	if c.Daemon != "" {
		at, err := netip.ParseAddrPort(c.Daemon)
		if err != nil {
			return &usageError{fmt.Errorf("--daemon: %w", err)}
		}
		o.Daemon = at
	}
	if c.Lines < 1 || c.Lines > 5000 {
		return &usageError{errors.New("--lines: 1 to 5000")}
	}
	if c.Loss < 0 || c.Loss > 100 {
		return &usageError{errors.New("--loss: 0 to 100 per cent")}
	}
	if c.Jitter < 0 || c.Jitter > 10*time.Second {
		return &usageError{errors.New("--jitter: 0s to 10s")}
	}
	o.Faults = sim.Faults{Seed: 1, Loss: c.Loss / 100, Jitter: c.Jitter}
	if c.Speech != "" {
		track, err := mediamix.LoadTrack(c.Speech)
		if err != nil {
			return &usageError{fmt.Errorf("--speech: %w", err)}
		}
		o.Speech = track.Samples()
	}
	if err := sim.Stand(a.ctx, o); err != nil && !a.stopped(err) {
		return err
	}
	return nil
}

// tellSim prints one happening of the telephone world, for people or as a line of JSON.
func (a *app) tellSim(h sim.Happening) {
	if a.cli.JSON {
		_ = a.jsonLine(h) // a closed standard output ends nothing: the world is what was asked for
		return
	}
	fmt.Fprintln(a.out, h)
}
