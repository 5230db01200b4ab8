package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// serverLog takes what the embedded server logs into ours: its notices are debug, its fatal errors are
// errors and the reason when it does not start.
type serverLog struct {
	log     *slog.Logger
	trouble func(error) // gets what ends a stream until the server is restarted

	mu    sync.Mutex
	fatal string
}

func (s *serverLog) Noticef(format string, v ...any) { s.told(s.log.Debug, format, v) }
func (s *serverLog) Debugf(format string, v ...any)  { s.told(s.log.Debug, format, v) }
func (s *serverLog) Tracef(format string, v ...any)  { s.told(s.log.Debug, format, v) }
func (s *serverLog) Warnf(format string, v ...any)   { s.told(s.log.Warn, format, v) }

func (s *serverLog) Errorf(format string, v ...any) {
	s.told(s.log.Error, format, v)
	if text := fmt.Sprintf(format, v...); fatalToStream(text) {
		s.trouble(fmt.Errorf("%w: %s", errBroken, text))
	}
}

// fatalToStream recognises the errors after which the server takes nothing more for a stream, and does
// not answer either (nats-server 2.15: stream.go, filestore.go).
func fatalToStream(text string) bool {
	for _, sign := range []string{"Critical write error", "failed to store a msg", "will be DISABLED"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func (s *serverLog) Fatalf(format string, v ...any) {
	s.told(s.log.Error, format, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fatal = fmt.Sprintf(format, v...)
}

func (s *serverLog) told(level func(string, ...any), format string, v []any) {
	level("journal server", "told", fmt.Sprintf(format, v...))
}

func (s *serverLog) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal != ""
}

// failure is why the server did not start.
func (s *serverLog) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == "" {
		return errNotReady
	}
	return errors.New(s.fatal)
}
