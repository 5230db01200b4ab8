package webhook

import (
	"strconv"
	"strings"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// Types of messages besides the kinds of events.
const (
	typeSnapshot = "snapshot" // everything live, at the beginning
	typeGap      = "gap"      // events are missing; everything live instead
	typeBatch    = "batch"
)

// message is one thing that a receiver or a follower is told. Its id is that of a webhook's request and of a server-sent
// event.
type message struct {
	ID       string                `json:"id"`
	Type     string                `json:"type"`
	Cursor   journal.Cursor        `json:"cursor"`
	Event    *callcontrol.Event    `json:"event,omitempty"`
	Gap      *journal.Gap          `json:"gap,omitempty"`
	Snapshot *callcontrol.Snapshot `json:"snapshot,omitempty"`
}

// batch is several messages of one request.
type batch struct {
	Type     string    `json:"type"`
	Messages []message `json:"messages"`
}

func newEvent(at journal.Cursor, e callcontrol.Event, digits bool) message {
	if !digits {
		e.Digit = ""
	}
	if e.Call != nil {
		c := wholeCall(*e.Call)
		e.Call = &c
	}
	return message{ID: cursorID(at), Type: string(e.Kind), Cursor: at, Event: &e}
}

// newGap tells that events are missing; the zero gap is the beginning of all.
func newGap(g journal.Gap, now callcontrol.Snapshot) message {
	now = wholeSnapshot(now)
	m := message{ID: cursorID(now.Cursor), Type: typeSnapshot, Cursor: now.Cursor, Snapshot: &now}
	if g != (journal.Gap{}) {
		m.Type, m.Gap = typeGap, &g
	}
	return m
}

// wholeSnapshot has lists where there is nothing, not null.
func wholeSnapshot(s callcontrol.Snapshot) callcontrol.Snapshot {
	s.Agents, s.Calls, s.Transfers = some(s.Agents), wholeCalls(s.Calls), some(s.Transfers)
	return s
}

func wholeCalls(list []callcontrol.CallView) []callcontrol.CallView {
	out := make([]callcontrol.CallView, len(list))
	for i, c := range list {
		out[i] = wholeCall(c)
	}
	return out
}

func wholeCall(c callcontrol.CallView) callcontrol.CallView {
	c.Legs = some(c.Legs)
	return c
}

func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// cursorID is a cursor as one word, and parseCursor the way back.
func cursorID(c journal.Cursor) string { return c.Epoch + "-" + strconv.FormatUint(c.Seq, 10) }

// longestCursor is the longest one taken, in bytes.
const longestCursor = 128

func parseCursor(text string) (journal.Cursor, bool) {
	i := strings.LastIndexByte(text, '-')
	if i < 1 || len(text) > longestCursor {
		return journal.Cursor{}, false
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return journal.Cursor{}, false
		}
	}
	seq, err := strconv.ParseUint(text[i+1:], 10, 64)
	return journal.Cursor{Epoch: text[:i], Seq: seq}, err == nil
}
