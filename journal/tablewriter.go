package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// tableBytes bounds a table at the server.
const tableBytes = 64 << 20

// entry is a row as it is written: the subject has only a digest of the key, which may be any text.
type entry[V any] struct {
	Key   string `json:"key"`
	Value V      `json:"value"`
}

func openTable[V any](ctx context.Context, s *Store, name string, ttl, every time.Duration) (*Table[V], error) {
	if err := s.reserve(name); err != nil {
		return nil, err
	}
	t := &Table[V]{
		name: name, ttl: ttl, every: every, rows: map[string]row[V]{}, seqs: map[string]uint64{},
		kick: make(chan struct{}, 1), ending: make(chan struct{}),
	}
	t.merge = t.least()
	t.ctx, t.cancel = context.WithCancel(context.Background())
	var err error
	if s.backend != nil {
		if err = t.load(ctx, s); err == nil {
			t.writer.Go(t.write)
		}
	}
	if !s.keep(name, t, err) {
		t.Close()
		return nil, ErrClosed
	}
	if err != nil {
		t.cancel()
		return nil, err
	}
	return t, nil
}

// load opens the stream of a table and reads it whole.
func (t *Table[V]) load(ctx context.Context, s *Store) error {
	window := duplicates
	if t.ttl > 0 {
		window = min(window, t.ttl)
	}
	stream, info, err := openStream(ctx, s.backend, jetstream.StreamConfig{
		Name: "cordboard_" + t.name, Subjects: []string{"cordboard." + t.name + ".*"}, Description: "state of Cordboard",
		MaxMsgsPerSubject: 1, MaxBytes: tableBytes, MaxAge: t.ttl, Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage,
		Replicas: s.cfg.Replicas, AllowDirect: true, Duplicates: window,
	})
	if err != nil {
		return err
	}
	for at := uint64(0); at < info.State.LastSeq; {
		found, err := stream.fetch(ctx, at+1)
		if err != nil {
			stream.close()
			return fmt.Errorf("journal: read %s: %w", t.name, err)
		}
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			at = m.seq
			var r entry[V]
			if err := json.Unmarshal(m.data, &r); err != nil {
				s.cfg.Log.Error("stored state cannot be read", "journal", t.name, "err", err)
				continue
			}
			t.rows[r.Key], t.seqs[r.Key] = row[V]{r.Value, m.at}, m.seq
		}
	}
	t.stream = stream
	return nil
}

// write brings changes to the server in order until the table is closed and all is stored, or ctx ends.
func (t *Table[V]) write() {
	wait := retryFirst
	for {
		batch, more := t.pending()
		var pause time.Duration
		switch {
		case len(batch) > 0:
			done, err := t.store(batch)
			t.taken(done)
			pause = t.every
			if err != nil {
				t.failed(err)
				pause, wait = wait, min(2*wait, retryMost)
			} else {
				wait = retryFirst
			}
		case !more:
			return
		default:
			select {
			case <-t.kick:
			case <-t.ending:
			case <-t.ctx.Done():
				return
			}
		}
		if !t.rest(pause, !more) {
			return
		}
	}
}

// rest waits, unless the table is closed meanwhile; at the end only the least. False: give up.
func (t *Table[V]) rest(d time.Duration, last bool) bool {
	ending := t.ending
	if last {
		ending, d = nil, min(d, retryFirst)
	}
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ending:
		case <-t.ctx.Done():
		}
	}
	return t.ctx.Err() == nil
}

// pending is the next changes, and whether there may be more.
func (t *Table[V]) pending() ([]change[V], bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.flying) == 0 {
		n := min(len(t.queue), publishMost)
		t.flying = slices.Clone(t.queue[:n])
		t.queue = slices.Delete(t.queue, 0, n)
	}
	return t.flying, !t.closing
}

// taken notes that the first n changes under way are in force.
func (t *Table[V]) taken(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flying = t.flying[n:]
}

// store writes changes and returns how many are in force.
func (t *Table[V]) store(batch []change[V]) (int, error) {
	if c := batch[0]; c.deleted {
		seq := t.stored(c.key)
		if seq > 0 {
			if err := t.stream.remove(t.ctx, seq); err != nil {
				return 0, err
			}
		}
		t.note(c.key, 0)
		return 1, nil
	}
	var msgs []*nats.Msg
	for _, c := range batch {
		if c.deleted {
			break
		}
		data, err := json.Marshal(entry[V]{c.key, c.value})
		if err == nil {
			err = t.stream.fits(data)
		}
		if err != nil && len(msgs) == 0 {
			t.stream.b.log.Error("state cannot be stored", "journal", t.name, "err", err)
			return 1, nil
		}
		if err != nil {
			break // told when it is its turn
		}
		digest := sha256.Sum256([]byte(c.key))
		msgs = append(msgs, &nats.Msg{Subject: "cordboard." + t.name + "." + hex.EncodeToString(digest[:16]), Data: data})
	}
	done, err := t.stream.publish(t.ctx, msgs)
	for i, seq := range done {
		t.note(batch[i].key, seq)
	}
	return len(done), err
}

// stored is the sequence of a key; 0 when it is not known to be stored.
func (t *Table[V]) stored(key string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seqs[key]
}

// note keeps the sequence of a key; 0: it is gone.
func (t *Table[V]) note(key string, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq == 0 {
		delete(t.seqs, key)
		return
	}
	t.seqs[key] = seq
}

// failed deals with a failure to write.
func (t *Table[V]) failed(failure error) {
	b := t.stream.b
	b.log.Debug("journal not written", "journal", t.name, "err", failure)
	b.heal(t.ctx, failure)
	if !errors.Is(failure, errNoStream) {
		return
	}
	if info, err := t.stream.ensure(t.ctx, 0); err != nil || info.State.LastSeq > 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.seqs) // the stream was gone: everything is written again
	var all []change[V]
	for key, r := range t.rows {
		all = append(all, change[V]{key: key, value: r.value})
	}
	t.flying, t.queue = nil, append(all, t.queue...)
	t.mergeLocked()
}
