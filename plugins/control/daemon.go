package control

import (
	"context"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
)

// Sources are what a daemon tells beyond its calls. A nil one is answered with UNIMPLEMENTED.
type Sources struct {
	Directory func(context.Context) (Directory, error)
	Status    func(context.Context) (Status, error)
	Reload    func(ctx context.Context, dryRun bool) (Reload, error)
	// History is the calls that have ended, the last first.
	History func(context.Context, HistoryQuery) ([]callcontrol.HistoryRecord, error)
	// Search asks the adapters, but not the one that asks.
	Search func(ctx context.Context, asker string, q adapter.Search) (Found, error)
}

// Reload is what a configuration file came to, or would.
type Reload struct {
	Applied  bool            // what the file says is in force
	File     string          // as the daemon was given it
	Plan     string          // what changes, as the command line prints it; empty with problems
	Problems []ConfigProblem // every mistake in the file and in what it names
	Refusal  string          // why it was not applied; empty when it was, or was not to be
}

// ConfigProblem is one mistake in a configuration.
type ConfigProblem struct {
	File                        string
	Line, Column                int    // from 1
	Path, Message, Fix, Snippet string // Path: the key
}

// Directory is who and what there is.
type Directory struct {
	Agents []DirectoryAgent `json:"agents"`
	Trunks []DirectoryTrunk `json:"trunks"`
	Queues []string         `json:"queues,omitempty"` // that the daemon knows; trunks may name others
}

// DirectoryAgent is a person with what is configured for them.
type DirectoryAgent struct {
	ID         callcontrol.AgentID `json:"id"`
	Name       string              `json:"name,omitempty"`
	Trunk      string              `json:"trunk"`
	Line       callcontrol.LineID  `json:"line"`
	User       string              `json:"user"`             // the line's account at the trunk
	Number     string              `json:"number,omitempty"` // shown to those called
	Display    string              `json:"display,omitempty"`
	Connect    callcontrol.Connect `json:"connect"`
	DeviceUser string              `json:"device_user,omitempty"` // empty: the phone stands at a fixed address
}

// DirectoryTrunk is a PBX or carrier.
type DirectoryTrunk struct {
	Name      string `json:"name"`
	Server    string `json:"server"`
	Domain    string `json:"domain,omitempty"`
	Registers bool   `json:"registers"`
}

// Status is how the daemon and its adapters are.
type Status struct {
	Version  string          `json:"version"`
	Started  time.Time       `json:"started"`
	Cursor   journal.Cursor  `json:"cursor"` // of the newest event
	Draining bool            `json:"draining,omitempty"`
	Adapters []AdapterStatus `json:"adapters"`
}

// AdapterState is what an adapter's process does.
type AdapterState string

// States of an adapter.
const (
	AdapterStarting AdapterState = "starting"
	AdapterRunning  AdapterState = "running"
	AdapterDegraded AdapterState = "degraded" // runs, and says that something it needs is missing
	AdapterHung     AdapterState = "hung"     // does not answer its health check
	AdapterBackoff  AdapterState = "backoff"  // ended, waits for its next start
	AdapterStopping AdapterState = "stopping"
	AdapterStopped  AdapterState = "stopped"
)

// AdapterStatus is how one adapter is.
type AdapterStatus struct {
	Name         string         `json:"name"`
	Kind         string         `json:"kind,omitempty"` // as configured
	State        AdapterState   `json:"state"`
	Program      string         `json:"program,omitempty"` // what it says of itself
	Version      string         `json:"version,omitempty"`
	Capabilities []string       `json:"capabilities,omitempty"`
	PID          int            `json:"pid,omitempty"`
	Started      time.Time      `json:"started,omitzero"`
	Restarts     int            `json:"restarts"`
	NextStart    time.Time      `json:"next_start,omitzero"` // backoff
	LastError    string         `json:"last_error,omitempty"`
	LastErrorAt  time.Time      `json:"last_error_at,omitzero"`
	Acknowledged journal.Cursor `json:"acknowledged,omitzero"` // the last event it has done with
	Lag          uint64         `json:"lag"`                   // events it has not
	LinesDropped uint64         `json:"lines_dropped,omitempty"`
	CallsFailed  uint64         `json:"calls_failed,omitempty"` // lookups and searches without a timely answer
}
