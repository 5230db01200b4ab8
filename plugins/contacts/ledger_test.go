package contacts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordboard/journal"
)

func text(epoch string, seq uint64) string {
	return fmt.Sprintf(`{"cursor":{"epoch":%q,"seq":%d},"event":{"kind":"digit"}}`, epoch, seq)
}

// writes adds lines of seq from to to.
func writes(t *testing.T, l *ledger, epoch string, from, to uint64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		if err := l.write(journal.Cursor{Epoch: epoch, Seq: seq}, []byte(text(epoch, seq))); err != nil {
			t.Fatalf("%d: %v", seq, err)
		}
	}
}

// seqs are the places in all files, oldest first, as e:1-3 f:1.
func seqs(t *testing.T, name string) string {
	t.Helper()
	var out []string
	epoch, from, to := "", uint64(0), uint64(0)
	flush := func() {
		if epoch != "" {
			out = append(out, fmt.Sprintf("%s:%d-%d", epoch, from, to))
		}
	}
	for _, l := range taken(t, name) {
		if l.Cursor.Epoch != epoch || l.Cursor.Seq != to+1 {
			flush()
			epoch, from = l.Cursor.Epoch, l.Cursor.Seq
		}
		to = l.Cursor.Seq
	}
	flush()
	return strings.Join(out, " ")
}

func TestLedger(t *testing.T) {
	line := int64(len(text("e", 1)) + 1)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, l *ledger, name string)
		want string
	}{
		{"new", func(t *testing.T, l *ledger, _ string) { writes(t, l, "e", 1, 5) }, "e:1-5"},
		{"again", func(t *testing.T, l *ledger, _ string) { writes(t, l, "e", 1, 5); writes(t, l, "e", 3, 6) }, "e:1-6"},
		{"another life", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 5)
			l.closeLocked()
			writes(t, newLedger(name, 1<<20, 3), "e", 2, 7)
		}, "e:1-7"},
		{"another epoch", func(t *testing.T, l *ledger, _ string) { writes(t, l, "e", 1, 5); writes(t, l, "f", 1, 2) }, "e:1-5 f:1-2"},
		{"half a line", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 5)
			l.closeLocked()
			cut(t, name, 10)
			writes(t, newLedger(name, 1<<20, 3), "e", 4, 7)
		}, "e:1-7"},
		{"half of the first line", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 1)
			l.closeLocked()
			cut(t, name, 3)
			writes(t, newLedger(name, 1<<20, 3), "e", 1, 2)
		}, "e:1-2"},
		{"a byte of the first line", func(t *testing.T, _ *ledger, name string) {
			mustWrite(t, name, "{")
			writes(t, newLedger(name, 1<<20, 3), "e", 1, 2)
		}, "e:1-2"},
		{"zeros after a loss of power", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 2)
			l.closeLocked()
			grow(t, name, strings.Repeat("\x00", 4096))
			writes(t, newLedger(name, 1<<20, 3), "e", 3, 4)
		}, "e:1-4"},
		{"put aside", func(t *testing.T, l *ledger, _ string) { l.max = 3 * line; writes(t, l, "e", 1, 9) }, "e:1-9"},
		{"the oldest goes", func(t *testing.T, l *ledger, _ string) { l.max = 2 * line; l.keep = 2; writes(t, l, "e", 1, 9) }, "e:5-9"},
		{"ended between two files", func(t *testing.T, l *ledger, name string) {
			l.max = 3 * line
			writes(t, l, "e", 1, 6)
			l.closeLocked()
			rename(t, name+".1", name+".2")
			rename(t, name, name+".1")
			writes(t, newLedger(name, 3*line, 3), "e", 5, 8)
		}, "e:1-8"},
		{"ended while files are moved", func(t *testing.T, l *ledger, name string) {
			l.max = 3 * line
			writes(t, l, "e", 1, 6)
			l.closeLocked()
			rename(t, name+".1", name+".3")
			writes(t, newLedger(name, 3*line, 4), "e", 5, 6)
			rename(t, name+".3", name+".1")
		}, "e:1-6"},
		{"empty file, last line in one put aside", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 3)
			l.closeLocked()
			rename(t, name, name+".1")
			mustWrite(t, name, "")
			writes(t, newLedger(name, 1<<20, 3), "e", 2, 4)
		}, "e:1-4"},
		{"moved away by another program", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 3)
			rename(t, name, name+".1")
			writes(t, l, "e", 3, 5)
		}, "e:1-5"},
		{"emptied by another program", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 3)
			mustWrite(t, name, "")
			writes(t, l, "e", 3, 5)
		}, "e:4-5"},
		{"a long line", func(t *testing.T, l *ledger, name string) {
			writes(t, l, "e", 1, 1)
			long := strings.Replace(text("e", 2), "digit", strings.Repeat("x", 200_000), 1)
			if err := l.write(journal.Cursor{Epoch: "e", Seq: 2}, []byte(long)); err != nil {
				t.Fatal(err)
			}
			l.closeLocked()
			writes(t, newLedger(name, 1<<20, 3), "e", 2, 3)
		}, "e:1-3"},
		{"a line longer than a file", func(t *testing.T, l *ledger, _ string) { l.max = 1; writes(t, l, "e", 1, 3) }, "e:1-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "events")
			l := newLedger(name, 1<<20, 3)
			t.Cleanup(func() { _ = l.close() })
			c.do(t, l, name)
			if got := seqs(t, name); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A file that is something else is left as it is.
func TestLedgerKeepsOffOthers(t *testing.T) {
	for name, text := range map[string]string{
		"book":      "name,phone\nAnna,101\n",
		"half":      "name,phone\nAnna,101",
		"one line":  "hello",
		"JSON":      "{\"a\":1}\n",
		"no object": "{\"cursor\":{}\n",
		"tail":      "{\"cursor\":{\"seq\":1}}\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "events")
			mustWrite(t, file, text)
			l := newLedger(file, 1<<20, 3)
			err := l.write(journal.Cursor{Epoch: "e", Seq: 1}, []byte("{}"))
			if err == nil || !strings.Contains(err.Error(), "name a file of its own") {
				t.Errorf("%v", err)
			}
			if got, _ := os.ReadFile(file); string(got) != text {
				t.Errorf("it is %q now", got)
			}
		})
	}
}

func TestLedgerTroubles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "events")
	for file, says := range map[string]string{
		filepath.Join(dir, "missing", "events"): "no such file or directory",
		dir:                                     "is a directory",
		"/dev/null":                             "this is no file",
	} {
		if err := newLedger(file, 1<<20, 3).ready(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", file, err)
		}
	}
	first, second := newLedger(name, 1<<20, 3), newLedger(name, 1<<20, 3)
	writes(t, first, "e", 1, 2)
	if err := second.write(journal.Cursor{Epoch: "e", Seq: 3}, []byte(text("e", 3))); err == nil || !strings.Contains(err.Error(), "another process writes it") {
		t.Errorf("two writers: %v", err)
	}
	if err := first.close(); err != nil {
		t.Error(err)
	}
	writes(t, second, "e", 2, 3)
	if err := second.file.Close(); err != nil { // a write that fails
		t.Fatal(err)
	}
	writes(t, second, "e", 4, 4)
	if got := seqs(t, name); got != "e:1-4" {
		t.Error(got)
	}
	if err := second.close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v, %v: others may read who called", info.Mode(), err)
	}
}

func cut(t *testing.T, name string, bytes int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-bytes); err != nil {
		t.Fatal(err)
	}
}

func grow(t *testing.T, name, more string) {
	t.Helper()
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, name, string(old)+more)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
