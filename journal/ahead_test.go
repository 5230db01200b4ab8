package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func openAheadOf[V any](t *testing.T, s *Store, name string) *Table[V] {
	t.Helper()
	table, err := OpenAhead[V](context.Background(), s, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// putUntilKilled changes rows of several keys at a time and tells each change once it has returned, until it is killed.
func putUntilKilled() error {
	s, err := Open(context.Background(), Config{Dir: os.Getenv("JOURNAL_TEST_DIR"), URL: os.Getenv("JOURNAL_TEST_URL")})
	if err != nil {
		return err
	}
	legs, err := OpenAhead[int](context.Background(), s, "legs", 0)
	if err != nil {
		return err
	}
	was := maps.Collect(legs.All())
	for key := range 4 {
		go func() {
			name := fmt.Sprint("leg", key)
			for n := was[name] + 1; ; n++ {
				if n%5 == 0 {
					legs.Delete(name)
				} else {
					legs.Put(name, n)
				}
				fmt.Println(name, n)
				if rand.IntN(3) == 0 {
					<-time.After(time.Millisecond)
				}
			}
		}()
	}
	select {}
}

// TestAheadKilled: what a Put or Delete has done when it returns is known after kill -9 at any moment, with an embedded server and with one
// by URL, also while that is away.
func TestAheadKilled(t *testing.T) {
	lives, err := strconv.Atoi(os.Getenv("JOURNAL_KILLS"))
	if err != nil {
		lives = 6
	}
	for _, kind := range []string{"embedded", "external"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir, url := t.TempDir(), ""
			if kind == "external" {
				url = startServer(t, nil).ClientURL()
			}
			var told map[string]int
			for life := range lives {
				told = killPutting(t, dir, url, told)
				b := openBench(t, Config{Dir: dir, URL: url}, numbers(16))
				legs := openAheadOf[int](t, b.store, "legs")
				for name, n := range told {
					got, ok := legs.Get(name)
					if next := n + 1; (!ok || got != n) && ok == (n%5 == 0) && got != next && (ok || next%5 != 0) {
						t.Errorf("life %d: %s is %d, %t; %d was told", life, name, got, ok, n)
					}
					if !ok {
						legs.Put(name, n) // the next life goes on there
					}
				}
				b.close()
			}
		})
	}
}

// killPutting runs putUntilKilled for a moment and returns the last change of each key that was told.
func killPutting(t *testing.T, dir, url string, told map[string]int) map[string]int {
	t.Helper()
	cmd := child(t, "ahead", dir)
	cmd.Env = append(cmd.Env, "JOURNAL_TEST_URL="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	told = maps.Clone(told)
	if told == nil {
		told = map[string]int{}
	}
	lines, most := bufio.NewScanner(out), 5+rand.IntN(200)
	for n := 0; lines.Scan(); n++ {
		name, number, _ := strings.Cut(lines.Text(), " ")
		if told[name], err = strconv.Atoi(number); err != nil {
			t.Fatal(err)
		}
		if n == most {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return told
}

// TestAheadOfAnAbsentServer: nothing is stored for a while, many more changes come than a half of the file has room for, and then the
// process is gone. The next one knows the newest state, and brings it to the server.
func TestAheadOfAnAbsentServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBench(t, Config{Dir: dir}, numbers(16))
	legs := openAheadOf[string](t, b.store, "legs")
	legs.Put("old", "1")
	legs.Put("ended", "1")
	b.until("it is stored", func() bool { return legs.Pending() == 0 })
	b.outage()
	legs.Delete("ended")
	legs.Put("old", "2")
	text := strings.Repeat("x", 1200)
	for i := range 3 * aheadHalf / len(text) {
		legs.Put(fmt.Sprint("leg", i%50), text+fmt.Sprint(i))
		if i%3 == 0 {
			legs.Delete(fmt.Sprint("leg", i%50))
		}
	}
	want := content(legs)
	if len(want) < 10 || legs.Pending() == 0 {
		t.Fatalf("%d rows, %d wait", len(want), legs.Pending())
	}
	killed := copyLive(t, dir)

	next := openBench(t, Config{Dir: killed}, numbers(16))
	table := openAheadOf[string](t, next.store, "legs")
	if got := content(table); !maps.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	next.until("it is stored", func() bool { return table.Pending() == 0 })
	next.again(numbers(16))
	if left, err := os.ReadFile(filepath.Join(killed, "legs.ahead")); err != nil || strings.Contains(string(newestHalf(left)), "leg") {
		t.Errorf("after an orderly end there is something left: %v", err)
	}
	if got := content(openTableOf[string](t, next.store, "legs", 0)); !maps.Equal(got, want) {
		t.Errorf("the server has %d rows, want %d", len(got), len(want))
	}
}

// newestHalf is the half of a file that counts.
func newestHalf(file []byte) []byte {
	first, second := file[aheadHead:aheadHead+aheadHalf], file[aheadHead+aheadHalf:]
	_, a, _ := readHalf(first)
	_, b, at := readHalf(second)
	if b > a {
		return second[:at]
	}
	_, _, at = readHalf(first)
	return first[:at]
}

// TestAheadOfAnotherBoot: the page cache is gone with the kernel, and what is on the disk may be older than what the server has.
func TestAheadOfAnotherBoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBench(t, Config{Dir: dir}, numbers(16))
	legs := openAheadOf[string](t, b.store, "legs")
	b.outage()
	legs.Put("a", "1")
	killed := copyLive(t, dir)
	name := filepath.Join(killed, "legs.ahead")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[0] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	next := openBench(t, Config{Dir: killed}, numbers(16))
	if got := content(openAheadOf[string](t, next.store, "legs")); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// hanging is a file whose writes do not return, or fail.
type hanging struct {
	*os.File
	mu   sync.Mutex
	gate chan struct{}
	err  error
}

func (h *hanging) set(gate chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate, h.err = gate, err
}

func (h *hanging) WriteAt(b []byte, at int64) (int, error) {
	h.mu.Lock()
	gate, err := h.gate, h.err
	h.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if err != nil {
		return 0, err
	}
	return h.File.WriteAt(b, at)
}

// TestAheadHangs: a disk that hangs is waited for once, and for less than a caller of ours waits for an answer; one that fails is not waited for.
// Afterwards the file has everything.
func TestAheadHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBench(t, Config{Dir: dir}, numbers(16))
	legs := openAheadOf[string](t, b.store, "legs")
	legs.Put("a", "1")
	b.outage()
	file := &hanging{File: legs.ahead.file.(*os.File)}
	legs.ahead.file = file // its writer is idle
	for name, trouble := range map[string]error{"hangs": nil, "fails": errors.New("no space left on device")} {
		gate := make(chan struct{})
		if trouble != nil {
			close(gate)
		}
		file.set(gate, trouble)
		begun := time.Now()
		legs.Put(name, "1")
		first := time.Since(begun)
		begun = time.Now()
		for i := range 1000 {
			legs.Put(name, fmt.Sprint(i))
			legs.Delete("a")
			legs.Put("a", fmt.Sprint(i))
		}
		rest := time.Since(begun)
		if trouble == nil && first < aheadLimit || first > aheadLimit+2*time.Second || rest > 2*time.Second {
			t.Errorf("%s: the first Put took %v, 1000 more %v", name, first, rest)
		}
		b.until("it is told", func() bool { return b.said.has("newest state may be lost") })
		file.set(nil, nil)
		if trouble == nil {
			close(gate)
		}
		b.until("the file is whole", func() bool {
			legs.mu.Lock()
			defer legs.mu.Unlock()
			return legs.ahead.failed == nil && len(legs.ahead.queue) == 0
		})
	}
	legs.Put("a", "last")
	killed := copyLive(t, dir)
	next := openBench(t, Config{Dir: killed}, numbers(16))
	got := content(openAheadOf[string](t, next.store, "legs"))
	if want := map[string]string{"a": "last", "hangs": "999", "fails": "999"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzAhead: whatever is in the file, reading it ends, and nothing that is not whole is taken.
func FuzzAhead(f *testing.F) {
	good, err := record(7, []json.RawMessage{[]byte(`{"key":"a","value":1}`), []byte(`{"key":"b","deleted":true}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(slices.Concat(good, good, good[:len(good)-1]))
	f.Add(slices.Repeat([]byte{0xff}, 100))
	f.Fuzz(func(t *testing.T, text []byte) {
		halves := make([]byte, 2*aheadHalf)
		copy(halves, text[:min(len(text), aheadHalf)])
		a := &ahead{}
		a.read(halves)
		if a.at > aheadHalf || a.at > int64(len(text)) {
			t.Errorf("goes on at %d", a.at)
		}
	})
}

// BenchmarkPutAhead is what a Put of a leg's size costs, with what waits for the server besides.
func BenchmarkPutAhead(b *testing.B) {
	s, err := Open(context.Background(), Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	legs, err := OpenAhead[string](context.Background(), s, "legs", 0)
	if err != nil {
		b.Fatal(err)
	}
	text, took := strings.Repeat("x", 1200), make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		begun := time.Now()
		legs.Put(fmt.Sprint("leg", len(took)%100), text)
		took = append(took, time.Since(begun))
		<-time.After(time.Millisecond) // the server is not what is measured
	}
	slices.Sort(took)
	for name, at := range map[string]int{"p50": 500, "p99": 990, "p99.9": 999} {
		b.ReportMetric(float64(took[len(took)*at/1000].Microseconds()), name+"-µs")
	}
}
