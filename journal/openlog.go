package journal

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Metadata of a log's stream.
const (
	metaEpoch = "cordboard.epoch"
	metaSince = "cordboard.since" // newest sequence before the epoch
)

const (
	duplicates = 100 * time.Millisecond // of the server's search for doubles, which is not used
	headerRoom = 512                    // of a message besides its data, bytes
)

// OpenLog opens or makes a log. Its errors are ErrName, ErrClosed, or say what the server refused. A log
// is opened once in the life of a store.
func OpenLog[E any](ctx context.Context, s *Store, c LogConfig[E]) (*Log[E], error) {
	if err := s.reserve(c.Name); err != nil {
		return nil, err
	}
	l, err := openLog(ctx, s, c.withDefaults(s.cfg))
	if !s.keep(c.Name, l, err) {
		l.Close()
		return nil, ErrClosed
	}
	return l, err
}

func openLog[E any](ctx context.Context, s *Store, c LogConfig[E]) (*Log[E], error) {
	if s.backend == nil {
		return newLog(c, rand.Text(), 0), nil
	}
	l, err := openDurable(ctx, s, c)
	if err == nil {
		l.writer.Go(l.write)
	}
	return l, err
}

func openDurable[E any](ctx context.Context, s *Store, c LogConfig[E]) (*Log[E], error) {
	mark, old, err := openMark(s.cfg.Dir, c.Name)
	if err != nil {
		return nil, err
	}
	stream, info, err := openStream(ctx, s.backend, jetstream.StreamConfig{
		Name: "cordboard_" + c.Name, Subjects: []string{"cordboard." + c.Name}, Description: "events of Cordboard",
		MaxBytes: c.MaxBytes, MaxAge: c.MaxAge, Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage,
		Replicas: s.cfg.Replicas, AllowDirect: true, Duplicates: duplicates,
	})
	if err != nil {
		mark.close()
		return nil, err
	}
	now := state{Epoch: info.Config.Metadata[metaEpoch], Boot: bootID(), Stored: info.State.LastSeq}
	epoch := now.Epoch
	since, _ := strconv.ParseUint(info.Config.Metadata[metaSince], 10, 64)
	if fresh, reason := epochEnds(old, now, s.backend.server != nil); fresh {
		if reason != "" {
			s.cfg.Log.Warn("journal begins a new epoch: readers are told of a gap", "journal", c.Name, "reason", reason)
		}
		epoch, since = rand.Text(), info.State.LastSeq
		stream.config.Metadata = map[string]string{metaEpoch: epoch, metaSince: strconv.FormatUint(since, 10)}
		if _, err = stream.ensure(ctx, 0); err == nil {
			now.Epoch = epoch
		} else if now.Epoch != "" && mark != nil { // the disk is full: the epoch lasts for this life
			s.cfg.Log.Warn("journal cannot note its epoch", "journal", c.Name, "err", err)
			mark.sticks, err = true, nil
		}
	}
	if err == nil {
		err = mark.set(func(s *state) { *s = now })
	}
	if err != nil {
		stream.close()
		mark.close()
		return nil, fmt.Errorf("journal: open %s: %w", c.Name, err)
	}
	l := newLog(c, epoch, info.State.LastSeq)
	l.stream, l.mark, l.since, l.life = stream, mark, since, rand.Text()
	return l, nil
}

// epochEnds reports whether cursors of the last life may name other events than the stream has now, and
// why. embedded: the stream is on this host.
func epochEnds(old, now state, embedded bool) (bool, string) {
	switch {
	case now.Epoch == "" && old.Epoch != "":
		return true, "the stored events are gone"
	case now.Epoch == "":
		return true, ""
	case old.Epoch != now.Epoch: // this host has not written there before
		return false, ""
	case now.Stored < old.Stored:
		return true, "stored events are missing"
	case old.Clean:
		return false, ""
	case old.Degraded:
		return true, "the last run ended while events could not be stored"
	case embedded && old.Boot != now.Boot:
		return true, "the host went down while the daemon ran"
	}
	return false, ""
}
