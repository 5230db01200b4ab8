package configs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

// TestSchemaFiles holds the checked-in schemas to the types.
func TestSchemaFiles(t *testing.T) {
	for name, make := range map[string]func() ([]byte, error){
		"cordboard.schema.json": Schema,
		"agent.schema.json":     AgentSchema,
	} {
		got, err := make()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
}

// TestSchemaAgrees validates each good file by the schema too: what the loader
// takes, an editor must not mark.
func TestSchemaAgrees(t *testing.T) {
	main := resolvedSchema(t, Schema)
	files, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no good files: %v", err)
	}
	examples, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range append(files, examples...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := main.Validate(asJSON(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{
		"sip: {lisen: [udp://127.0.0.1:5060]}",
		"sip: {listen: [5060]}",
		"sip: {listen: [udp://127.0.0.1:5060]}\nlog: {level: loud}",
		"sip: {listen: [udp://127.0.0.1:5060]}\nlimits: {max_legs: 0}",
		"sip: {listen: [udp://127.0.0.1:5060]}\nagents: [{name: anna, line: {trunk: pbx, user: '1', password: secret}, device: {}}]",
	} {
		if main.Validate(asJSON(t, []byte(bad))) == nil {
			t.Errorf("the schema takes %q", bad)
		}
	}
}

func resolvedSchema(t *testing.T, make func() ([]byte, error)) *jsonschema.Resolved {
	t.Helper()
	text, err := make()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// asJSON reads YAML into the plain values of encoding/json.
func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
