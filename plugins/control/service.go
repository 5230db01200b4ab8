package control

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

// MaxSubscribers is how many event streams one Service serves at a time; more are refused.
const MaxSubscribers = 256

// Service is the control service over a switchboard. It keeps no state of calls; it may be registered at
// several gRPC servers (the socket, one per adapter).
type Service struct {
	controlv1.UnimplementedControlServer
	control callcontrol.Control
	log     *slog.Logger
	sources Sources
	prefix  string // of command ids; see ForAdapter
	adapter string // whose service it is; empty: of no adapter
	ack     func(context.Context, journal.Cursor) error
	most    int64 // subscribers

	subscribers atomic.Int64
	stopping    context.Context // ended by Stop
	stop        context.CancelFunc
}

var _ controlv1.ControlServer = (*Service)(nil)

// Option is something more that a Service offers.
type Option func(*Service)

// WithSources lets a service tell what the daemon knows beyond its calls.
func WithSources(src Sources) Option { return func(s *Service) { s.sources = src } }

// ForAdapter makes a service that of one adapter: ack takes what it acknowledges (a *callcontrol.Refusal
// goes back to it), and its command ids are its own, whatever ids others choose.
func ForAdapter(name string, ack func(context.Context, journal.Cursor) error) Option {
	return func(s *Service) { s.ack, s.adapter, s.prefix, s.most = ack, name, name+"/", maxAdapterStreams }
}

// maxAdapterStreams is for a new stream that begins while the old one's end is not seen yet.
const maxAdapterStreams = 4

// NewService serves c.
func NewService(c callcontrol.Control, log *slog.Logger, options ...Option) *Service {
	s := &Service{control: c, log: log, most: MaxSubscribers}
	s.stopping, s.stop = context.WithCancel(context.Background())
	for _, o := range options {
		o(s)
	}
	return s
}

// Stop ends every event stream with UNAVAILABLE. Subscribers come back to the next daemon with their
// cursor.
func (s *Service) Stop() { s.stop() }

// Subscribers is how many event streams run now.
func (s *Service) Subscribers() int { return int(s.subscribers.Load()) }

// Subscribe implements controlv1.ControlServer. The stream reads from the shared log, so that a slow
// subscriber costs no memory: gRPC's flow control stops its reading, and it meets a gap.
func (s *Service) Subscribe(req *controlv1.SubscribeRequest, stream controlv1.Control_SubscribeServer) error {
	defer s.subscribers.Add(-1)
	if s.subscribers.Add(1) > s.most {
		return status.Error(codes.ResourceExhausted, "too many subscribers")
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()

	sub := s.control.Subscribe(decodeCursor(req.GetFrom()))
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for {
		e, err := sub.Next(ctx)
		switch {
		case err == nil:
		case s.stopping.Err() != nil, errors.Is(err, journal.ErrClosed):
			return status.Error(codes.Unavailable, "the daemon is stopping")
		default:
			return encodeError(err)
		}
		if err := stream.Send(encodeEntry(e)); err != nil {
			return err
		}
	}
}
