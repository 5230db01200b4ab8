package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	reconnectWait = 100 * time.Millisecond
	writeLimit    = 2 * time.Second  // for bytes to leave towards the server
	askLimit      = 5 * time.Second  // for one answer of the server
	healFirst     = 2 * time.Second  // between restarts of an embedded server that fails, doubled …
	healMost      = 30 * time.Second // … up to this
)

// backend is the server that keeps the streams, and the connection to it.
type backend struct {
	log    *slog.Logger
	server *embedded // nil: external
	lock   *os.File  // nil: no folder
	label  string
	conn   *nats.Conn // all but reading
	reads  *nats.Conn // the server serves a connection one request after the other: readers do not hold up the writer
	js     jetstream.JetStream

	mu     sync.Mutex
	outage *outage
	sick   error     // set from a failed write until the server is restarted: nothing it says counts
	healed time.Time // when the server was last restarted
	pause  time.Duration
}

// outage tells those who wait for the server that it will not answer them.
type outage struct {
	began chan struct{}
	err   error // once began is closed
}

// openBackend connects. Its errors say what to do.
func openBackend(ctx context.Context, cfg Config) (*backend, error) {
	b := &backend{log: cfg.Log, outage: &outage{began: make(chan struct{})}, pause: healFirst}
	if err := b.open(ctx, cfg); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *backend) open(ctx context.Context, cfg Config) error {
	if cfg.Dir == "" && cfg.URL == "" {
		return errors.New("journal: neither folder nor server is named: set journal.dir or journal.url")
	}
	var err error
	if cfg.Dir != "" {
		if err = prepareDir(cfg.Dir); err != nil {
			return err
		}
		if b.lock, err = lockDir(cfg.Dir); err != nil {
			return err
		}
	}
	opts := []nats.Option{
		nats.Name("cordboard"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(-1), nats.FlusherTimeout(writeLimit), nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(b.onError),
		nats.Timeout(timeLeft(ctx)), // a busy host may take its time, also with the server inside
	}
	where := cfg.URL
	if where == "" {
		b.label = cfg.Dir
		if b.server, err = startEmbedded(cfg.Dir, b.log, b.fail); err != nil {
			return err
		}
		opts = append(opts, nats.InProcessServer(b.server))
	} else {
		b.label = redact(where)
		opts = append(opts, nats.PingInterval(10*time.Second), nats.MaxPingsOutstanding(2))
		opts = append(opts, cfg.identity()...)
	}
	if b.reads, err = nats.Connect(where, opts...); err == nil {
		b.conn, err = nats.Connect(where, append(opts, nats.DisconnectErrHandler(b.onLost), nats.ReconnectHandler(b.onBack))...)
	}
	if err != nil {
		return fmt.Errorf("journal: connect to %s: %w: is it running, are journal.url, journal.user, journal.credentials and journal.ca right?", b.label, err)
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(askLimit)); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	ask, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if _, err = b.js.AccountInfo(ask); err != nil {
		return fmt.Errorf("journal: JetStream at %s: %w: enable it there (jetstream {}), and for this account", b.label, err)
	}
	return nil
}

// timeLeft is how long connecting may take.
func timeLeft(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(min(time.Until(end), askLimit), time.Millisecond)
	}
	return askLimit
}

// redact leaves no password in what is shown of URLs.
func redact(urls string) string {
	all := strings.Split(urls, ",")
	for i, s := range all {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil {
			all[i] = "?"
			continue
		}
		u.User = nil
		all[i] = u.String()
	}
	return strings.Join(all, ",")
}

// fail ends the waiting of those who wait now.
func (b *backend) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, errBroken) {
		b.sick = err
	}
	b.outage.err = err
	close(b.outage.began)
	b.outage = &outage{began: make(chan struct{})}
}

func (b *backend) onLost(_ *nats.Conn, err error) {
	b.fail(errLost)
	if b.server == nil {
		b.log.Warn("journal server lost", "server", b.label, "err", err)
	}
}

func (b *backend) onBack(*nats.Conn) {
	if b.server == nil {
		b.log.Info("journal server is back", "server", b.label)
	}
}

func (b *backend) onError(_ *nats.Conn, _ *nats.Subscription, err error) {
	b.log.Debug("journal connection", "err", err)
}

// next is the outage to come; it errs while the server is known not to work.
func (b *backend) next() (*outage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outage, b.sick
}

// heal restarts an embedded server that has told a failure which only a restart ends, and reports whether
// the server may be asked again. An external one is its operator's.
func (b *backend) heal(ctx context.Context, failure error) bool {
	if b.server == nil || !broken(failure) {
		return true
	}
	b.mu.Lock()
	since := time.Since(b.healed)
	if since > 2*healMost {
		b.pause = healFirst
	}
	due, well := since >= b.pause, b.sick == nil
	if due {
		b.healed = time.Now()
	}
	b.mu.Unlock()
	if !due {
		return well
	}
	err := b.server.probe() // a full disk is waited out
	if err == nil {
		err = b.server.restart(ctx)
		b.mu.Lock()
		b.pause = min(2*b.pause, healMost)
		if b.sick = err; err != nil {
			b.sick = fmt.Errorf("%w: %w", errBroken, err)
		}
		b.mu.Unlock()
	}
	if err != nil {
		b.log.Debug("journal server not restarted", "err", err)
		return false
	}
	b.log.Info("journal server restarted", "after", failure)
	return true
}

// broken reports whether a failure will not pass by itself: a failed write, or a server without JetStream
// or the stream.
func broken(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == storeFailed || api.ErrorCode == jetstream.JSErrCodeJetStreamNotEnabled ||
			api.ErrorCode == jetstream.JSErrCodeStreamNotFound
	}
	return errors.Is(err, errBroken) || errors.Is(err, errNoStream) || errors.Is(err, nats.ErrNoResponders)
}

// close ends the connection and the embedded server, and gives the folder free.
func (b *backend) close() {
	for _, c := range []*nats.Conn{b.reads, b.conn} {
		if c != nil {
			c.Close()
		}
	}
	if b.server != nil {
		b.server.halt(true)
	}
	if b.lock != nil {
		_ = b.lock.Close()
	}
}
