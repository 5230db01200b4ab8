package demo

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLedger: what an adapter missed or took twice is seen, and a line that is being written waits.
func TestLedger(t *testing.T) {
	const (
		begin = `{"cursor":{"epoch":"e","seq":3},"snapshot":{"cursor":{"epoch":"e","seq":3}}}` + "\n"
		four  = `{"cursor":{"epoch":"e","seq":4},"event":{"kind":"call_started"}}` + "\n"
		five  = `{"cursor":{"epoch":"e","seq":5},"event":{"kind":"call_ended"}}` + "\n"
		seven = `{"cursor":{"epoch":"e","seq":7},"event":{"kind":"call_changed"}}` + "\n"
		gap   = `{"cursor":{"epoch":"e","seq":6},"gap":{"from":{"epoch":"e","seq":4},"to":{"epoch":"e","seq":6}},"snapshot":{}}` + "\n"
	)
	for name, c := range map[string]struct {
		parts []string // written one after the other
		want  ledger
		says  string // of what the last part brought
	}{
		"whole":       {[]string{begin + four, five}, ledger{events: 2, ends: 1}, "event 5 at the adapter: call_ended"},
		"in pieces":   {[]string{begin, four[:20], four[20:] + five}, ledger{events: 2, ends: 1}, "events 4-5 at the adapter: call_started, call_ended"},
		"one missing": {[]string{begin + four + five + seven}, ledger{events: 3, ends: 1, missed: 1}, "events 4-7 at the adapter: call_started, call_ended, call_changed"},
		"one twice":   {[]string{begin + four + five + four}, ledger{events: 2, ends: 1, doubled: 1}, "event 4 at the adapter: call_started, call_ended, call_started"},
		"a gap":       {[]string{begin + four + gap + seven}, ledger{events: 2, missed: 2}, "events 4-7 at the adapter: call_started, call_changed"},
	} {
		l := ledger{path: filepath.Join(t.TempDir(), "events")}
		if entries, err := l.more(); err != nil || entries != nil {
			t.Errorf("%s: no file: %v, %v", name, entries, err)
		}
		said := ""
		for _, part := range c.parts {
			f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteString(part)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			entries, more := l.more()
			if err != nil || more != nil {
				t.Fatal(name, err, more)
			}
			said = narrate(entries)
		}
		if got := (ledger{events: l.events, ends: l.ends, missed: l.missed, doubled: l.doubled}); got != c.want || said != c.says {
			t.Errorf("%s: %+v, %q; want %+v, %q", name, got, said, c.want, c.says)
		}
	}
}
