package contacts

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// configured is the adapter as the sdk makes it, without a daemon.
func configured(t *testing.T, config string) *contacts {
	t.Helper()
	c := &contacts{out: discard{}}
	if err := c.Configure(t.Context(), &sdk.Session{Config: json.RawMessage(config), Log: quiet()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return c
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestAdapter(t *testing.T) {
	dir := t.TempDir()
	book := filepath.Join(dir, "people.csv")
	mustWrite(t, book, people)
	c := configured(t, `{"book": "`+book+`", "region": "UA", "events": {"file": "`+dir+`/events"}, "hook": {"command": ["sh", "-c", "cat > `+dir+`/pop"]}}`)
	if err := c.Health(t.Context()); err != nil {
		t.Error(err)
	}
	for number, want := range map[callcontrol.Number]int{"0441234567": 2, "0501234567": 1, "0000": 0} {
		got, err := c.Lookup(t.Context(), sdk.Query{Number: number})
		if err != nil || len(got) != want {
			t.Errorf("%s: %v, %v", number, got, err)
		}
	}
	if got, err := c.Search(t.Context(), sdk.Search{Text: "koval", Limit: 2}); err != nil || len(got) != 2 || got[0].Name != "ACME Koval Ltd" {
		t.Errorf("%v, %v", got, err)
	}
	if err := c.Gap(t.Context(), journal.Gap{}, callcontrol.Snapshot{Cursor: journal.Cursor{Epoch: "e", Seq: 3}}); err != nil {
		t.Error(err)
	}
	for range 2 { // the second time as after a crash before the acknowledgement
		if err := c.Event(t.Context(), calling(4, callcontrol.Identity{Number: "0501234567"})); err != nil {
			t.Error(err)
		}
	}
	if got := seqs(t, dir+"/events"); got != "e:3-4" {
		t.Error(got)
	}
	eventually(t, "the screen pops", func() bool {
		return strings.Contains(tryRead(dir+"/pop"), `"contacts":[{"id":"1","name":"Anna Koval"`)
	})
}

// Without a book, or without lines and hooks, the rest works.
func TestAdapterOfParts(t *testing.T) {
	c := configured(t, `{"events": {"file": "-"}}`)
	if got, err := c.Lookup(t.Context(), sdk.Query{Number: "101"}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := c.Search(t.Context(), sdk.Search{Text: "a"}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if err := c.Event(t.Context(), calling(1, callcontrol.Identity{Number: "101"})); err != nil {
		t.Error(err)
	}
	if err := c.Health(t.Context()); err != nil {
		t.Error(err)
	}
	c = configured(t, `{"book": "missing.csv"}`)
	if err := c.Event(t.Context(), calling(1, callcontrol.Identity{Number: "101"})); err != nil {
		t.Error(err)
	}
	if err := c.Gap(t.Context(), journal.Gap{}, callcontrol.Snapshot{}); err != nil {
		t.Error(err)
	}
	if err := c.Health(t.Context()); err == nil || err.Error() != "missing.csv: no such file or directory" {
		t.Errorf("%v", err)
	}
	if got, err := c.Lookup(t.Context(), sdk.Query{Number: "101"}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
