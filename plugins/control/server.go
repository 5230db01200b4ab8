package control

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

const maxStreams = 1024 // calls at one time on one connection

// Config is where and how the local socket stands.
type Config struct {
	Socket string        // path
	Mode   fs.FileMode   // permission bits; 0: 0600
	Group  string        // name or number of the socket's group; empty: the process's
	Grace  time.Duration // for running commands when Run ends; 0: 2 s
}

// Server is the control service on a local unix socket.
type Server struct {
	cfg      Config
	service  *Service
	listener net.Listener
	grpc     *grpc.Server
}

// NewServer opens the socket; commands are served once Run is called. Errors: *SocketInUseError when a
// daemon listens there already.
func NewServer(cfg Config, c callcontrol.Control, log *slog.Logger, options ...Option) (*Server, error) {
	if cfg.Grace == 0 {
		cfg.Grace = 2 * time.Second
	}
	l, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, service: NewService(c, log, options...), listener: l}
	s.grpc = grpc.NewServer(append(s.service.ServerOptions(),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(cfg.Grace), // who connects and says nothing must not delay the end of Run
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	)...)
	controlv1.RegisterControlServer(s.grpc, s.service)
	return s, nil
}

// Run serves until ctx ends, then ends event streams, lets running commands finish within the grace
// period, and removes the socket. It must be called once.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(s.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.service.Stop()
	t := time.AfterFunc(s.cfg.Grace, s.grpc.Stop)
	defer t.Stop()
	s.grpc.GracefulStop()
	if err := <-failed; !errors.Is(err, grpc.ErrServerStopped) { // it is, when ctx ended before Serve began
		return err
	}
	return nil
}

// Subscribers is how many event streams run now.
func (s *Server) Subscribers() int { return s.service.Subscribers() }
