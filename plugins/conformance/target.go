package conformance

import (
	"encoding/json"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// Target is an adapter to be tried. Only Command is required.
type Target struct {
	Command []string
	Env     map[string]string
	Dir     string          // working directory
	Config  json.RawMessage // that it accepts; empty: {}
	Bad     []json.RawMessage

	Known callcontrol.Number // a number that Lookup finds; empty: none is known
	Name  string             // a name that Search finds; empty: none is known

	// Taken reads what the adapter has taken in all its lives, in that order. nil: only its
	// acknowledgements are looked at.
	Taken func(t *testing.T) []Taken

	Kills int           // of the replay test; 0: 20
	Limit time.Duration // longest wait for anything; 0: 60 s
}

// Taken is one thing that an adapter was told.
type Taken struct {
	Cursor journal.Cursor
	Gap    bool // a snapshot, true at Cursor, in place of events
}

func (t Target) withDefaults() Target {
	if len(t.Config) == 0 {
		t.Config = json.RawMessage("{}")
	}
	if t.Kills == 0 {
		t.Kills = 20
	}
	if t.Limit == 0 {
		t.Limit = time.Minute
	}
	return t
}

// Run tries everything.
func Run(t *testing.T, target Target) {
	target = target.withDefaults()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Target)
	}{
		{"by hand", byHand}, {"handshake", handshakeVersions}, {"info", info}, {"configuration", configuration},
		{"order", order}, {"restart", restart}, {"kill", kill}, {"gap", gap}, {"slow", slow},
		{"lookup", lookups}, {"deadline", deadline}, {"search", searches}, {"stop", stop},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, target) })
	}
}
