package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// TestProcessKilledTellsAdapters kills the daemon, and its adapter with it: the adapter of the next run is told once of the end of each call
// that was alive, with the cause, and has missed nothing before.
func TestProcessKilledTellsAdapters(t *testing.T) {
	p := newKillingWith(t, `adapters:
  - {name: book, kind: contacts, env: {`+asCommand+`: "1"}, config: {events: {file: events.jsonl}}}
`)
	stopPhones := p.run()
	p.phasesUp()
	alive, err := p.client.Snapshot(p.ctx)
	p.must(err)
	if len(alive.Calls) < len(phases) {
		t.Fatalf("%d calls", len(alive.Calls))
	}
	p.until("the adapter has heard of these calls", func() bool { return p.heardByAdapter().Seq >= alive.Cursor.Seq })
	p.stored()
	p.kill()
	p.client.Close()
	p.start()
	p.partiesEnd()
	now, err := p.client.Snapshot(p.ctx)
	p.must(err)
	p.until("the adapter has heard everything", func() bool { return p.heardByAdapter().Seq >= now.Cursor.Seq })

	ends := map[callcontrol.CallID][]callcontrol.Cause{}
	var at journal.Cursor
	for _, l := range p.adapterLines() {
		if l.Event == nil { // the snapshot of its beginning
			at = l.Cursor
			continue
		}
		if l.Cursor.Seq != at.Seq+1 || l.Cursor.Epoch != at.Epoch {
			t.Errorf("event %+v after %+v", l.Cursor, at)
		}
		at = l.Cursor
		if l.Event.Kind == callcontrol.EventCallEnded {
			ends[l.Event.CallID] = append(ends[l.Event.CallID], l.Event.Cause)
		}
	}
	for _, c := range alive.Calls {
		if got := ends[c.ID]; len(got) != 1 || got[0] != callcontrol.CauseGatewayRestart {
			t.Errorf("the adapter heard of call %s (%s) that it ended: %v", c.ID, c.Phase, got)
		}
	}
	stopPhones()
}

// adapterLine is what the contacts adapter writes of an event, or of a gap.
type adapterLine struct {
	Cursor journal.Cursor
	Event  *callcontrol.Event
}

// adapterLines are all whole lines that the adapter has written.
func (p *killing) adapterLines() (out []adapterLine) {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.dir, "events.jsonl"))
	if os.IsNotExist(err) {
		return nil
	}
	p.must(err)
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var l adapterLine
		if json.Unmarshal(s.Bytes(), &l) == nil { // the last one may be half written
			out = append(out, l)
		}
	}
	p.must(s.Err())
	return out
}

// heardByAdapter is the newest event that it has written down.
func (p *killing) heardByAdapter() (at journal.Cursor) {
	for _, l := range p.adapterLines() {
		at = l.Cursor
	}
	return at
}
