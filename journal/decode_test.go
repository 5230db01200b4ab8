package journal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzJournalEntries: whatever the server hands out, readers get rising cursors, gaps that begin where the last entry was, and
// no panic.
func FuzzJournalEntries(f *testing.F) {
	f.Add(uint64(0), []byte("1\n2\n\n4"), []byte{1, 1, 1, 1})
	f.Add(uint64(7), []byte("\n\n{\x00\n8\n\xff"), []byte{1, 0, 9, 200, 3})
	f.Fuzz(func(t *testing.T, at uint64, text, steps []byte) {
		l := newLog(numbers(4).withDefaults(Config{}), "e", at)
		l.stream = &stream{b: &backend{log: Config{}.withDefaults().Log}}
		var found []message
		seq := at
		lines := strings.Split(string(text), "\n")
		for i, step := range steps {
			if seq += uint64(step); seq < at {
				return // round the end of the numbers
			}
			found = append(found, message{seq: seq, data: []byte(lines[i%len(lines)])})
		}
		last := at
		gap := false
		for _, e := range l.entries(nil, at, found) {
			switch {
			case e.Cursor.Seq <= last || e.Cursor.Epoch != "e":
				t.Fatalf("%+v after %d", e, last)
			case e.Gap != nil && (gap || e.Gap.From.Seq != last || e.Gap.To != e.Cursor || e.Event != 0):
				t.Fatalf("gap %+v after %d", e, last)
			case e.Gap == nil && e.Cursor.Seq != last+1:
				t.Fatalf("%+v after %d without a gap", e, last)
			}
			last, gap = e.Cursor.Seq, e.Gap != nil
		}
		if len(found) > 0 && last != max(seq, at) {
			t.Fatalf("ends at %d, was given up to %d", last, seq)
		}
		for _, m := range found {
			var r entry[map[string]time.Time]
			_ = json.Unmarshal(m.data, &r)
		}
	})
}
