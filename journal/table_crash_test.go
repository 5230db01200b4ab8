package journal

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"
)

// The table that tableUntilKilled leaves: rows are written twice, and most are deleted. Every thousandth one stays.
const tableRows = 2 * deadMost

// tableUntilKilled fills a table, says so, and waits to be killed.
func tableUntilKilled() error {
	s, err := Open(context.Background(), Config{Dir: os.Getenv("JOURNAL_TEST_DIR")})
	if err != nil {
		return err
	}
	legs, err := OpenTable[string](context.Background(), s, "legs", 0)
	if err != nil {
		return err
	}
	first := len(maps.Collect(legs.All()))
	legs.Put("first", "old")
	for i := range tableRows {
		key := fmt.Sprint(first, "-", i)
		legs.Put(key, "ringing")
		legs.Put(key, "talking")
		if i%1000 != 0 {
			legs.Delete(key)
		}
		if i%50 == 0 { // calls are not set up by the thousand
			<-time.After(time.Millisecond)
		}
	}
	legs.Put("first", "new")
	for legs.Pending() > 0 {
		<-time.After(5 * time.Millisecond)
	}
	fmt.Println("filled")
	<-time.After(time.Minute)
	return nil
}

// TestTableKilled: what was deleted does not come back after kill -9, what was overwritten does not either, and a table does
// not grow with what was in it once.
func TestTableKilled(t *testing.T) {
	dir := t.TempDir()
	for life := 1; life <= 3; life++ {
		cmd := child(t, "table", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		if !bufio.NewScanner(out).Scan() {
			t.Error("the table was not filled")
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		late.Stop()

		b := openBench(t, Config{Dir: dir}, numbers(16))
		legs := openTableOf[string](t, b.store, "legs", 0)
		want := 1 + life*tableRows/1000
		for key, v := range content(legs) {
			if key == "first" && v != "new" || key != "first" && v != "talking" {
				t.Errorf("life %d: %s is %s", life, key, v)
			}
			want--
		}
		if want != 0 {
			t.Errorf("life %d: %d rows missing", life, want)
		}
		b.until("it is compacted", func() bool { // by this life, if the one before was killed at that
			info, err := legs.stream.b.js.Stream(context.Background(), legs.stream.config.Name)
			if err != nil {
				t.Fatal(err)
			}
			return info.CachedInfo().State.Msgs <= 3*deadMost
		})
		b.close()
	}
}
