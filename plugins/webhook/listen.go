package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	headerTime   = 5 * time.Second
	idleTime     = time.Minute
	mostHeading  = 16 << 10 // bytes of a request's header
	mostSockets  = 512      // connections at one time
	mostParallel = 64       // requests of one HTTP/2 connection
	endTime      = time.Second
	listenAgain  = time.Second
)

// server listens for the API. A port that is taken is tried again until it is free.
type server struct {
	plan   *plan
	log    *slog.Logger
	header time.Duration // for a request's header, and for the handshake of TLS; 0: headerTime

	mu  sync.Mutex
	err error // why nobody can connect
	at  net.Addr
}

// run serves until ctx ends.
func (s *server) run(ctx context.Context, h http.Handler) {
	for ctx.Err() == nil {
		err := s.serve(ctx, h)
		if ctx.Err() != nil {
			return
		}
		if s.fail(err) {
			s.log.Warn("the API cannot be reached", "error", err)
		}
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
}

// fail notes an error; true when it is not the one before.
func (s *server) fail(err error) bool {
	err = fmt.Errorf("api: %w", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.err != nil && s.err.Error() == err.Error()
	s.err = err
	return !again
}

func (s *server) serve(ctx context.Context, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: cmp.Or(s.header, headerTime), IdleTimeout: idleTime, MaxHeaderBytes: mostHeading,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: mostParallel},
	}
	var files *certificate
	if s.plan.API.Cert != "" {
		files = &certificate{cert: s.plan.API.Cert, key: s.plan.API.Key, log: s.log}
		if err := files.load(); err != nil {
			return err
		}
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.plan.API.Listen)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.err, s.at = nil, l.Addr()
	s.mu.Unlock()
	s.log.Info("the API is there", "listen", l.Addr().String(), "tls", files != nil, "tokens", len(s.plan.tokens))
	l = netutil.LimitListener(l, mostSockets)
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
		defer cancel()
		if srv.Shutdown(bound) != nil {
			_ = srv.Close()
		}
	})
	if files != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if !stop() {
		<-ended
	}
	return errors.Join(err, srv.Close())
}

// trouble is why nobody can connect.
func (s *server) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

const certificateEvery = 10 * time.Second // between two looks at the files

// certificate is read again when its files change: they are renewed while the daemon runs.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	times  [2]time.Time
	looked time.Time
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	due := time.Since(c.looked) >= certificateEvery
	if due {
		c.looked = time.Now()
	}
	c.mu.Unlock()
	if due {
		if err := c.load(); err != nil {
			c.log.Warn("certificate cannot be read; the one before stays in use", "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loaded, nil
}

// load reads the files where they have changed.
func (c *certificate) load() error {
	var times [2]time.Time
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		times[i] = info.ModTime()
	}
	c.mu.Lock()
	same := c.loaded != nil && times == c.times
	c.mu.Unlock()
	if same {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded, c.times = &pair, times
	return nil
}
