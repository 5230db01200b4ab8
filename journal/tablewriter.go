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

const (
	tableBytes = 64 << 20 // of a table at the server
	deadMost   = 1000     // entries that no longer count and are kept, if there are not many more of others
)

// entry is a row as it is written: the subject has only a digest of the key, which may be any text. The newest
// one of a key counts, and older ones stay until the table is compacted: what the server drops by itself to
// make room for others is there again after a crash (nats-server v2.15), and would count.
type entry[V any] struct {
	Key     string `json:"key"`
	Value   V      `json:"value"`
	Deleted bool   `json:"deleted,omitempty"`
}

func openTable[V any](ctx context.Context, s *Store, name string, c tableConfig) (*Table[V], error) {
	if err := s.reserve(name); err != nil {
		return nil, err
	}
	t := &Table[V]{
		name: name, ttl: c.ttl, every: c.every, rows: map[string]row[V]{}, seqs: map[string]uint64{},
		kick: make(chan struct{}, 1), ending: make(chan struct{}),
	}
	t.merge = t.least()
	t.ctx, t.cancel = context.WithCancel(context.Background())
	var err error
	if s.backend != nil {
		if err = t.load(ctx, s); err == nil {
			if c.ahead && s.cfg.Dir != "" {
				t.openAhead(s.cfg.Dir)
			}
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
		MaxMsgsPerSubject: -1, MaxBytes: tableBytes, MaxAge: t.ttl, Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage,
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
			t.newest = m.seq
			t.entries++
			if r.Deleted {
				delete(t.rows, r.Key)
				delete(t.seqs, r.Key)
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
		case t.overgrown():
			if err := t.compact(); err != nil {
				t.failed(err)
				pause, wait = wait, min(2*wait, retryMost)
			}
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
	var msgs []*nats.Msg
	for _, c := range batch {
		data, err := json.Marshal(entry[V]{c.key, c.value, c.deleted})
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
		t.note(batch[i], seq)
	}
	return len(done), err
}

// note keeps the sequence of a change that is in force.
func (t *Table[V]) note(c change[V], seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.newest = seq
	t.entries++
	if c.deleted {
		delete(t.seqs, c.key)
		return
	}
	t.seqs[c.key] = seq
}

// overgrown reports whether most of the stream does not count, and nothing waits to be written. Where rows expire,
// so does the rest.
func (t *Table[V]) overgrown() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ttl == 0 && t.entries-len(t.rows) >= max(deadMost, 2*len(t.rows)) && len(t.queue)+len(t.flying) == 0
}

// compact writes every row anew and has the server drop all that is older. It does nothing while changes wait:
// of a row that is not stored yet, a deletion meanwhile is not queued, and what is written here would stay.
func (t *Table[V]) compact() error {
	var all []change[V]
	t.mu.Lock()
	if len(t.queue)+len(t.flying) > 0 {
		t.mu.Unlock()
		return nil
	}
	for key, r := range t.rows {
		all = append(all, change[V]{key: key, value: r.value})
	}
	last, rows := t.newest, len(all)
	t.mu.Unlock()
	for len(all) > 0 {
		done, err := t.store(all[:min(len(all), publishMost)])
		if err != nil {
			return err
		}
		all = all[done:]
	}
	if err := t.stream.skip(t.ctx, last); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = rows
	return nil
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
	t.newest, t.entries = 0, 0
	var all []change[V]
	for key, r := range t.rows {
		all = append(all, change[V]{key: key, value: r.value, at: r.at})
	}
	t.flying, t.queue = nil, append(all, t.queue...)
	t.mergeLocked()
}
