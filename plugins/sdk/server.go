package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/journal"
	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
)

// server answers the daemon for an adapter.
type server struct {
	adapterv1.UnimplementedAdapterServer
	adapter Adapter
	log     *slog.Logger
	level   *slog.LevelVar
	dial    func(id uint32) (*grpc.ClientConn, error) // of the daemon's control service

	mu         sync.Mutex
	configured bool
	ready      bool
	events     *follower // nil: none are taken
	client     *control.Client
	conn       *grpc.ClientConn
}

func newServer(a Adapter, log *slog.Logger, level *slog.LevelVar) *server {
	return &server{adapter: a, log: log, level: level}
}

// Info implements adapterv1.AdapterServer.
func (s *server) Info(context.Context, *adapterv1.InfoRequest) (*adapterv1.InfoReply, error) {
	i := s.adapter.Info()
	i.Capabilities = nil
	if _, ok := s.adapter.(Lookuper); ok {
		i.Capabilities = append(i.Capabilities, adapter.CanLookup)
	}
	if _, ok := s.adapter.(Searcher); ok {
		i.Capabilities = append(i.Capabilities, adapter.CanSearch)
	}
	if takesEvents(s.adapter) {
		i.Capabilities = append(i.Capabilities, adapter.CanEvents)
	}
	return adapter.EncodeInfo(i), nil
}

func takesEvents(a Adapter) bool {
	_, listens := a.(Listener)
	_, batches := a.(Batcher)
	_, resyncs := a.(Resyncer)
	return listens || batches || resyncs
}

// Configure implements adapterv1.AdapterServer.
func (s *server) Configure(ctx context.Context, req *adapterv1.ConfigureRequest) (*adapterv1.ConfigureReply, error) {
	s.mu.Lock()
	again := s.configured
	s.configured = true
	s.mu.Unlock()
	if again {
		return nil, status.Error(codes.FailedPrecondition, "the adapter is configured already: a new configuration needs a new process")
	}
	setLevel(s.level, req.GetLogLevel())
	conn, err := s.dial(req.GetControl())
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "connect to the daemon's call control: %v", err)
	}
	client := control.NewClient(conn)
	config := req.GetConfig()
	if len(config) == 0 {
		config = []byte("{}")
	}
	session := &Session{
		Name: req.GetName(), Config: json.RawMessage(config), Control: client, Log: s.log, Daemon: req.GetDaemonVersion(),
		Acknowledged: journal.Cursor{Epoch: req.GetAcknowledged().GetEpoch(), Seq: req.GetAcknowledged().GetSeq()},
	}
	if err := s.adapter.Configure(ctx, session); err != nil {
		_ = client.Close()
		_ = conn.Close()
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.conn, s.ready = client, conn, true
	if takesEvents(s.adapter) {
		s.events = newFollower(s.adapter, client, s.log)
		begin := journal.Cursor{Epoch: req.GetBegin().GetEpoch(), Seq: req.GetBegin().GetSeq()}
		s.events.start(session.Acknowledged, begin)
	}
	return &adapterv1.ConfigureReply{}, nil
}

// Lookup implements adapterv1.AdapterServer.
func (s *server) Lookup(ctx context.Context, req *adapterv1.LookupRequest) (*adapterv1.LookupReply, error) {
	l, ok := s.adapter.(Lookuper)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "the adapter looks nobody up")
	}
	if err := s.usable(); err != nil {
		return nil, err
	}
	found, err := l.Lookup(ctx, adapter.DecodeQuery(req))
	if err != nil {
		return nil, failed(ctx, err)
	}
	return &adapterv1.LookupReply{Contacts: adapter.EncodeContacts(found)}, nil
}

// Search implements adapterv1.AdapterServer.
func (s *server) Search(ctx context.Context, req *adapterv1.SearchRequest) (*adapterv1.SearchReply, error) {
	f, ok := s.adapter.(Searcher)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "the adapter searches nothing")
	}
	if err := s.usable(); err != nil {
		return nil, err
	}
	found, err := f.Search(ctx, adapter.DecodeSearch(req))
	if err != nil {
		return nil, failed(ctx, err)
	}
	return &adapterv1.SearchReply{Contacts: adapter.EncodeContacts(found)}, nil
}

// Health implements adapterv1.AdapterServer.
func (s *server) Health(ctx context.Context, _ *adapterv1.HealthRequest) (*adapterv1.HealthReply, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	h := adapter.Health{State: adapter.HealthOK}
	if c, ok := s.adapter.(Checker); ok {
		if err := c.Health(ctx); err != nil {
			return adapter.EncodeHealth(adapter.Health{State: adapter.HealthDegraded, Message: err.Error()}), nil
		}
	}
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	if events != nil {
		if err := events.trouble(); err != nil {
			h = adapter.Health{State: adapter.HealthDegraded, Message: err.Error()}
		}
	}
	return adapter.EncodeHealth(h), nil
}

// Stop implements adapterv1.AdapterServer. There is nothing to stop before Configure has ended well, nor a second time.
func (s *server) Stop(ctx context.Context, _ *adapterv1.StopRequest) (*adapterv1.StopReply, error) {
	s.mu.Lock()
	events, client, conn, ready := s.events, s.client, s.conn, s.ready
	s.ready = false
	s.mu.Unlock()
	if !ready {
		return &adapterv1.StopReply{}, nil
	}
	if events != nil {
		events.stop(ctx)
	}
	var err error
	if f, ok := s.adapter.(Stopper); ok {
		err = f.Stop(ctx)
	}
	_ = client.Close()
	_ = conn.Close()
	if err != nil {
		return nil, failed(ctx, fmt.Errorf("stop: %w", err))
	}
	return &adapterv1.StopReply{}, nil
}

// usable refuses what comes before Configure or after Stop.
func (s *server) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		return status.Error(codes.FailedPrecondition, "the adapter is not configured, or stops")
	}
	return nil
}

// failed is an adapter's error on the wire.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unknown, err.Error())
}
