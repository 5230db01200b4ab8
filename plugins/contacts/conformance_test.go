package contacts

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"cordboard/plugins/conformance"
)

// program is the adapter as it is shipped: without the race detector, with which a start takes half a second.
func program(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "contacts")
	build := exec.Command("go", "test", "-c", "-trimpath", "-o", name, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build, so that each package is compiled once for both
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// TestConformance puts the adapter through everything: among it kill -9 in mid-stream, after which each event
// is in its files once. The files are so small that they are put aside all the time.
func TestConformance(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "book.csv"), "id,name,phone\n7,Ivan Petrenko,044 123 45 67\n")
	config := `{"book": "book.csv", "region": "UA", "events": {"file": "events.jsonl", "max_size": "256KiB", "keep": 100}}`
	conformance.Run(t, conformance.Target{
		Command: []string{program(t), serveWord}, Dir: dir, Config: json.RawMessage(config), Known: "380441234567", Name: "petr", Kills: 6,
		Bad: []json.RawMessage{
			json.RawMessage(`{}`), json.RawMessage(`{"book": 7}`), json.RawMessage(`{"book": "b.csv", "region": "XX"}`), json.RawMessage(`{"book": "b.csv", "every": "soon"}`),
		},
		Taken: func(t *testing.T) []conformance.Taken { return taken(t, filepath.Join(dir, "events.jsonl")) },
	})
}

// taken reads the lines of all files, oldest first.
func taken(t *testing.T, file string) (out []conformance.Taken) {
	t.Helper()
	names := []string{file}
	for n := 1; ; n++ {
		name := file + "." + strconv.Itoa(n)
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			break
		}
		names = append([]string{name}, names...)
	}
	for _, name := range names {
		out = append(out, linesOf(t, name)...)
	}
	return out
}

func linesOf(t *testing.T, name string) (out []conformance.Taken) {
	t.Helper()
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v in %.80s", name, err, s.Text())
		}
		out = append(out, conformance.Taken{Cursor: l.Cursor, Gap: l.Snapshot != nil})
	}
	return out
}
