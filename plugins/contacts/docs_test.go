package contacts

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

// guideSection is the part of the guide that is about this adapter.
func guideSection(t *testing.T) []byte {
	t.Helper()
	doc, err := os.ReadFile("../../docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(doc, []byte("\n## The contact book"))
	if i < 0 {
		t.Fatal("the guide has no section")
	}
	return doc[i:]
}

func fences(text []byte, lang string) (out []string) {
	for _, m := range regexp.MustCompile("(?s)```"+lang+"\n(.*?)```").FindAllSubmatch(text, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// adapterConfig is the configuration of the only contacts adapter in a daemon's configuration.
func adapterConfig(t *testing.T, text []byte) json.RawMessage {
	t.Helper()
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Adapters []struct {
			Kind   string
			Config json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &c); err != nil || len(c.Adapters) != 1 || c.Adapters[0].Kind != "contacts" {
		t.Fatalf("%v: %s", err, raw)
	}
	return c.Adapters[0].Config
}

// The guide's configuration is good, and its books are read.
func TestGuide(t *testing.T) {
	guide := guideSection(t)
	blocks := fences(guide, "yaml")
	if len(blocks) != 2 {
		t.Fatalf("%d YAML blocks", len(blocks))
	}
	p, err := settle(&sdk.Session{Config: adapterConfig(t, []byte(blocks[0]))})
	if err != nil {
		t.Fatal(err)
	}
	for format, text := range map[string]string{"csv": fences(guide, "csv")[0], "yaml": blocks[1], "vcard": fences(guide, "vcard")[0]} {
		p.Format = format
		b, err := p.parse([]byte(text), nil)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if got := b.lookup(p.numbers.key("0501234567")); len(got) != 1 || got[0].name != "Olena Boiko" || got[0].id != "101" || len(got[0].phones) != 2 {
			t.Errorf("%s: %+v", format, got)
		}
	}
}

// The shipped example knows the simulated customers: the first alone, the second as one of two.
func TestExampleBook(t *testing.T) {
	const dir = "../../configs/examples"
	text, err := os.ReadFile(filepath.Join(dir, "demo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := settle(&sdk.Session{Config: adapterConfig(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := readFile(filepath.Join(dir, p.Book))
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[callcontrol.Number]string{
		"380440001000": "101", "380440001001": "102 103", "380440001002": "", "380441234501": "104", "380441234502": "104 105", "380441234503": "201", "0048221234567": "202",
	} {
		if got := ids(b.lookup(p.numbers.key(string(number)))); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}
