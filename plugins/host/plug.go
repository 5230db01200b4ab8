package host

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
	controlv1 "cordboard/plugins/control/v1"
)

const (
	mostAnswer     = 1 << 20 // bytes of one answer of an adapter
	mostBroker     = 64      // messages of its broker, of which the contract needs none
	controlStreams = 64      // requests of an adapter at one time
	controlRate    = 200     // a second; more of them wait for their turn, and nobody else does
	controlBurst   = 400
	streamsRate    = 2 // event streams begun a second: each reads the journal
	streamsBurst   = 20
)

// plug is an instance through go-plugin.
type plug struct {
	dispensed
	log     *slog.Logger
	config  *plugin.ClientConfig // go-plugin keeps the TLS configuration here
	client  *plugin.Client
	process *process

	server  *grpc.Server // of call control; nil: none
	service *control.Service
	serving sync.WaitGroup
}

func (p *plug) rpc() adapterv1.AdapterClient   { return p.adapter }
func (p *plug) pid() int                       { return p.process.number() }
func (p *plug) gone() <-chan struct{}          { return p.process.exited }
func (p *plug) end() (err error, outside bool) { return p.process.end() }
func (p *plug) kill()                          { p.process.kill() }

// offer implements instance: a server of its own on a socket beside the adapter's, with the same
// certificates. A flood of requests waits at its limiter.
func (p *plug) offer(s *control.Service) (uint32, error) {
	id := p.broker.NextId()
	l, err := p.broker.Accept(id)
	if err != nil {
		return 0, err
	}
	turn, streams := rate.NewLimiter(controlRate, controlBurst), rate.NewLimiter(streamsRate, streamsBurst)
	options := append(s.ServerOptions(),
		grpc.Creds(credentials.NewTLS(p.config.TLSConfig)), grpc.ConnectionTimeout(5*time.Second),
		grpc.MaxConcurrentStreams(controlStreams), grpc.MaxHeaderListSize(16<<10), grpc.WaitForHandlers(true),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := turn.Wait(ctx); err != nil {
				return nil, status.Error(codes.ResourceExhausted, "too many requests of this adapter")
			}
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := streams.Wait(ss.Context()); err != nil {
				return status.Error(codes.ResourceExhausted, "too many requests of this adapter")
			}
			return next(srv, ss)
		}),
	)
	p.service, p.server = s, grpc.NewServer(options...)
	controlv1.RegisterControlServer(p.server, s)
	p.serving.Go(func() {
		if err := p.server.Serve(l); err != nil {
			p.log.Warn("call control for the adapter ended", "error", err)
		}
	})
	return id, nil
}

// close implements instance.
func (p *plug) close(ctx context.Context) {
	killer := context.AfterFunc(ctx, p.process.kill)
	if p.server != nil {
		p.service.Stop()
		p.server.Stop()
		p.serving.Wait()
	}
	p.process.release()
	p.client.Kill() // asks the adapter to end, and waits for it
	killer()
	p.process.kill()
	<-p.process.exited
	_ = os.RemoveAll(p.process.dir)
}

// fewBrokerMessages ends the broker's stream of an adapter that floods it: go-plugin v1.8.0 starts a
// goroutine for each message.
func fewBrokerMessages(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := next(ctx, d, cc, method, o...)
	if err != nil || method != "/plugin.GRPCBroker/StartStream" {
		return s, err
	}
	return &fewMessages{ClientStream: s}, nil
}

type fewMessages struct {
	grpc.ClientStream
	count atomic.Int32
}

// RecvMsg implements grpc.ClientStream.
func (f *fewMessages) RecvMsg(m any) error {
	if f.count.Add(1) > mostBroker {
		return status.Error(codes.ResourceExhausted, "too many messages of the adapter's broker")
	}
	return f.ClientStream.RecvMsg(m)
}
