package contacts

import (
	"io"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// line is what is written for an event, or where events are missing: then a snapshot stands for them. It
// is what `cordboard watch --json` prints, with the snapshot besides.
type line struct {
	Cursor   journal.Cursor        `json:"cursor"`
	Event    *callcontrol.Event    `json:"event,omitempty"`
	Gap      *journal.Gap          `json:"gap,omitempty"`
	Snapshot *callcontrol.Snapshot `json:"snapshot,omitempty"`
}

// lines writes events where the configuration says.
type lines struct {
	kinds  map[callcontrol.EventKind]bool // nil: all
	digits bool
	file   *ledger   // nil: out
	out    io.Writer // the daemon's log
}

// newLines is nil when no lines are wanted.
func newLines(p *plan, out io.Writer) *lines {
	l := &lines{kinds: p.kinds, digits: p.Events.Digits, out: out}
	switch p.Events.File {
	case "":
		return nil
	case "-":
		l.digits = false // a log is no place for what may be a card's number
	default:
		l.file = newLedger(p.Events.File, p.maxSize, p.Events.Keep)
	}
	return l
}

func (l *lines) event(e sdk.Event) error {
	if l.kinds != nil && !l.kinds[e.Kind] {
		return nil
	}
	event := e.Event
	if !l.digits {
		event.Digit = ""
	}
	return l.write(line{Cursor: e.Cursor, Event: &event})
}

// gap notes that events are missing. The first one ever is none: nothing was there before.
func (l *lines) gap(g journal.Gap, now callcontrol.Snapshot) error {
	if l.file == nil && g == (journal.Gap{}) {
		return nil
	}
	n := line{Cursor: now.Cursor, Snapshot: &now}
	if g != (journal.Gap{}) {
		n.Gap = &g
	}
	return l.write(n)
}

func (l *lines) write(n line) error {
	if l.file == nil {
		n = n.brief()
	}
	text, err := sdk.Encode(n)
	if err != nil {
		return err
	}
	if l.file != nil {
		return l.file.write(n.Cursor, text)
	}
	_, err = l.out.Write(append(text, '\n'))
	return err
}

// longestBrief is the longest line that the daemon's log keeps whole, in bytes.
const longestBrief = 1900

// brief leaves out what a log has no room for: legs, variables and snapshots.
func (n line) brief() line {
	n.Snapshot = nil
	if n.Event == nil || n.Event.Call == nil {
		return n
	}
	event, call := *n.Event, *n.Event.Call
	call.Legs, call.Candidates, call.Diversion = nil, nil, nil
	event.Call, n.Event = &call, &event
	if text, err := sdk.Encode(n); err == nil && len(text) > longestBrief {
		call.Variables = nil
	}
	return n
}

// trouble is why no lines can be written.
func (l *lines) trouble() error {
	if l.file == nil {
		return nil
	}
	return l.file.ready()
}

func (l *lines) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.close()
}
