package journal

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// failing is a file that cannot be written.
type failing struct {
	mu    sync.Mutex
	tries int
}

func (f *failing) WriteAt([]byte, int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	return 0, errors.New("no space left on device")
}

func (f *failing) Close() error { return nil }

// TestAheadBroken: a file that cannot be written is tried once a second, however much is put meanwhile.
func TestAheadBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &failing{}
		table := &Table[int]{
			name: "legs", rows: map[string]row[int]{}, seqs: map[string]uint64{}, kick: make(chan struct{}, 1), stream: &stream{}, merge: queueMost,
			ahead: &ahead{
				log: slog.New(slog.DiscardHandler), file: file, kick: make(chan struct{}, 1), ending: make(chan struct{}), wake: make(chan struct{}),
			},
		}
		table.aheadWriter.Go(table.writeAhead)
		const seconds = 5
		for i := range seconds * 100 {
			table.Put("leg", i)
			synctest.Wait()
			time.Sleep(time.Second / 100)
		}
		close(table.ahead.ending)
		table.aheadWriter.Wait()
		if file.tries < seconds || file.tries > seconds+2 {
			t.Errorf("%d tries in %d seconds", file.tries, seconds)
		}
	})
}

// TestAheadWaiting: nobody waits while all that waits is made ready for the file.
func TestAheadWaiting(t *testing.T) {
	table := &Table[hook]{rows: map[string]row[hook]{}, seqs: map[string]uint64{}, kick: make(chan struct{}, 1), stream: &stream{}, merge: queueMost}
	seen := 0
	table.Put("leg", func() {
		if seen++; !table.mu.TryLock() {
			t.Error("a Put would wait")
			return
		}
		table.mu.Unlock()
	})
	if all := table.waiting(); len(all) != 1 || seen != 1 {
		t.Errorf("%d changes, %d made ready", len(all), seen)
	}
}
