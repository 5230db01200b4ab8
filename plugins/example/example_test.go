package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cordboard/plugins/conformance"
)

var update = flag.Bool("update", false, "write the example into docs/adapters.md")

// build makes the program as an author would.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "example")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build, so that each package is compiled once for both
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestDocument: the guide shows this program, all of it, and it is short.
func TestDocument(t *testing.T) {
	const name = "../../docs/adapters.md"
	code, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(code), "\n"); n >= 100 {
		t.Errorf("the example has %d lines", n)
	}
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```go\n// Command example.*?```")
	if !block.Match(doc) {
		t.Fatal("the guide does not show the example")
	}
	want := block.ReplaceAllLiteral(doc, []byte("```go\n"+string(code)+"```"))
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(want) != string(doc) {
		t.Errorf("%s shows another program than main.go; run with -update", name)
	}
}

// kills are fewer than the suite's own twenty: each costs the start of a process.
const kills = 6

func TestConformance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	config, err := json.Marshal(map[string]any{"file": file, "contacts": map[string]string{"+380441234567": "Ivan Petrenko"}})
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.Target{
		Command: []string{build(t)}, Config: config, Kills: kills, Known: "+380441234567", Name: "petr",
		Bad: []json.RawMessage{
			json.RawMessage(`{}`), json.RawMessage(`{"file": 7}`), json.RawMessage(`{"file": "/no/such/folder/x", "config": 1}`),
			json.RawMessage(`{"file": "x", "contacts": []}`),
		},
		Taken: func(t *testing.T) []conformance.Taken { return taken(t, file) },
	})
}

// taken reads the example's file.
func taken(t *testing.T, file string) (out []conformance.Taken) {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return out
		}
		var e conformance.Taken
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			continue // killed in mid-line
		}
		out = append(out, e)
	}
}
