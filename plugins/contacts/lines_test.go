package contacts

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

func TestLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.jsonl")
	p := planned(t, `{"events": {"file": "`+name+`", "kinds": ["call_started", "digit"]}}`)
	l := newLines(p, nil)
	at := func(seq uint64) journal.Cursor { return journal.Cursor{Epoch: "e", Seq: seq} }
	snapshot := callcontrol.Snapshot{Cursor: at(1)}
	for _, err := range []error{
		l.gap(journal.Gap{}, snapshot),
		l.event(calling(2, callcontrol.Identity{Display: "<Anna & Co>"})),
		l.event(sdk.Event{Cursor: at(3), Event: callcontrol.Event{Kind: callcontrol.EventCallEnded}}),
		l.event(sdk.Event{Cursor: at(4), Event: callcontrol.Event{Kind: callcontrol.EventDigit, Digit: "7"}}),
		l.gap(journal.Gap{From: at(4), To: at(9)}, callcontrol.Snapshot{Cursor: at(9)}),
		l.close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text := read(t, name)
	var got []line
	for s := range strings.Lines(text) {
		var n line
		if err := json.Unmarshal([]byte(s), &n); err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	switch {
	case len(got) != 4:
		t.Fatalf("%d lines\n%s", len(got), text)
	case got[0].Snapshot == nil || got[0].Gap != nil || got[0].Cursor != at(1):
		t.Errorf("begin: %+v", got[0])
	case got[1].Event.Call.Remote.Display != "<Anna & Co>" || !strings.Contains(text, "<Anna & Co>"):
		t.Errorf("event: %+v", got[1])
	case got[2].Event.Digit != "" || got[2].Event.Kind != callcontrol.EventDigit:
		t.Errorf("a key: %+v", got[2].Event)
	case got[3].Gap == nil || got[3].Gap.To != at(9) || got[3].Snapshot == nil:
		t.Errorf("gap: %+v", got[3])
	}
	l.digits = true
	if err := l.event(sdk.Event{Cursor: at(10), Event: callcontrol.Event{Kind: callcontrol.EventDigit, Digit: "7"}}); err != nil || !strings.Contains(read(t, name), `"digit":"7"`) {
		t.Errorf("%v\n%s", err, read(t, name))
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

// The daemon's log has room for so much; keys that were pressed do not go there at all.
func TestLinesToTheLog(t *testing.T) {
	var out bytes.Buffer
	p := planned(t, `{"events": {"file": "-", "digits": true}}`)
	l := newLines(p, &out)
	e := calling(1, callcontrol.Identity{Display: "Anna"})
	e.Digit = "7"
	for range 64 {
		e.Call.Variables = append(e.Call.Variables, callcontrol.Variable{Name: "v", Value: strings.Repeat("x", 500)})
		e.Call.Legs = append(e.Call.Legs, callcontrol.LegView{Actions: callcontrol.Kinds})
	}
	small := calling(2, callcontrol.Identity{})
	small.Call.Variables = []callcontrol.Variable{{Name: "ivr", Value: "2"}}
	for _, err := range []error{
		l.gap(journal.Gap{}, callcontrol.Snapshot{}), l.event(e), l.event(small), l.gap(journal.Gap{To: journal.Cursor{Seq: 1}}, callcontrol.Snapshot{}), l.trouble(), l.close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(all) != 3 || len(all[0]) > longestBrief || strings.Contains(all[0], `"digit":`) || !strings.Contains(all[0], `"display":"Anna"`) ||
		!strings.Contains(all[1], `"ivr"`) || !strings.Contains(all[2], `"gap"`) {
		t.Errorf("%q", all)
	}
	if len(e.Call.Legs) != 65 {
		t.Error("the event itself was changed")
	}
}

// A disk that is full loses nothing: the event is not taken, and what is written of it is taken back.
func TestLinesOnATroubledDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	name := filepath.Join(dir, "events")
	l := newLines(planned(t, `{"events": {"file": "`+name+`"}}`), nil)
	if err := l.event(calling(1, callcontrol.Identity{})); err == nil || l.trouble() == nil {
		t.Errorf("%v, %v", err, l.trouble())
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.event(calling(1, callcontrol.Identity{})); err != nil || l.trouble() != nil {
		t.Errorf("%v, %v", err, l.trouble())
	}
	if got := seqs(t, name); got != "e:1-1" {
		t.Error(got)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}
