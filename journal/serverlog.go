package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// serverLog takes what the embedded server logs into ours: its notices are debug, its fatal errors are
// errors and the reason when it does not start.
type serverLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
}

func (s *serverLog) Noticef(format string, v ...any) { s.told(s.log.Debug, format, v) }
func (s *serverLog) Debugf(format string, v ...any)  { s.told(s.log.Debug, format, v) }
func (s *serverLog) Tracef(format string, v ...any)  { s.told(s.log.Debug, format, v) }
func (s *serverLog) Warnf(format string, v ...any)   { s.told(s.log.Warn, format, v) }
func (s *serverLog) Errorf(format string, v ...any)  { s.told(s.log.Error, format, v) }

func (s *serverLog) Fatalf(format string, v ...any) {
	s.told(s.log.Error, format, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fatal = fmt.Sprintf(format, v...)
}

func (s *serverLog) told(level func(string, ...any), format string, v []any) {
	level("journal server", "told", fmt.Sprintf(format, v...))
}

// failure is why the server did not start.
func (s *serverLog) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == "" {
		return errors.New("it was not ready in time")
	}
	return errors.New(s.fatal)
}
