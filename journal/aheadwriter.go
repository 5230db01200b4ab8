package journal

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// aheadRetry is the pause after which what could not be written is tried again.
const aheadRetry = time.Second

var errHangs = errors.New("a write does not return")

// aheadEntry is a change as it is in the file.
type aheadEntry[V any] struct {
	entry[V]
	At time.Time `json:"at"`
}

// OpenAhead opens a table as OpenTable does, for what must be known even if the process is killed at once: a change is in a file
// of this host when Put or Delete returns. They write there and do not wait for the disk, but for one that hangs, up to
// 200 ms and once. A store without a folder, or in memory, has no such file, and a file that cannot be made is told in the log
// only.
func OpenAhead[V any](ctx context.Context, s *Store, name string, ttl time.Duration) (*Table[V], error) {
	return openTable[V](ctx, s, name, tableConfig{ttl: ttl, ahead: true})
}

// openAhead takes over what the last process left in the file.
func (t *Table[V]) openAhead(dir string) {
	log := t.stream.b.log
	a, left, err := openAhead(dir, t.name, log)
	if err != nil {
		log.Warn("newest state may be lost if the daemon is killed", "journal", t.name, "err", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ahead = a
	t.aheadWriter.Go(t.writeAhead)
	now := time.Now()
	for key, text := range left {
		var e aheadEntry[V]
		if err := json.Unmarshal(text, &e); err != nil {
			log.Error("stored state cannot be read", "journal", t.name, "err", err)
			continue
		}
		old, ok := t.rows[key]
		switch r := (row[V]{e.Value, e.At}); {
		case e.Deleted && ok:
			delete(t.rows, key)
			t.writeLocked(change[V]{key: key, deleted: true, at: now})
		case e.Deleted, t.expired(r, now), ok && alike(old.value, e.Value):
		default:
			t.rows[key] = r
			t.writeLocked(change[V]{key: key, value: e.Value, at: e.At})
		}
	}
}

// alike reports whether two values are the same when they are stored.
func alike[V any](a, b V) bool {
	one, err := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(one) == string(two)
}

// ahead is a change as it is in the file.
func (c change[V]) ahead() (json.RawMessage, error) {
	return json.Marshal(aheadEntry[V]{entry[V]{c.key, c.value, c.deleted}, c.at})
}

// aheadLocked queues a change for the file and returns its number there; 0: there is nothing to wait for.
func (t *Table[V]) aheadLocked(c change[V]) uint64 {
	a := t.ahead
	if a == nil {
		return 0
	}
	text, err := c.ahead()
	if err != nil {
		return 0 // told when the table stores it
	}
	a.queue = append(a.queue, text)
	a.asked++
	select {
	case a.kick <- struct{}{}:
	default:
	}
	if a.failed != nil {
		return 0
	}
	return a.asked
}

// await waits until a change is in the file, if it can be.
func (t *Table[V]) await(number uint64) {
	if number == 0 {
		return
	}
	a := t.ahead
	late := time.NewTimer(aheadLimit)
	defer late.Stop()
	for {
		t.mu.Lock()
		wake, over := a.wake, a.done >= number || a.failed != nil
		t.mu.Unlock()
		if over {
			return
		}
		select {
		case <-wake:
		case <-late.C:
			t.aheadDone(0, errHangs)
			return
		}
	}
}

// aheadDone notes how far the file is, and whether it can be written: if not, nobody waits for it.
func (t *Table[V]) aheadDone(upTo uint64, err error) {
	a := t.ahead
	t.mu.Lock()
	was := a.failed
	a.failed, a.done = err, max(a.done, upTo)
	close(a.wake)
	a.wake = make(chan struct{})
	t.mu.Unlock()
	switch {
	case was == nil && err != nil:
		a.log.Warn("newest state may be lost if the daemon is killed", "journal", t.name, "err", err)
	case was != nil && err == nil:
		a.log.Info("newest state is safe again", "journal", t.name)
	}
}

// writeAhead brings changes to the file until the table is closed.
func (t *Table[V]) writeAhead() {
	a := t.ahead
	retry := time.NewTicker(aheadRetry)
	defer retry.Stop()
	for broken, last := false, false; ; {
		t.mu.Lock()
		batch, upTo := a.queue, a.asked
		a.queue = nil
		t.mu.Unlock()
		if len(batch) > 0 || broken {
			err := a.write(batch, t.waiting)
			broken = err != nil
			t.aheadDone(upTo, err)
		}
		if last {
			return
		}
		kick := a.kick
		if broken {
			kick = nil // each try costs as much as all that waits
		}
		select {
		case <-kick:
		case <-retry.C:
		case <-a.ending:
			last = true
		}
	}
}

// waiting are all changes that the server has not stored.
func (t *Table[V]) waiting() []json.RawMessage {
	t.mu.Lock()
	t.mergeLocked()
	changes := slices.Concat(t.flying, t.queue)
	t.mu.Unlock()
	var all []json.RawMessage
	for _, c := range changes {
		if text, err := c.ahead(); err == nil {
			all = append(all, text)
		}
	}
	return all
}

// closeAhead ends the writer of the file, and leaves nothing in it of a table that is stored whole.
func (t *Table[V]) closeAhead() {
	a := t.ahead
	if a == nil {
		return
	}
	close(a.ending)
	t.aheadWriter.Wait()
	if t.Pending() == 0 {
		a.at = aheadHalf
		_ = a.write(nil, t.waiting) // or the next start reads what it knows
	}
	_ = a.file.Close()
}
