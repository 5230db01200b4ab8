package journal

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRestart: numbers and the epoch go on, with an orderly end and without one.
func TestRestart(t *testing.T) {
	for _, kind := range []string{"embedded", "external"} {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, kinds[kind](t), numbers(100))
			first := b.add(30)
			b.settled()
			for life := range uint64(3) {
				b.again(numbers(10))
				if last := b.log.Last(); last != (Cursor{first.Epoch, 30 + 20*life}) {
					t.Fatalf("life %d begins at %v", life, last)
				}
				b.add(10)
				b.settled()
				b.add(10)
				b.settled()
				if gaps := b.read(Cursor{}, 50+20*life); gaps != nil {
					t.Errorf("gaps %v", gaps)
				}
				if gaps := b.read(Cursor{first.Epoch, 29}, 50+20*life); gaps != nil {
					t.Errorf("gaps %v", gaps)
				}
			}
		})
	}
}

// copyLive copies a folder that is in use: what is found after kill -9.
func copyLive(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestUncleanEnd(t *testing.T) {
	for _, c := range []struct {
		id     string
		change func(*state)
		keeps  bool
		reason string
	}{
		{"killed", func(*state) {}, true, ""},
		{"killed while degraded", func(s *state) { s.Degraded = true }, false, "could not be stored"},
		{"host went down", func(s *state) { s.Boot = "another" }, false, "host went down"},
		{"host went down after an orderly end", func(s *state) { s.Boot, s.Clean = "another", true }, true, ""},
		{"stored events are missing", func(s *state) { s.Stored = 99 }, false, "are missing"},
		{"mark of another stream", func(s *state) { s.Epoch, s.Stored = "another", 99 }, true, ""},
		{"stream is gone", nil, false, "are gone"},
	} {
		t.Run(c.id, func(t *testing.T) {
			b := openBench(t, Config{Dir: t.TempDir()}, numbers(100))
			before := b.add(20)
			b.settled()
			cfg := Config{Dir: copyLive(t, b.cfg.Dir)}
			last := remark(t, cfg.Dir, 20, c.change)
			after := openBench(t, cfg, numbers(100))
			at := after.log.Last()
			if at.Seq != last || (at.Epoch == before.Epoch) != c.keeps {
				t.Fatalf("at %v after %v", at, before)
			}
			if c.reason != "" && !after.said.has(c.reason) {
				t.Errorf("the log does not tell %q", c.reason)
			}
			after.add(5)
			gaps := readAll(t, after.log, Cursor{before.Epoch, 0}, last+5)
			if c.keeps && gaps != nil {
				t.Errorf("gaps %v", gaps)
			}
			sub := after.log.Subscribe(before)
			e, err := sub.Next(context.Background())
			if err != nil || (e.Gap == nil) != c.keeps || !c.keeps && e.Gap.To != (Cursor{at.Epoch, last}) {
				t.Errorf("a reader at %v gets %+v, %v", before, e, err)
			}
			if e, err = sub.Next(context.Background()); err != nil || e.Event != int(e.Cursor.Seq) {
				t.Errorf("and then %+v, %v", e, err)
			}
			if !c.keeps && last > 0 { // what was kept of the earlier epoch can still be read by whoever wants all
				if gaps := readAll(t, after.log, Cursor{}, last+5); gaps != nil {
					t.Errorf("gaps %v", gaps)
				}
				after.again(numbers(100))
				if now := after.log.Last(); now.Epoch != at.Epoch {
					t.Errorf("another epoch after an orderly end: %v", now)
				}
			}
		})
	}
}

// remark changes what the last life left behind, of which last entries were stored; nil takes those away.
func remark(t *testing.T, dir string, last uint64, change func(*state)) uint64 {
	t.Helper()
	if change == nil {
		if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
		return 0
	}
	m, _, err := openMark(dir, "events")
	if err != nil || m.set(change) != nil {
		t.Fatal(err)
	}
	m.close()
	return last
}

func TestMarkIsWhole(t *testing.T) {
	dir := t.TempDir()
	m, old, err := openMark(dir, "x")
	if err != nil || old != (state{}) {
		t.Fatal(old, err)
	}
	want := state{Epoch: strings.Repeat("e", 26), Boot: strings.Repeat("b", 36), Clean: true, Degraded: true, Stored: 1<<64 - 1}
	if err := m.set(func(s *state) { *s = want }); err != nil {
		t.Fatal(err)
	}
	if err := m.set(func(s *state) { s.Stored, want.Stored = 7, 7 }); err != nil {
		t.Fatal(err)
	}
	m.close()
	info, err := os.Stat(filepath.Join(dir, "x.mark"))
	if err != nil || info.Size() != markSize {
		t.Errorf("%v, %v", info, err)
	}
	m, old, err = openMark(dir, "x")
	if err != nil || old != want {
		t.Errorf("read %+v, %v", old, err)
	}
	m.close()
	var none *mark
	if none.set(nil) != nil {
		t.Error("no mark errs")
	}
	none.close()
}

// FuzzJournalMark: whatever is in a mark's file, the next life begins.
func FuzzJournalMark(f *testing.F) {
	f.Add([]byte(`{"epoch":"e","boot":"b","clean":true,"degraded":false,"stored":7}`))
	f.Add([]byte("\x00\xff{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.mark"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		m, old, err := openMark(dir, "x")
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		fresh, _ := epochEnds(old, state{Epoch: "now", Stored: 5}, true)
		if fresh && old.Epoch != "now" {
			t.Errorf("the mark of epoch %q ends another", old.Epoch)
		}
		if err := m.set(func(s *state) { *s = state{Epoch: "now", Stored: 5} }); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOnlyOneProcess(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	_, err := Open(context.Background(), b.cfg)
	if !errors.Is(err, errInUse) || !strings.Contains(err.Error(), "journal.dir") || !strings.Contains(err.Error(), b.cfg.Dir) {
		t.Errorf("got %v", err)
	}
	b.again(numbers(10))
}

// TestOpenErrors: what is wrong, and what to do.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		cfg  Config
		says []string
	}{
		{"nothing named", Config{}, []string{"journal.dir", "journal.url"}},
		{"a file in the way", Config{Dir: filepath.Join(file, "below")}, []string{file, "make the folder writable"}},
		{"a file as folder", Config{Dir: file}, []string{file, "make the folder writable"}},
		{"nobody listens", Config{URL: "nats://user:secret@127.0.0.1:1"}, []string{"nats://127.0.0.1:1", "is it running", "journal.credentials"}},
		{"no such credentials", Config{URL: startServer(t, nil).ClientURL(), Credentials: filepath.Join(dir, "none")}, []string{"none", "journal.credentials"}},
		{"without JetStream", Config{URL: startServer(t, withoutJetStream).ClientURL()}, []string{"JetStream", "enable it"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			s, err := Open(context.Background(), c.cfg)
			if err == nil {
				t.Fatal(s.Close())
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q has the password", err)
			}
		})
	}
}

func TestOpenEndsWithContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if s, err := Open(ctx, Config{URL: "nats://" + silent.Addr().String()}); err == nil {
		t.Error(s.Close())
	}
	if d := time.Since(start); d > askLimit {
		t.Errorf("took %v", d)
	}
}

// TestDamaged: whatever happened to the files, the next start succeeds, says so, and hands out nothing that was not there.
func TestDamaged(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(1000))
	before := b.add(800)
	b.settled()
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	whole := b.cfg.Dir
	for _, c := range []struct {
		id     string
		match  string
		damage func(text []byte) []byte
	}{
		{"messages cut", "*.blk", func(b []byte) []byte { return b[:len(b)*2/3] }},
		{"messages flipped", "*.blk", flip},
		{"messages zeroed", "*.blk", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"messages gone", "*.blk", func([]byte) []byte { return nil }},
		{"messages garbage behind", "*.blk", func(b []byte) []byte { return append(b, "garbage of some length"...) }},
		{"index flipped", "index.db", flip},
		{"index cut", "index.db", func(b []byte) []byte { return b[:len(b)/2] }},
		{"description flipped", "meta.inf", flip},
		{"description empty", "meta.inf", func([]byte) []byte { return []byte{} }},
		{"description gone", "meta.inf", func([]byte) []byte { return nil }},
		{"checksum gone", "meta.sum", func([]byte) []byte { return nil }},
		{"everything flipped", "*", flip},
	} {
		t.Run(c.id, func(t *testing.T) {
			cfg := Config{Dir: copyLive(t, whole)}
			damage(t, filepath.Join(cfg.Dir, "jetstream"), c.match, c.damage)
			after := openBench(t, cfg, numbers(100))
			at := after.log.Last()
			after.add(50)
			after.settled()
			gaps := readAll(t, after.log, Cursor{at.Epoch, 0}, at.Seq+50)
			t.Logf("epoch kept %v, at %d, gaps %v", at.Epoch == before.Epoch, at.Seq, gaps)
			if at.Epoch == before.Epoch && at.Seq < before.Seq {
				t.Errorf("the epoch goes on at %d", at.Seq)
			}
			after.again(numbers(10))
		})
	}
}

// TestSetAside: a store that the server does not even begin to read is kept aside, and the daemon starts.
func TestSetAside(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // what an earlier time left is cleared away
		if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "jetstream"), []byte("no folder"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := openBench(t, Config{Dir: dir}, numbers(10))
		b.add(5)
		b.settled()
		if !b.said.has("begun anew") {
			t.Error("the log does not tell it")
		}
		b.close()
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "damaged-*")); len(kept) != 1 {
		t.Errorf("kept aside: %v", kept)
	}
}

// TestNotSetAside: what has other reasons than the files leaves them where they are.
func TestNotSetAside(t *testing.T) {
	for text, want := range map[string]bool{
		"Can't start JetStream: mkdir /x: permission denied": true, "open /x: too many open files": true, "write /x: no space left on device": true,
		"could not create storage directory - mkdir /x/jetstream: not a directory": false,
	} {
		if ofTheHost(errors.New(text)) != want {
			t.Errorf("%s: not %v", text, want)
		}
	}
	if !ofTheHost((&serverLog{}).failure()) {
		t.Error("a slow start sets the store aside")
	}
}

func flip(b []byte) []byte {
	for i := 7; i < len(b); i += 97 {
		b[i] ^= 0x5a
	}
	return b
}

func damage(t *testing.T, dir, match string, change func([]byte) []byte) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if ok, _ := filepath.Match(match, d.Name()); err != nil || d.IsDir() || !ok {
			return err
		}
		n++
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if text = change(slices.Clone(text)); text == nil {
			return os.Remove(name)
		}
		return os.WriteFile(name, text, 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files damaged, %v", n, err)
	}
}
