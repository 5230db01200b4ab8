package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

// Config is one adapter. Zero durations mean the default named beside them.
type Config struct {
	Name    string            // by which cursors, logs and status mean it
	Kind    string            // as configured; for status only
	Command []string          // program and arguments
	Env     map[string]string // besides the few variables that every adapter gets
	Dir     string            // working directory; empty: the daemon's
	Config  json.RawMessage   // for the adapter; empty: {}

	LookupTimeout time.Duration // 300 ms: longest wait for a lookup's answer; later ones are told as late
	StartTimeout  time.Duration // 10 s for handshake and Configure
	Grace         time.Duration // 5 s for Stop, then it is killed
	Backoff       time.Duration // 1 s: first wait before it is started again, doubled up to two minutes
	HealthEvery   time.Duration // 10 s
	HealthTimeout time.Duration // 3 s; three checks unanswered in a row end the process

	RuntimeDir string // folder for sockets, short enough for a unix socket's path; empty: the system's for temporary files
	Version    string // of the daemon
	LogLevel   slog.Level
}

// Cursors keeps how far each adapter has acknowledged events. Ack never waits and never goes back within
// an epoch.
type Cursors interface {
	Ack(name string, c journal.Cursor)
	// Cursor is the last acknowledged place; false: none ever.
	Cursor(ctx context.Context, name string) (journal.Cursor, bool, error)
}

// Deps are what adapters work with. Log, Control and Cursors are required.
type Deps struct {
	Log     *slog.Logger
	Control callcontrol.Control
	Cursors Cursors
	Sources control.Sources       // what the daemon tells of itself over control; may be empty
	Last    func() journal.Cursor // newest event, for the lag; nil: no lag is told
	Metrics Metrics               // nil: none
}

// Metrics takes figures as they arise. It must not block.
type Metrics interface {
	// Acknowledged tells that an event was acknowledged just now. Of call_started it has the call, of others the names only.
	Acknowledged(adapter string, e callcontrol.Event)
	// Asked is a lookup or search with its outcome: ok, late, failed, refused.
	Asked(adapter, what, outcome string, took time.Duration)
	// Started counts starts of the process, Ended its ends that nobody asked for.
	Started(adapter string)
	Ended(adapter string)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&c.LookupTimeout, 300 * time.Millisecond}, {&c.StartTimeout, 10 * time.Second}, {&c.Grace, 5 * time.Second},
		{&c.Backoff, backoffFirst}, {&c.HealthEvery, 10 * time.Second}, {&c.HealthTimeout, 3 * time.Second},
	} {
		if *d.p <= 0 {
			*d.p = d.v
		}
	}
	if len(c.Config) == 0 {
		c.Config = json.RawMessage("{}")
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Name == "":
		return errors.New("an adapter has no name")
	case len(c.Command) == 0 || c.Command[0] == "":
		return fmt.Errorf("adapter %s has no command", c.Name)
	case !json.Valid(c.Config):
		return fmt.Errorf("adapter %s: its config is not JSON", c.Name)
	}
	return nil
}

func (d Deps) check() error {
	if d.Log == nil || d.Control == nil || d.Cursors == nil {
		return errors.New("host: a dependency is missing")
	}
	return nil
}
