package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// kinds are where a log may be kept: every rule of reading holds for each.
var kinds = map[string]func(t *testing.T) Config{
	"memory":   func(*testing.T) Config { return Config{Memory: true} },
	"embedded": func(t *testing.T) Config { return Config{Dir: t.TempDir()} },
	"external": func(t *testing.T) Config { return Config{URL: startServer(t, nil).ClientURL(), Dir: t.TempDir()} },
}

func TestLogReadFromCursor(t *testing.T) {
	for kind, cfg := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, cfg(t), numbers(1000))
			last := b.add(50)
			for _, from := range []Cursor{{}, {last.Epoch, 0}, {last.Epoch, 1}, {last.Epoch, 49}} {
				if gaps := b.read(from, 50); gaps != nil {
					t.Errorf("from %v: gaps %v", from, gaps)
				}
			}
			b.settled()
			s := b.log.Status()
			if s.Last != last || s.Stored != last || s.Pending != 0 || s.Lag != 0 || s.Lost != 0 || s.Degraded != nil {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// TestLogGap: what is of another life or of the future is told, wherever the log is kept.
func TestLogGap(t *testing.T) {
	for kind, cfg := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, cfg(t), numbers(1000))
			last := b.add(8)
			b.settled()
			for _, c := range []struct {
				id    string
				from  Cursor
				to    uint64
				after int
			}{
				{"other epoch", Cursor{"another", 7}, 0, 1},
				{"no epoch", Cursor{"", 7}, 0, 1},
				{"future", Cursor{last.Epoch, 99}, 8, 9},
			} {
				sub := b.log.Subscribe(c.from)
				e, err := sub.Next(context.Background())
				if err != nil || e.Gap == nil || e.Gap.From != c.from || e.Gap.To != (Cursor{last.Epoch, c.to}) || e.Cursor != e.Gap.To {
					t.Fatalf("%s: %+v, %v", c.id, e, err)
				}
				if c.after > 8 {
					b.add(1)
				}
				if e, err := sub.Next(context.Background()); err != nil || e.Event != c.after {
					t.Errorf("%s: goes on with %+v, %v", c.id, e, err)
				}
			}
		})
	}
}

func TestLogEnds(t *testing.T) {
	for kind, cfg := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, cfg(t), numbers(100))
			sub := b.log.Subscribe(Cursor{})
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := sub.Next(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("ended context: %v", err)
			}
			b.add(3)
			b.log.Close()
			b.log.Close()
			if _, err := b.log.Append(context.Background(), 4); !errors.Is(err, ErrClosed) {
				t.Errorf("append after close: %v", err)
			}
			for want := 1; want <= 3; want++ {
				if e, err := sub.Next(context.Background()); err != nil || e.Event != want {
					t.Fatalf("after close: %+v, %v", e, err)
				}
			}
			if _, err := sub.Next(context.Background()); !errors.Is(err, ErrClosed) {
				t.Errorf("at the end: %v", err)
			}
			if err := b.store.Close(); err != nil {
				t.Error(err)
			}
			if err := b.store.Close(); err != nil {
				t.Error(err)
			}
			if _, err := OpenLog(context.Background(), b.store, numbers(1)); !errors.Is(err, ErrClosed) {
				t.Errorf("log of a closed store: %v", err)
			}
			if _, err := OpenTable[int](context.Background(), b.store, "more", 0); !errors.Is(err, ErrClosed) {
				t.Errorf("table of a closed store: %v", err)
			}
			if _, _, err := b.store.Cursor(context.Background(), "reader"); !errors.Is(err, ErrClosed) {
				t.Errorf("cursor of a closed store: %v", err)
			}
		})
	}
}

// TestSlowReaderReadsFromDisk: what the ring has no more comes from the store, at the reader's pace.
func TestSlowReaderReadsFromDisk(t *testing.T) {
	for _, kind := range []string{"embedded", "external"} {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, kinds[kind](t), numbers(64))
			for range 60 { // never more at a time than the ring holds
				b.add(50)
				b.settled()
			}
			if gaps := b.read(Cursor{}, 3000); gaps != nil {
				t.Errorf("gaps %v", gaps)
			}
			last := b.log.Last()
			if gaps := b.read(Cursor{last.Epoch, 1234}, 3000); gaps != nil {
				t.Errorf("gaps %v", gaps)
			}
		})
	}
}

// TestMemoryTrims: in memory the ring is all there is.
func TestMemoryTrims(t *testing.T) {
	b := openBench(t, Config{Memory: true}, numbers(10))
	b.add(25)
	if gaps := b.read(Cursor{}, 25); !slices.Equal(gaps, []string{"0-15"}) {
		t.Errorf("gaps %v", gaps)
	}
	if s := b.log.Status(); s.Last.Seq != 25 || s.Stored != s.Last {
		t.Errorf("status %+v", s)
	}
}

// TestTrimmedBySize: the oldest go first, and a reader behind is told.
func TestTrimmedBySize(t *testing.T) {
	c := numbers(100)
	encode := c.Encode
	c.Encode = func(i int) ([]byte, error) {
		text, err := encode(i)
		return append([]byte(strings.Repeat(" ", 4000)), text...), err
	}
	b := openBench(t, Config{Dir: t.TempDir(), MaxBytes: 1 << 20}, c)
	for range 20 {
		b.add(50)
		b.settled()
	}
	gaps := b.read(Cursor{}, 1000)
	if len(gaps) != 1 || !strings.HasPrefix(gaps[0], "0-7") || len(gaps[0]) != len("0-700") {
		t.Errorf("gaps %v, want one to 700 and some", gaps)
	}
	b.again(c)
	if s := b.log.Status(); s.Last.Seq != 1000 {
		t.Errorf("status %+v", s)
	}
	if again := b.read(Cursor{}, 1000); !slices.Equal(again, gaps) {
		t.Errorf("gaps %v after a restart, %v before", again, gaps)
	}
}

func TestTrimmedByAge(t *testing.T) {
	t.Parallel()
	b := openBench(t, Config{Dir: t.TempDir(), MaxAge: 300 * time.Millisecond}, numbers(8))
	b.add(8)
	b.settled()
	b.add(8)
	b.settled()
	b.until("the server has trimmed", func() bool {
		stream, err := b.log.stream.b.js.Stream(context.Background(), b.log.stream.config.Name)
		return err == nil && stream.CachedInfo().State.FirstSeq > 8
	})
	if gaps := b.read(Cursor{}, 16); !slices.Equal(gaps, []string{"0-8"}) {
		t.Errorf("gaps %v: what the ring still has is not lost", gaps)
	}
	b.again(numbers(8))
	from := Cursor{b.log.Last().Epoch, 3}
	b.add(1)
	if gaps := b.read(from, 17); !slices.Equal(gaps, []string{"3-16"}) {
		t.Errorf("gaps %v", gaps)
	}
}

// TestLogJSON: a log that names no form has its entries as JSON on the disk.
func TestLogJSON(t *testing.T) {
	plain := LogConfig[int]{Name: "events", Ring: 64}
	b := openBench(t, Config{Dir: t.TempDir()}, plain)
	for _, c := range []LogConfig[int]{numbers(64), plain} {
		b.add(20)
		b.settled()
		last := b.log.Last()
		b.again(c)
		if gaps := b.read(Cursor{}, last.Seq); gaps != nil {
			t.Errorf("gaps %v", gaps)
		}
	}
}

// TestUnreadable: an entry that cannot be written or read is a gap of one, and the log goes on.
func TestUnreadable(t *testing.T) {
	c := numbers(16)
	b := openBench(t, Config{Dir: t.TempDir()}, c)
	b.addThese(10, func(seq int) int {
		if seq == 4 || seq == 5 {
			return 0 // cannot be encoded
		}
		return seq
	})
	b.settled()
	if s := b.log.Status(); s.Lost != 2 || !b.said.has("event cannot be stored") {
		t.Errorf("status %+v", s)
	}
	decode := c.Decode
	c.Decode = func(text []byte) (int, error) {
		if string(text) == "7" {
			return 0, errors.New("odd")
		}
		return decode(text)
	}
	b.again(c)
	if gaps := b.read(Cursor{}, 10); !slices.Equal(gaps, []string{"3-5", "6-7"}) || !b.said.has("stored event cannot be read") {
		t.Errorf("gaps %v", gaps)
	}
}

func TestTooLarge(t *testing.T) {
	c := LogConfig[int]{
		Name: "large", Encode: func(n int) ([]byte, error) { return make([]byte, n), nil }, Decode: func(b []byte) (int, error) { return len(b), nil },
	}
	b := openBench(t, Config{Dir: t.TempDir()}, c)
	_, _ = b.log.Append(context.Background(), 1, maxPayload, 0, 3<<20, 3<<20, 2)
	b.settled()
	b.again(c)
	sub := b.log.Subscribe(Cursor{})
	var got []string
	for range 5 {
		e, err := sub.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.Cursor.Seq, e.Event, e.Gap != nil))
	}
	if want := []string{"1 1 false", "3 0 true", "4 3145728 false", "5 3145728 false", "6 2 false"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestBadNames(t *testing.T) {
	s, err := Open(context.Background(), Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"", "a.b", "a b", "*", ">", "../x", "ä", strings.Repeat("x", 65)} {
		c := numbers(1)
		c.Name = name
		if _, err := OpenLog(context.Background(), s, c); !errors.Is(err, ErrName) {
			t.Errorf("log %q: %v", name, err)
		}
		if _, err := OpenTable[int](context.Background(), s, name, 0); !errors.Is(err, ErrName) {
			t.Errorf("table %q: %v", name, err)
		}
	}
}

// TestManyAtOnce: appenders, readers that come and go, acknowledgements and the end, all at the same time.
func TestManyAtOnce(t *testing.T) {
	for _, kind := range []string{"memory", "embedded"} {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, kinds[kind](t), numbers(100_000))
			const appenders, each = 4, 400
			var add, read sync.WaitGroup
			for range appenders {
				add.Go(func() {
					for i := range each {
						if _, err := b.log.Append(context.Background(), i+1); err != nil {
							t.Error(err)
						}
						b.store.Ack("reader", b.log.Last())
						_ = b.log.Status()
					}
				})
			}
			for r := range 6 {
				read.Go(func() {
					var at Cursor
					for at.Seq < appenders*each {
						sub := b.log.Subscribe(at)
						for range 1 + rand.IntN(500) {
							e, err := sub.Next(context.Background())
							if errors.Is(err, ErrClosed) && at.Seq == appenders*each {
								return
							}
							if err != nil || e.Gap != nil || e.Cursor.Seq != at.Seq+1 {
								t.Errorf("reader %d after %v: %+v, %v", r, at, e, err)
								return
							}
							at = e.Cursor
						}
					}
				})
			}
			add.Wait()
			if err := b.store.Close(); err != nil {
				t.Error(err)
			}
			read.Wait()
		})
	}
}
