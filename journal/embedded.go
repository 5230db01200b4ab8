package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	startLimit   = 30 * time.Second // for an embedded server to read its folder
	readyLook    = 200 * time.Millisecond
	syncInterval = 10 * time.Second // between fsyncs: what a power cut can cost
	maxPayload   = 8 << 20          // largest entry, bytes
)

var errStopped = errors.New("the embedded server is stopped")

// embedded is a NATS server in this process: it listens nowhere, handles no signals, and stores each
// message with write(2) before it acknowledges it, so that the end of the process loses nothing.
type embedded struct {
	dir     string
	log     *slog.Logger
	trouble func(error)

	mu      sync.Mutex
	running *server.Server
	stopped bool
}

// startEmbedded starts a server on dir. A store that cannot be read although the folder can be written is moved aside, told as
// an error in the log, and begun anew: a gateway without history is better than none. trouble gets the failures that only a
// restart ends.
func startEmbedded(dir string, log *slog.Logger, trouble func(error)) (*embedded, error) {
	e := &embedded{dir: dir, log: log, trouble: trouble}
	err := e.start()
	if err == nil {
		return e, nil
	}
	aside := ""
	moveErr := e.probe()
	if moveErr == nil && !ofTheHost(err) {
		aside, moveErr = e.setAside()
	}
	if aside == "" || moveErr != nil {
		return nil, fmt.Errorf("journal: the store in %s cannot be opened: %w: make room there and look at the folder's owner; move it away to begin a new one",
			dir, errors.Join(err, moveErr))
	}
	log.Error("journal cannot be read and is begun anew", "kept_in", aside, "err", err)
	if err := e.start(); err != nil {
		return nil, fmt.Errorf("journal: the embedded server does not start in %s: %w", dir, err)
	}
	return e, nil
}

// errNotReady is a start that took too long.
var errNotReady = errors.New("it was not ready in time")

// ofTheHost reports whether a start failed for something else than what is stored.
func ofTheHost(err error) bool {
	if errors.Is(err, errNotReady) || errors.Is(err, errStopped) {
		return true
	}
	for _, reason := range []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.EDQUOT, syscall.EIO} {
		if strings.Contains(err.Error(), reason.Error()) {
			return true
		}
	}
	return false
}

func (e *embedded) start() error {
	srv, err := server.NewServer(&server.Options{
		ServerName: "cordboard", DontListen: true, NoSigs: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: e.dir, SyncInterval: syncInterval, MaxPayload: maxPayload,
		// Streams have bounds of their own; these would only refuse them.
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: 1 << 50,
	})
	if err != nil {
		return err
	}
	told := &serverLog{log: e.log, trouble: e.trouble}
	srv.SetLoggerV2(told, false, false, false)
	srv.Start()
	ready := false
	for end := time.Now().Add(startLimit); !ready && !told.failed() && time.Now().Before(end); {
		ready = srv.ReadyForConnections(readyLook)
	}
	if !ready || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return told.failure()
	}
	e.mu.Lock()
	stopped := e.stopped
	if !stopped {
		e.running = srv
	}
	e.mu.Unlock()
	if stopped {
		srv.Shutdown()
		srv.WaitForShutdown()
		return errStopped
	}
	return nil
}

// setAside renames what cannot be read; one such folder is kept.
func (e *embedded) setAside() (string, error) {
	old, _ := filepath.Glob(filepath.Join(e.dir, "damaged-*"))
	for _, name := range old {
		_ = os.RemoveAll(name)
	}
	aside := filepath.Join(e.dir, "damaged-"+time.Now().UTC().Format("20060102-150405"))
	return aside, os.Rename(filepath.Join(e.dir, server.JetStreamStoreDir), aside)
}

// InProcessConn implements nats.InProcessConnProvider over restarts of the server.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	srv := e.running
	e.mu.Unlock()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}

// restart stops the server and starts it again: after a failed write a stream takes no more until then.
func (e *embedded) restart(ctx context.Context) error {
	if !e.halt(false) || ctx.Err() != nil {
		return errStopped
	}
	// The indices count the message that could not be written; without them the server counts what is there.
	indices, _ := filepath.Glob(filepath.Join(e.dir, server.JetStreamStoreDir, "*", "streams", "*", "msgs", "index.db"))
	for _, name := range indices {
		_ = os.Remove(name)
	}
	return e.start()
}

// probe sees whether a few hundred kilobytes can be written.
func (e *embedded) probe() error {
	f, err := os.CreateTemp(e.dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = f.Write(slices.Repeat([]byte("cordboard journal"), 16<<10))
	_ = f.Close()
	return errors.Join(err, os.Remove(f.Name()))
}

// halt stops the server, for good or not, and reports whether it may be started again.
func (e *embedded) halt(forGood bool) bool {
	e.mu.Lock()
	srv := e.running
	e.running = nil
	e.stopped = e.stopped || forGood
	again := !e.stopped
	e.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	return again
}
