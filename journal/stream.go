package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// storeFailed is the server's code for a message that it could not store (JSStreamStoreFailedErr).
	storeFailed jetstream.ErrorCode = 10077

	fetchMessages = 512
	fetchBytes    = 1 << 20
)

var (
	errNoStream = errors.New("nobody keeps the stream")
	errBroken   = errors.New("the server cannot write")
	errLost     = errors.New("there is no connection to the server")
	errTimeout  = fmt.Errorf("no answer within %v", askLimit)
)

// stream is one stream of a backend as its only writer sees it. publish is for one goroutine; the rest
// is safe for concurrent use.
type stream struct {
	b      *backend
	config jetstream.StreamConfig
	inbox  string
	acks   chan *nats.Msg
	sub    *nats.Subscription
	batch  uint64
}

// openStream makes a stream or adapts the one that there is; its metadata is kept.
func openStream(ctx context.Context, b *backend, config jetstream.StreamConfig) (*stream, *jetstream.StreamInfo, error) {
	s := &stream{b: b, config: config, inbox: nats.NewInbox(), acks: make(chan *nats.Msg, 4*publishMost)}
	info, err := s.ensure(ctx, 0)
	switch {
	case err != nil && info != nil: // with a full disk, say
		b.log.Warn("journal keeps the bounds that it had", "stream", config.Name, "err", err)
	case err != nil:
		return nil, nil, fmt.Errorf("journal: stream %s at %s: %w", config.Name, b.label, err)
	}
	if s.sub, err = b.conn.ChanSubscribe(s.inbox+".>", s.acks); err != nil {
		return nil, nil, fmt.Errorf("journal: stream %s: %w", config.Name, err)
	}
	return s, info, nil
}

// ensure makes the stream so that its next sequence is after last, or adapts the one that there is. With
// an error and information the stream is as it was.
func (s *stream) ensure(ctx context.Context, last uint64) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	have, err := s.b.js.Stream(ctx, s.config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		fresh := s.config
		if last > 0 {
			fresh.FirstSeq = last + 1
		}
		if have, err = s.b.js.CreateStream(ctx, fresh); err == nil {
			return have.CachedInfo(), nil
		}
	}
	if err != nil {
		return nil, err
	}
	info := have.CachedInfo()
	want := s.config
	want.Metadata = maps.Clone(info.Config.Metadata)
	want.FirstSeq = info.Config.FirstSeq
	if want.Metadata == nil {
		want.Metadata = map[string]string{}
	}
	maps.Copy(want.Metadata, s.config.Metadata)
	if same(want, info.Config) {
		return info, nil
	}
	if have, err = s.b.js.UpdateStream(ctx, want); err != nil {
		return info, err
	}
	return have.CachedInfo(), nil
}

// same reports whether a stream has what we set.
func same(want, have jetstream.StreamConfig) bool {
	return want.MaxBytes == have.MaxBytes && want.MaxAge == have.MaxAge && want.Replicas == have.Replicas && want.AllowDirect == have.AllowDirect &&
		want.Discard == have.Discard && max(want.MaxMsgsPerSubject, 0) == max(have.MaxMsgsPerSubject, 0) && maps.Equal(want.Metadata, have.Metadata)
}

// last asks for the last sequence.
func (s *stream) last(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	have, err := s.b.js.Stream(ctx, s.config.Name)
	if err != nil {
		return 0, err
	}
	return have.CachedInfo().State.LastSeq, nil
}

// publish sends messages and waits until the server has stored them, in order. It returns the sequences
// of those that are; with fewer than were given, the error says why.
func (s *stream) publish(ctx context.Context, msgs []*nats.Msg) ([]uint64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askLimit, errTimeout)
	defer cancel()
	outage, err := s.b.next()
	if err != nil {
		return nil, err
	}
	s.batch++
	prefix := s.inbox + "." + strconv.FormatUint(s.batch, 36) + "."
	for i, m := range msgs {
		m.Reply = prefix + strconv.Itoa(i)
		if err := s.b.conn.PublishMsg(m); errors.Is(err, nats.ErrReconnectBufExceeded) {
			return nil, errLost
		} else if err != nil {
			return nil, err
		}
	}
	stored := make([]uint64, 0, len(msgs))
	for len(stored) < len(msgs) {
		select {
		case m := <-s.acks:
			i, ok := strings.CutPrefix(m.Subject, prefix)
			if !ok {
				continue // of a batch that was given up
			}
			if i != strconv.Itoa(len(stored)) {
				return stored, fmt.Errorf("acknowledgement %s came for %d", i, len(stored))
			}
			seq, err := acknowledged(m)
			if err != nil {
				return stored, err
			}
			stored = append(stored, seq)
		case <-outage.began:
			return stored, outage.err
		case <-ctx.Done():
			return stored, context.Cause(ctx)
		}
	}
	return stored, nil
}

// acknowledged is the sequence under which a message was stored.
func acknowledged(m *nats.Msg) (uint64, error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return 0, errNoStream
	}
	var reply struct {
		Error *jetstream.APIError `json:"error"`
		jetstream.PubAck
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return 0, fmt.Errorf("acknowledgement: %w", err)
	}
	if reply.Error != nil {
		return 0, reply.Error
	}
	return reply.Sequence, nil
}

// fetch reads messages from a sequence on, some hundreds at most. It keeps nothing at the server. No
// message and no error: there is none from there on.
func (s *stream) fetch(ctx context.Context, from uint64) ([]message, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askLimit, errTimeout)
	defer cancel()
	sub, err := s.b.reads.SubscribeSync(nats.NewInbox())
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	ask := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, max(from, 1), fetchMessages, fetchBytes)
	if err := s.b.reads.PublishRequest("$JS.API.DIRECT.GET."+s.config.Name, sub.Subject, ask); err != nil {
		return nil, err
	}
	var all []message
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			return nil, errNoStream
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			got, err := received(m)
			if err != nil {
				return nil, err
			}
			all = append(all, got)
		case "204", "404": // end of batch; nothing there
			return all, nil
		default:
			return nil, fmt.Errorf("the server answered %s %s", status, m.Header.Get("Description"))
		}
	}
}

// skip makes the sequence after last the next one. Everything stored before it is gone.
func (s *stream) skip(ctx context.Context, last uint64) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	have, err := s.b.js.Stream(ctx, s.config.Name)
	if err != nil {
		return err
	}
	return have.Purge(ctx, jetstream.WithPurgeSequence(last+1))
}

// fits reports an error for content that is too large for a message.
func (s *stream) fits(data []byte) error {
	if limit := s.b.conn.MaxPayload(); limit > 0 && int64(len(data))+headerRoom > limit {
		return fmt.Errorf("%d bytes are too large for the server", len(data))
	}
	return nil
}

func (s *stream) close() { _ = s.sub.Unsubscribe() }
