package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

type sample struct {
	URL   string            `json:"url" jsonschema:"where the CRM is"`
	Tries int               `json:"tries,omitempty"`
	Wait  Duration          `json:"wait,omitempty"`
	Key   Secret            `json:"key,omitzero"`
	Names map[string]string `json:"names,omitempty"`
	Only  []string          `json:"only,omitempty"`
	Deep  struct {
		On bool `json:"on,omitempty"`
	} `json:"deep,omitzero"`
}

// What the schema takes Decode takes, and the other way round, with words that help.
func TestDecodeAndSchema(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema[sample](), &s); err != nil {
		t.Fatal(err)
	}
	schema, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config string
		want   string // of Decode's error
	}{
		{`{"url":"x","tries":3,"wait":"1m30s","key":{"file":"` + key + `"},"names":{"a":"b"},"deep":{"on":true}}`, ""},
		{`{"url":"x"}`, ""},
		{`{"url":"x","ulr":"y"}`, `config: unknown field "ulr"`},
		{`{"url":7}`, "config: url must be text, and is number"},
		{`{"url":"x","tries":"many"}`, "config: tries must be a whole number, and is string"},
		{`{"url":"x","wait":30}`, "30 is no length of time: write it with its unit, as 30s"},
		{`{"url":"x","deep":[]}`, "config: deep must be a block of keys, and is array"},
		{`{"url":"x","key":"hunter2"}`, "a secret is named by {file: PATH}, {credential: NAME} or {env: NAME}"},
		{`{"url":"x","key":{"file":"a","env":"b"}}`, "one of"},
		{`{"url":"x","only":["a"]}`, ""},
		{`{"url":"x","only":null}`, "config: a key has no value: write one, or remove it"},
		{`{"url":"x","only":["a",null]}`, "config: a key has no value: write one, or remove it"},
		{`{"url":"x","names":{"a":null}}`, "config: a key has no value: write one, or remove it"},
		{`{"url":"x","deep":{"on":null}}`, "config: a key has no value: write one, or remove it"},
		{`{"url":"x","key":{"hunter2":null}}`, "config: a key has no value: write one, or remove it"},
		{`{"url":null}`, "config: a key has no value: write one, or remove it"},
	} {
		var v sample
		err := (&Session{Config: json.RawMessage(c.config)}).Decode(&v)
		var plain any
		if err := json.Unmarshal([]byte(c.config), &plain); err != nil {
			t.Fatal(err)
		}
		if fits := schema.Validate(plain) == nil; fits != (c.want == "") {
			t.Errorf("%s: the schema says %v", c.config, fits)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q", c.config, err, c.want)
		}
		if c.want == "" && strings.Contains(c.config, "wait") && (v.Key.Reveal() != "hunter2" || time.Duration(v.Wait) != 90*time.Second) {
			t.Errorf("%+v", v)
		}
	}
	if err := (&Session{Config: json.RawMessage(`{"url":"x"} {}`)}).Decode(&sample{}); err == nil {
		t.Error("something behind was taken")
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("SDK_TEST_KEY", "from env")
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"good": {"s3cret\n", 0o600}, "open": {"s3cret", 0o644}, "two": {"a\nb\n", 0o600}, "empty": {"\n", 0o600}, "large": {strings.Repeat("x", 5000), 0o600},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
	}
	for written, want := range map[string]string{
		`{"file":"` + dir + `/good"}`: "s3cret", `{"credential":"good"}`: "s3cret", `{"credential":"open"}`: "s3cret", `{"env":"SDK_TEST_KEY"}`: "from env",
		`{"file":"` + dir + `/open"}`: "", `{"file":"` + dir + `/two"}`: "", `{"file":"` + dir + `/empty"}`: "", `{"file":"` + dir + `/large"}`: "",
		`{"file":"` + dir + `"}`: "", `{"file":"/no/such"}`: "", `{"credential":"../x"}`: "", `{"env":"SDK_TEST_NONE"}`: "", `{}`: "", `[]`: "", `"s3cret"`: "",
	} {
		var s Secret
		err := json.Unmarshal([]byte(written), &s)
		if s.Reveal() != want && err == nil || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", written, s.Reveal(), err)
		}
	}
	s := Secret{"hunter2"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s)
	raw, err := json.Marshal(struct{ S Secret }{s})
	if text := fmt.Sprintf("%v %s %#v %+v %s %v", s, s, s, struct{ S Secret }{s}, raw, err) + log.String(); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}
