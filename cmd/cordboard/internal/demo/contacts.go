package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
)

// adapterName is the contacts adapter's in the demo's configuration: a process of its own, which the daemon starts.
const adapterName = "contacts"

// The contact book of the demo. The first customer's number is that of a couple, the second's of one person.
const (
	bookFile   = "contacts.csv"
	eventsFile = "events.jsonl"
	bookText   = `id,name,kind,phone
101,Ivan Petrenko,contact,+380 44 123 45 01
102,Maria Petrenko,contact,044 123-45-01
103,Olena Boiko,contact,+380 44 123 45 02
201,Dnipro Logistics,account,+380 44 200 00 00
`
)

// adapterConfig is the adapter in the configuration.
const adapterConfig = `adapters:
  - name: ` + adapterName + `
    kind: contacts
    lookup: {timeout: 5s} # the story checks what it finds, on a busy host too
    config:
      book: ` + bookFile + `
      region: UA
      events: {file: ` + eventsFile + `}
`

// writeBook writes the contact book, and takes the events of an earlier demo away.
func writeBook(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, eventsFile+"*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, bookFile), []byte(bookText), 0o644)
}

// adapter is how the contacts adapter is.
func (w *world) adapter(ctx context.Context) (control.AdapterStatus, error) {
	s, err := w.client.Status(ctx)
	if err != nil {
		return control.AdapterStatus{}, err
	}
	if len(s.Adapters) != 1 {
		return control.AdapterStatus{}, fmt.Errorf("the daemon has %d adapters", len(s.Adapters))
	}
	return s.Adapters[0], nil
}

// awaitAdapter waits until the adapter is as it should be.
func (w *world) awaitAdapter(ctx context.Context, what string, ok func(control.AdapterStatus) bool) (control.AdapterStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		s, err := w.adapter(ctx)
		if err != nil || ok(s) {
			return s, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return s, fmt.Errorf("the adapter is %s (%s), and should be %s: %w", s.State, s.LastError, what, ctx.Err())
		}
	}
}

// begun is an adapter that runs and takes events.
func begun(s control.AdapterStatus) bool {
	return s.State == control.AdapterRunning && s.Acknowledged != (journal.Cursor{})
}

// upToDate is one that has taken every event that there is.
func upToDate(s control.AdapterStatus) bool { return begun(s) && s.Lag == 0 }

// ledger reads what the adapter wrote: a line for each event that it took.
type ledger struct {
	path string
	read int64 // bytes that were read before

	at      journal.Cursor // of the last line
	events  int
	missed  int // events that no line tells
	doubled int // lines of events that another tells
	ends    int // calls whose end was told
}

// entry is one line.
type entry struct {
	Cursor   journal.Cursor        `json:"cursor"`
	Event    *callcontrol.Event    `json:"event"`
	Gap      *journal.Gap          `json:"gap"`
	Snapshot *callcontrol.Snapshot `json:"snapshot"`
}

// more reads the lines that were written since. A line that is being written is left for the next time.
func (l *ledger) more() ([]entry, error) {
	f, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(l.read, 0); err != nil {
		return nil, err
	}
	var out []entry
	for lines := bufio.NewReader(f); ; {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return out, nil
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return out, fmt.Errorf("%s: %w", l.path, err)
		}
		l.read += int64(len(text))
		l.take(e)
		out = append(out, e)
	}
}

// take counts a line.
func (l *ledger) take(e entry) {
	switch {
	case e.Event == nil: // a snapshot: the very first line, or where events are missing
		if e.Gap != nil {
			l.missed += int(e.Cursor.Seq - l.at.Seq)
		}
		l.at = e.Cursor
		return
	case e.Cursor.Epoch == l.at.Epoch && e.Cursor.Seq <= l.at.Seq:
		l.doubled++
		return
	case e.Cursor.Epoch == l.at.Epoch:
		l.missed += int(e.Cursor.Seq - l.at.Seq - 1)
	}
	l.at = e.Cursor
	l.events++
	if e.Event.Kind == callcontrol.EventCallEnded {
		l.ends++
	}
}

// narrate tells which events the adapter took, on a line.
func narrate(entries []entry) string {
	var kinds []string
	var from, to uint64
	for _, e := range entries {
		if e.Event == nil {
			continue
		}
		if from == 0 {
			from = e.Cursor.Seq
		}
		to = e.Cursor.Seq
		if n := len(kinds); n == 0 || kinds[n-1] != string(e.Event.Kind) {
			kinds = append(kinds, string(e.Event.Kind))
		}
	}
	if kinds == nil {
		return ""
	}
	span := fmt.Sprintf("event %d", from)
	if to > from {
		span = fmt.Sprintf("events %d-%d", from, to)
	}
	return span + " at the adapter: " + strings.Join(kinds, ", ")
}
