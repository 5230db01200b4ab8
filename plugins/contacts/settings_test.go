package contacts

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

func TestSettingsRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                           "config: book: there is nothing to do: name a book, events.file or hook.command",
		`{"book": "b.csv", "boks": 1}`: `config: unknown field "boks"`,
		`{"book": "b.csv", "events": {"fil": 1}}`: `config: unknown field "fil"`,
		`{"book": 7}`: "config: book must be text, and is number",
		`{"book": "b.csv", "events": {"keep": "4"}}`:               "config: events.keep must be a whole number, and is string",
		`{"book": "b.csv", "hook": []}`:                            "config: hook must be a block of keys, and is array",
		`{"book": "b.csv", "every": 5}`:                            "config: 5 is no length of time: write it with its unit, as 30s",
		`{"book": "b.txt"}`:                                        "config: format: csv, yaml or vcard; the book's name does not tell which",
		`{"book": "b", "format": "xlsx"}`:                          "config: format: csv, yaml or vcard; the book's name does not tell which",
		`{"book": "b.csv", "region": "Ukraine"}`:                   `config: region: "UKRAINE" is no country: write its two letters, as UA`,
		`{"book": "b.yml", "columns": {"id": "Nr"}}`:               "config: columns: only a CSV file has columns",
		`{"book": "b.csv", "every": "1ms"}`:                        "config: every: 1ms is not within 100ms and 1h0m0s",
		`{"events": {"file": "e", "max_size": "16 MB"}}`:           `config: events.max_size: "16 MB" is not a size: write it as 16MiB`,
		`{"events": {"file": "e", "max_size": "1KiB"}}`:            "config: events.max_size: 1KiB is not within 64KiB and 1024GiB",
		`{"events": {"file": "e", "max_size": "999999999999GiB"}}`: "config: events.max_size: 999999999999GiB is not within 64KiB and 1024GiB",
		`{"events": {"file": "e", "keep": 0}}`:                     "config: events.keep: 0 is not within 1 and 100",
		`{"events": {"file": "e", "kinds": []}}`:                   "config: events.kinds: the list is empty",
		`{"hook": {"command": [""]}}`:                              "config: hook.command: the program has no name",
		`{"hook": {"command": ["x"], "on": []}}`:                   "config: hook.on: the list is empty",
		`{"hook": {"command": ["x"], "timeout": "2m"}}`:            "config: hook.timeout: 2m0s is not within 100ms and 1m0s",
		`{"hook": {"command": ["x"], "concurrency": 17}}`:          "config: hook.concurrency: 17 is not within 1 and 16",
		`{"hook": {"command": ["x"], "max_age": "0s"}}`:            "config: hook.max_age: 0s is not within 1s and 24h0m0s",
		`{"book": "b.csv", "region": "1", "events": {"keep": -1}}`: "config: region: \"1\" is no country: write its two letters, as UA\nconfig: events.keep: -1 is not within 1 and 100",
	} {
		_, err := settle(&sdk.Session{Config: json.RawMessage(config)})
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", config, err, want)
		}
	}
	_, err := settle(&sdk.Session{Config: json.RawMessage(`{"events": {"file": "e", "kinds": ["call_begun"]}}`)})
	if err == nil || !strings.HasPrefix(err.Error(), `config: events.kinds: "call_begun" is no event: there are call_started, `) {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	p := planned(t, `{"book": "Book.VCF", "region": "ua", "events": {"file": "-", "max_size": "1GiB", "kinds": ["call_ended"]}, "hook": {"command": ["x"], "timeout": "10s"}}`)
	if p.Format != "vcard" || p.numbers.region != "UA" || p.maxSize != 1<<30 || len(p.kinds) != 1 || !p.on[callcontrol.EventCallStarted] ||
		time.Duration(p.Hook.Timeout) != 10*time.Second || p.Hook.Concurrency != 4 || time.Duration(p.Every) != 2*time.Second {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]string{"a.csv": "csv", "a.TSV": "csv", "a.yml": "yaml", "a.yaml": "yaml", "x.vcard": "vcard", "csv": "csv", "a.b.txt": "", "": ""} {
		if got := formatOf(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// The schema, by which the daemon checks before the adapter does, takes what the adapter takes.
func TestSchema(t *testing.T) {
	info := (&contacts{version: "1.2.3"}).Info()
	if info.Version != "1.2.3" {
		t.Errorf("it says that it is %s", info.Version)
	}
	raw := info.Schema
	var s struct {
		Properties           map[string]any
		AdditionalProperties any
		Required             []string
	}
	if err := json.Unmarshal(raw, &s); err != nil || len(s.Properties) != 7 || s.AdditionalProperties == nil || len(s.Required) != 0 {
		t.Errorf("%v: %s", err, raw)
	}
}

// Every key stands in the guide.
func TestKeysAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Type.Kind() == reflect.Struct {
				walk(prefix+name+".", f.Type)
			} else if !strings.Contains(string(doc), "| `"+prefix+name+"` |") {
				t.Errorf("%s%s is not in docs/adapters.md", prefix, name)
			}
		}
	}
	walk("", reflect.TypeFor[Settings]())
	for _, v := range hookEnv(sdk.Event{}, nil) {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "CORDBOARD_") && !strings.Contains(string(doc), "`"+strings.TrimPrefix(name, "CORDBOARD_")+"`") {
			t.Errorf("%s is not in docs/adapters.md", name)
		}
	}
}
