package contacts

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cordboard/plugins/sdk"
)

// shelfIn is a shelf with a book file in a folder of its own, whose looks the test makes.
type shelfIn struct {
	*shelf
	t    *testing.T
	name string
	log  *bytes.Buffer
	tick time.Time
}

func newShelfIn(t *testing.T) *shelfIn {
	t.Helper()
	name := filepath.Join(t.TempDir(), "book.csv")
	p := planned(t, `{"book": "book.csv", "region": "UA"}`)
	p.Book = name
	log := &bytes.Buffer{}
	return &shelfIn{newShelf(p, slog.New(slog.NewTextHandler(log, nil))), t, name, log, time.Now().Add(-time.Hour)}
}

// write makes a version of the file with a time of its own.
func (s *shelfIn) write(text string) {
	s.t.Helper()
	mustWrite(s.t, s.name, text)
	s.tick = s.tick.Add(time.Minute)
	if err := os.Chtimes(s.name, s.tick, s.tick); err != nil {
		s.t.Fatal(err)
	}
}

// settle looks as often as a change needs.
func (s *shelfIn) settle() {
	s.look(false)
	s.look(false)
}

// names of the contacts in use, and what is wrong with the file.
func (s *shelfIn) state() (names, wrong string) {
	var all []string
	if b := s.book.Load(); b != nil {
		for _, r := range b.records {
			all = append(all, r.name)
		}
	}
	if err := s.trouble(); err != nil {
		wrong = strings.ReplaceAll(err.Error(), filepath.Dir(s.name)+"/", "")
	}
	return strings.Join(all, " "), wrong
}

func (s *shelfIn) want(names, wrong string) {
	s.t.Helper()
	if n, w := s.state(); n != names || w != wrong {
		s.t.Errorf("in use %q, wrong %q; want %q, %q", n, w, names, wrong)
	}
}

// Valid, invalid, valid: a bad file changes nothing, and says where it is bad.
func TestReload(t *testing.T) {
	s := newShelfIn(t)
	s.look(true)
	s.want("", "book.csv: no such file or directory")
	s.write("name,phone\nAnna,101\n")
	s.settle()
	s.want("Anna", "")
	s.write("name,phone\nAnna,101\n,102\nBo,?\n")
	s.settle()
	s.want("Anna", `book.csv:3: there is no name; book.csv:4: "?" is not a phone number`)
	s.write("name,phone\nBo,102\nCleo,103\n")
	s.settle()
	s.want("Bo Cleo", "")
	if err := os.Remove(s.name); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.want("Bo Cleo", "book.csv: no such file or directory")
	s.write("name,phone\nBo,102\nCleo,103\n") // the same again
	s.settle()
	s.want("Bo Cleo", "")
	if err := os.Remove(s.name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.name, 0o700); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.want("Bo Cleo", "book.csv is no file")
}

// A change is taken when the file has stayed as it is from one look to the next.
func TestReloadWaitsForTheWriter(t *testing.T) {
	s := newShelfIn(t)
	s.write("name,phone\nAnna,101\n")
	s.look(true)
	s.want("Anna", "")
	s.write("name,phone\nBo,10")
	s.look(false)
	s.write("name,phone\nBo,102\n")
	s.look(false)
	s.want("Anna", "")
	s.look(false)
	s.want("Bo", "")
}

// A second change within the same moment, of the same length, is seen too.
func TestReloadOfYoungFile(t *testing.T) {
	s := newShelfIn(t)
	s.tick = time.Now()
	s.write("name,phone\nAnna,101\n")
	s.look(true)
	at := s.tick
	mustWrite(t, s.name, "name,phone\nBorY,101\n")
	if err := os.Chtimes(s.name, at, at); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.want("BorY", "")
}

// Files are replaced by a rename, too, and by a link to another one.
func TestReloadOfReplacedFile(t *testing.T) {
	s := newShelfIn(t)
	s.write("name,phone\nAnna,101\n")
	s.look(true)
	for i, name := range []string{"Bory", "Cleo"} {
		other := s.name + name
		mustWrite(t, other, "name,phone\n"+name+",101\n")
		if err := os.Chtimes(other, s.tick, s.tick); err != nil { // the same size and time
			t.Fatal(err)
		}
		if i == 0 {
			if err := os.Rename(other, s.name); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := os.Remove(s.name); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(other, s.name); err != nil {
				t.Fatal(err)
			}
		}
		s.settle()
		s.want(name, "")
	}
}

// The same trouble is logged once, and an unchanged file is not read again.
func TestReloadIsQuiet(t *testing.T) {
	s := newShelfIn(t)
	s.write("name,phone\nAnna,101\n")
	for range 5 {
		s.look(false)
	}
	s.write("name,phone\n,101\n")
	for range 5 {
		s.look(false)
	}
	if got := s.log.String(); strings.Count(got, "contact book read") != 1 || strings.Count(got, "cannot be used") != 1 || strings.Count(got, "\n") != 2 {
		t.Error(got)
	}
}

func TestLargeBook(t *testing.T) {
	s := newShelfIn(t)
	s.write("")
	if err := os.Truncate(s.name, longestBook+1); err != nil {
		t.Fatal(err)
	}
	s.look(true)
	s.want("", "book.csv is larger than 64 MiB")
}

// run reads at once, follows changes and ends.
func TestShelfRuns(t *testing.T) {
	s := newShelfIn(t)
	s.plan.Every = sdk.Duration(time.Millisecond)
	s.write("name,phone\nAnna,101\n")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	if b, err := s.current(t.Context()); err != nil || len(b.records) != 1 {
		t.Errorf("%v", err)
	}
	s.write("name,phone\nBo,101\n")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if n, _ := s.state(); n == "Bo" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the change is not seen")
		}
	}
	cancel()
	<-done
}
