package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type call struct {
	Agent string
	Legs  []string
	At    time.Time
}

func openTableOf[V any](t *testing.T, s *Store, name string, ttl time.Duration) *Table[V] {
	t.Helper()
	table, err := OpenTable[V](context.Background(), s, name, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func content[V any](t *Table[V]) map[string]V { return maps.Collect(t.All()) }

func TestTable(t *testing.T) {
	for kind, cfg := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := openBench(t, cfg(t), numbers(10))
			table := openTableOf[call](t, b.store, "calls", 0)
			keys := []string{"", " ", "a", "a.b", "*", ">", "ключ", "\x00\xff", strings.Repeat("long", 1000)}
			for i, k := range keys {
				table.Put(k, call{Agent: "first"})
				table.Put(k, call{Agent: fmt.Sprint(i), Legs: []string{"l1", "l2"}, At: time.Unix(int64(i), 7).UTC()})
			}
			table.Delete("a.b")
			table.Delete("never there")
			table.Put("gone", call{})
			table.Delete("gone")
			check := func() {
				t.Helper()
				got := content(table)
				if len(got) != len(keys)-1 {
					t.Errorf("%d entries", len(got))
				}
				for i, k := range keys {
					k = strings.ToValidUTF8(k, "\uFFFD") // as JSON has it
					v, ok := table.Get(k)
					if _, listed := got[k]; ok == (k == "a.b") || listed != ok || ok && (v.Agent != fmt.Sprint(i) || len(v.Legs) != 2 || !v.At.Equal(time.Unix(int64(i), 7))) {
						t.Errorf("%.20q: %+v, %v", k, v, ok)
					}
				}
			}
			if kind == "memory" {
				keys[slices.Index(keys, "\x00\xff")] = "\x00\xff"
				if v, ok := table.Get("\x00\xff"); !ok || v.Agent != "7" {
					t.Errorf("got %+v, %v", v, ok)
				}
				return
			}
			b.again(numbers(10))
			table = openTableOf[call](t, b.store, "calls", 0)
			check()
			table.Delete("a")
			table.Put("a.b", call{Agent: "back"})
			b.again(numbers(10))
			table = openTableOf[call](t, b.store, "calls", 0)
			if _, ok := table.Get("a"); ok || len(content(table)) != len(keys)-1 {
				t.Error("what was deleted is there")
			}
			if v, ok := table.Get("a.b"); !ok || v.Agent != "back" {
				t.Errorf("a.b: %+v, %v", v, ok)
			}
		})
	}
}

// TestTableExpires: entries older than ttl are gone, in this life and in the next one.
func TestTableExpires(t *testing.T) {
	t.Parallel()
	const ttl = 2 * time.Second
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	table := openTableOf[int](t, b.store, "commands", ttl)
	began := time.Now()
	table.Put("old", 1)
	if v, ok := table.Get("old"); (!ok || v != 1) && time.Since(began) < ttl {
		t.Error("not there at once")
	}
	<-time.After(ttl / 2)
	b.again(numbers(10))
	table = openTableOf[int](t, b.store, "commands", ttl)
	b.until("the entry is gone", func() bool { _, ok := table.Get("old"); return !ok && len(content(table)) == 0 })
	table.Put("new", 2)
	if table.mu.Lock(); len(table.rows) != 1 {
		t.Errorf("%d rows in memory", len(table.rows))
	}
	if len(table.seqs) > 1 {
		t.Errorf("%d sequences in memory", len(table.seqs))
	}
	table.mu.Unlock()
	<-time.After(ttl + 100*time.Millisecond)
	b.again(numbers(10))
	if table = openTableOf[int](t, b.store, "commands", ttl); len(content(table)) != 0 {
		t.Errorf("has %v", content(table))
	}
}

// TestTableOutage: changes wait in order while the server is away, merged when they become many.
func TestTableOutage(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	table := openTableOf[int](t, b.store, "calls", 0)
	table.Put("stays", 1)
	table.Put("goes", 1)
	b.until("it is stored", func() bool { table.mu.Lock(); defer table.mu.Unlock(); return len(table.queue)+len(table.flying) == 0 })
	end := b.outage()
	for i := range 3 * queueMost {
		table.Put(fmt.Sprint("k", i%10), i)
		table.Put(fmt.Sprint("short", i), i)
		table.Delete(fmt.Sprint("short", i))
	}
	table.Delete("goes")
	table.mu.Lock()
	if waits := len(table.queue); waits > 4*queueMost {
		t.Errorf("%d changes wait", waits)
	}
	table.mu.Unlock()
	end()
	want := content(table)
	b.again(numbers(10))
	table = openTableOf[int](t, b.store, "calls", 0)
	if got := content(table); !maps.Equal(got, want) || len(got) != 11 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTableOutageExpires: where every change is of another key, those that are older than ttl do not wait for the server.
// A deletion does, and what comes after a change that is under way.
func TestTableOutageExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ttl = time.Minute
		table := &Table[int]{
			ttl: ttl, rows: map[string]row[int]{}, seqs: map[string]uint64{"stored": 1}, kick: make(chan struct{}, 1), stream: &stream{}, merge: queueMost,
		}
		table.rows["stored"] = row[int]{1, time.Now()}
		table.flying = []change[int]{{key: "flies", value: 1, at: time.Now()}}
		table.Delete("stored")
		table.Put("flies", 2)
		const each = ttl / 1000
		for i := range 4 * queueMost {
			table.Put(fmt.Sprint("command", i), i)
			time.Sleep(each)
		}
		if waits := table.Pending(); waits > 2*queueMost {
			t.Errorf("%d changes wait, %d are not older than ttl", waits, ttl/each)
		}
		if first := table.queue[0]; first.key != "stored" || !first.deleted {
			t.Errorf("first waits %+v", first)
		}
		if second := table.queue[1]; second.key != "flies" || second.value != 2 {
			t.Errorf("then waits %+v", second)
		}
		if newest := table.queue[len(table.queue)-1]; newest.value != 4*queueMost-1 {
			t.Errorf("newest is %+v", newest)
		}
	})
}

// hook is a value that does something when it is written.
type hook func()

func (h hook) MarshalJSON() ([]byte, error) {
	if h != nil {
		h()
	}
	return []byte("1"), nil
}

func (h *hook) UnmarshalJSON([]byte) error { return nil }

// TestTableCompactLate: what comes between the decision to compact and the compaction, and goes at once, is not stored for ever.
func TestTableCompactLate(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	stored := openTableOf[hook](t, b.store, "calls", 0)
	late := &Table[hook]{name: "calls", stream: stored.stream, ctx: context.Background(), rows: map[string]row[hook]{}, seqs: map[string]uint64{}, kick: make(chan struct{}, 1)}
	var once sync.Once
	late.Put("late", func() {
		once.Do(func() {
			late.Delete("late")
			late.mu.Lock()
			defer late.mu.Unlock()
			late.mergeLocked()
		})
	})
	if err := late.compact(); err != nil {
		t.Fatal(err)
	}
	for batch, _ := late.pending(); len(batch) > 0; batch, _ = late.pending() {
		done, err := late.store(batch)
		if err != nil {
			t.Fatal(err)
		}
		late.taken(done)
	}
	b.again(numbers(10))
	if table := openTableOf[hook](t, b.store, "calls", 0); len(content(table)) != 0 {
		t.Error("what was deleted is stored")
	}
}

// TestTableUnstorable: a value that is no JSON is kept in memory, told, and keeps nothing else back.
func TestTableUnstorable(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	table := openTableOf[any](t, b.store, "odd", 0)
	table.Put("before", "x")
	table.Put("odd", func() {})
	table.Put("large", strings.Repeat("x", maxPayload))
	table.Put("after", "y")
	b.again(numbers(10))
	table = openTableOf[any](t, b.store, "odd", 0)
	if got := content(table); len(got) != 2 || got["before"] != "x" || got["after"] != "y" || !b.said.has("state cannot be stored") {
		t.Errorf("got %d entries", len(got))
	}
	// And what cannot be read as the type asked for is left out.
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.open(numbers(10))
	if numbers := openTableOf[int](t, b.store, "odd", 0); len(content(numbers)) != 0 || !b.said.has("stored state cannot be read") {
		t.Errorf("got %v", content(numbers))
	}
}

// TestAck: a reader's place never goes back within an epoch, and is there after a restart.
func TestAck(t *testing.T) {
	b := openBench(t, Config{Dir: t.TempDir()}, numbers(10))
	at := func() Cursor {
		t.Helper()
		c, _, err := b.store.Cursor(context.Background(), "crm")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, ok, err := b.store.Cursor(context.Background(), "crm"); ok || err != nil {
		t.Error(ok, err)
	}
	for _, c := range []struct{ ack, want Cursor }{
		{Cursor{"a", 5}, Cursor{"a", 5}},
		{Cursor{"a", 4}, Cursor{"a", 5}},
		{Cursor{"a", 9}, Cursor{"a", 9}},
		{Cursor{"b", 1}, Cursor{"b", 1}},
		{Cursor{"b", 0}, Cursor{"b", 1}},
	} {
		if b.store.Ack("crm", c.ack); at() != c.want {
			t.Errorf("after %v: %v", c.ack, at())
		}
	}
	b.again(numbers(10))
	if at() != (Cursor{"b", 1}) {
		t.Errorf("after a restart: %v", at())
	}
	var all sync.WaitGroup
	for r := range 4 {
		all.Go(func() {
			for i := range uint64(2000) {
				b.store.Ack("crm", Cursor{"b", i*4 + uint64(r)})
			}
		})
	}
	all.Wait()
	b.again(numbers(10))
	if at() != (Cursor{"b", 7999}) {
		t.Errorf("after many: %v", at())
	}
}
