package systemd

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestJournalLines(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(JournalHandler(&out, slog.LevelDebug))
	log.Error("line lost", "line", "1001")
	log.Warn("late")
	log.With("call", "c1").WithGroup("leg").Info("answered", "time", "kept", "level", 3)
	log.Debug("two\nlines")
	want := "<3>msg=\"line lost\" line=1001\n<4>msg=late\n<6>msg=answered call=c1 leg.time=kept leg.level=3\n<7>msg=\"two\\nlines\"\n"
	if out.String() != want {
		t.Errorf("wrote\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	slog.New(JournalHandler(&out, slog.LevelWarn)).Info("not written")
	if out.Len() != 0 {
		t.Errorf("wrote %q below its level", out.String())
	}
}

func TestJournalLinesDoNotMix(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(JournalHandler(&out, slog.LevelInfo))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := log.With("n", i)
			for range 50 {
				mine.Info("message")
			}
		})
	}
	wg.Wait()
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 401 {
		t.Fatalf("%d lines", len(lines)-1)
	}
	for _, l := range lines[:400] {
		if !strings.HasPrefix(l, "<6>msg=message n=") || strings.Count(l, "msg") != 1 {
			t.Fatalf("line %q", l)
		}
	}
}

func TestUnderJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"":                                     false,
		"1":                                    false,
		"a:b":                                  false,
		fmt.Sprintf("%d:%d", st.Dev, st.Ino):   true,
		fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): false,
	} {
		t.Setenv("JOURNAL_STREAM", value)
		if got := UnderJournal(f); got != want {
			t.Errorf("JOURNAL_STREAM=%q: %v", value, got)
		}
	}
}
