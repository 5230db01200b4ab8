package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// TestAdapterBesideTheSim tries any adapter with real calls: the simulated telephone world, the daemon as a process, and kill -9 in mid-call.
// It is the contact book's, unless CONFORMANCE_ADAPTER names another (docs/adapters.md).
func TestAdapterBesideTheSim(t *testing.T) {
	t.Parallel()
	const agents, kills = 3, 2
	known := os.Getenv("CONFORMANCE_KNOWN")
	words := strings.Fields(os.Getenv("CONFORMANCE_ADAPTER"))
	if len(words) == 0 {
		known = "380440000001"
	}
	c := newCrowdWith(t, agents, 21000, 3*time.Minute, func(folder string) string {
		if len(words) == 0 {
			if err := os.WriteFile(filepath.Join(folder, "book.csv"), []byte("name,phone\nOlena Boiko,"+known+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return "kind: contacts, config: {book: book.csv, events: {file: events.jsonl}}"
		}
		return fmt.Sprintf("command: %s, config: %s", asJSON(t, words), configOf(t))
	})
	c.first = known
	takes := slices.Contains(c.adapter().Capabilities, "events")
	parties := c.talks(1)
	if known != "" {
		c.until("the customer is known", func() bool {
			s, err := c.client.Snapshot(c.ctx)
			c.must(err)
			return len(s.Calls) == 1 && (s.Calls[0].Contact != callcontrol.Contact{} || len(s.Calls[0].Candidates) > 1)
		})
	}
	for i := range kills {
		c.until("its place is known", func() bool { s := c.adapter(); return !takes || s.Acknowledged != journal.Cursor{} && s.Lag == 0 })
		c.must(syscall.Kill(c.running().PID, syscall.SIGKILL))
		customer, device, _, err := c.setUp(1 + i%(agents-1))
		c.must(err)
		c.until("it is back", func() bool { return c.adapter().Restarts == i+1 && c.running().PID != 0 })
		c.over(customer, device)
	}
	c.allTalk(parties)
	c.over(parties...)
	c.until("it has taken everything", func() bool { return !takes || c.adapter().Lag == 0 })
	if s := c.running(); s.Restarts != kills {
		t.Errorf("%d restarts, and %d kills: %s", s.Restarts, kills, s.LastError)
	}
	c.stop()
	if log := c.log.String(); strings.Contains(log, "did not stop in order") {
		t.Error("the adapter did not stop in order")
	}
}

// A call does not wait for a lookup. What is found late is an event of the call, and reaches the phone.
func TestLateLookup(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 21600, 2*time.Minute)
	c.mood(moodSlow)
	before, err := c.client.Snapshot(c.ctx)
	c.must(err)
	customer, device, took, err := c.setUp(0)
	c.must(err)
	if took >= slowFor {
		t.Errorf("the set-up took %v", took)
	}
	events := c.client.Follow(before.Cursor, nil)
	defer events.Close()
	var started time.Time
	for {
		e, err := events.Next(c.ctx)
		c.must(err)
		if e.Event.Kind == callcontrol.EventCallStarted {
			started = e.Event.At
		}
		if e.Event.Call == nil || len(e.Event.Call.Candidates) == 0 {
			continue
		}
		if e.Event.Kind != callcontrol.EventCallChanged || e.Event.Call.Contact.Name != "Anna Koval" || e.Event.At.Sub(started) < slowFor {
			t.Errorf("%s after %v: %+v", e.Event.Kind, e.Event.At.Sub(started), e.Event.Call.Candidates)
		}
		break
	}
	c.until("the phone shows the name", func() bool { return device.Peer().Display == "Anna Koval" })
	c.over(customer, device)
	c.stop()
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// configOf is the JSON of the adapter's configuration, which is YAML too.
func configOf(t *testing.T) string {
	t.Helper()
	file := os.Getenv("CONFORMANCE_CONFIG")
	if file == "" {
		return "{}"
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return asJSON(t, v)
}
