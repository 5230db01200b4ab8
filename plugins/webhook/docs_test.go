package webhook

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"cordboard/plugins/sdk"
)

func guide(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// fence is the only block of a language.
func fence(t *testing.T, doc, lang string) string {
	t.Helper()
	all := regexp.MustCompile("(?s)```"+lang+"\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(all) != 1 {
		t.Fatalf("%d blocks of %s", len(all), lang)
	}
	return all[0][1]
}

// The guide's configuration is good, and its JSON is what openapi.yaml says.
func TestGuide(t *testing.T) {
	doc := guide(t)
	var c struct {
		Adapters []struct {
			Kind   string
			Config any
		}
	}
	if err := yaml.Unmarshal([]byte(fence(t, doc, "yaml")), &c); err != nil || c.Adapters[0].Kind != "webhook" {
		t.Fatal(c, err)
	}
	raw, err := json.Marshal(c.Adapters[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	k := newContract(t)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(doc, -1)
	for i, schema := range []string{"Lookup", "Contacts"} {
		k.schema(schema, []byte(blocks[i][1]))
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, "secrets/signing", keyOne+"\n")
	mustWrite(t, "secrets/token", allToken+"\n")
	if _, err := settle(&sdk.Session{Config: raw}); err != nil {
		t.Error(err)
	}
}

// The checks of signatures that are printed in the guide take what is signed, and nothing else.
func TestGuideChecksSignatures(t *testing.T) {
	doc := guide(t)
	s, err := newSigner(planned(t, `{"deliver": {"url": "https://crm/"}, "secrets": [{"file": "two"}, {"file": "one"}]}`).Secrets)
	if err != nil {
		t.Fatal(err)
	}
	type attempt struct {
		Headers map[string]string
		Body    string
		Want    bool
	}
	var tries []attempt
	add := func(at time.Time, want bool, change func(*attempt)) {
		body := `{"type":"call_started","name":"Олена"}`
		h := http.Header{}
		s.sign(h, "e1-17", at, []byte(body))
		a := attempt{Headers: map[string]string{}, Body: body, Want: want}
		for name := range h {
			a.Headers[strings.ToLower(name)] = h.Get(name)
		}
		change(&a)
		tries = append(tries, a)
	}
	now := time.Now()
	add(now, true, func(*attempt) {})
	add(now.Add(-10*time.Minute), false, func(*attempt) {})
	add(now.Add(10*time.Minute), false, func(*attempt) {})
	add(now, false, func(a *attempt) { a.Body += " " })
	add(now, false, func(a *attempt) { a.Headers["webhook-id"] = "e1-18" })
	add(now, false, func(a *attempt) { a.Headers["webhook-signature"] = "v1,AAAA v1," })
	text, err := json.Marshal(tries)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for program, check := range map[string]struct{ file, code string }{
		"python3": {"check.py", fence(t, doc, "python") + `
import json, sys
for n, a in enumerate(json.load(open("tries.json"))):
    if genuine(sys.argv[1], a["Headers"], a["Body"].encode()) != a["Want"]: sys.exit(f"try {n} is wrong")
`},
		"node": {"check.js", fence(t, doc, "js") + `
for (const [n, a] of JSON.parse(require('fs').readFileSync('tries.json')).entries())
  if (genuine(process.argv[2], a.Headers, Buffer.from(a.Body)) !== a.Want) { console.error('try', n, 'is wrong'); process.exit(1) }
`},
	} {
		path, err := exec.LookPath(program)
		if err != nil {
			if os.Getenv("INTEROP") == "required" {
				t.Errorf("INTEROP=required and %s is not installed", program)
			}
			t.Logf("%s is not on this machine", program)
			continue
		}
		ran++
		dir := t.TempDir()
		mustWrite(t, filepath.Join(dir, check.file), check.code)
		mustWrite(t, filepath.Join(dir, "tries.json"), string(text))
		c := exec.CommandContext(t.Context(), path, check.file, keyOne)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
	}
	if ran == 0 {
		t.Skip("SKIPPED: neither python3 nor node is installed")
	}
}
