package journal

import (
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	publishMost  = 256     // messages on their way at a time
	publishBytes = 1 << 20 // and bytes
	fillMost     = 1 << 20 // lost entries that are stood in for one by one
	retryFirst   = 50 * time.Millisecond
	retryMost    = time.Second
	markEvery    = time.Second      // between notes of how far the log is stored
	stuckAfter   = 30 * time.Second // without progress until an embedded server is restarted for that alone
)

// errSecondWriter is the degradation of a log in whose stream somebody else writes.
var errSecondWriter = errors.New("another process writes into the stream: give each daemon a server account of its own")

// write brings the entries to the server in order, a batch at a time, until the log is closed and
// everything is stored, or stop is closed.
func (l *Log[E]) write() {
	wait := retryFirst
	for {
		batch, from, more := l.pending()
		switch {
		case len(batch) > 0:
			stored, err := l.stream.publish(l.ctx, batch)
			if err = l.advanced(batch, from, stored, err); err == nil {
				wait = retryFirst
				continue
			}
			if !l.recover(err, wait) {
				return
			}
			wait = min(2*wait, retryMost)
		case !more:
			return
		default:
			select {
			case <-l.kick:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// pending is the next batch and the sequence of its first message; with none, whether there will be more.
func (l *Log[E]) pending() (batch []*nats.Msg, from uint64, more bool) {
	l.mu.Lock()
	from = l.stored + 1
	oldest, last := l.oldestLocked(), l.last
	var lost uint64
	var events []E
	if from < oldest {
		lost = min(oldest-from, publishMost)
	}
	for seq := from + lost; seq <= last && len(events)+int(lost) < publishMost; seq++ {
		events = append(events, l.ring[seq%uint64(len(l.ring))].event)
	}
	more = !l.closing
	l.mu.Unlock()
	bytes := 0
	for range lost {
		batch = append(batch, l.message(from+uint64(len(batch)), nil))
	}
	for _, e := range events {
		data := l.encode(e)
		if bytes += len(data); bytes > publishBytes && len(batch) > 0 {
			break
		}
		batch = append(batch, l.message(from+uint64(len(batch)), data))
	}
	return batch, from, more
}

// encode never fails: what cannot be stored is stood in for.
func (l *Log[E]) encode(e E) []byte {
	data, err := l.c.Encode(e)
	if err == nil && len(data) == 0 {
		err = errors.New("an entry without content")
	}
	if err == nil {
		err = l.stream.fits(data)
	}
	if err != nil {
		l.stream.b.log.Error("event cannot be stored", "journal", l.c.Name, "err", err)
		return nil
	}
	return data
}

func (l *Log[E]) message(seq uint64, data []byte) *nats.Msg {
	return &nats.Msg{
		Subject: l.stream.config.Subjects[0], Data: data,
		Header: nats.Header{headerLife: {l.life}, jetstream.ExpectedLastSeqHeader: {strconv.FormatUint(seq-1, 10)}},
	}
}

// advanced notes what of a batch was stored.
func (l *Log[E]) advanced(batch []*nats.Msg, from uint64, stored []uint64, err error) error {
	lost := uint64(0)
	for i, seq := range stored {
		if seq != from+uint64(i) {
			return errors.Join(errSecondWriter, err)
		}
		if len(batch[i].Data) == 0 {
			lost++
		}
	}
	if len(stored) > 0 {
		l.storedUpTo(stored[len(stored)-1], lost)
	}
	return err
}
