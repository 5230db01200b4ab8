package sipua

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// sipgoSettings are sipgo's package variables, set once for the process: seen with v1.7.2. Its UDP transport refuses what
// is larger than UDPMTUSize-200; large requests go by TCP where the peer has it, and whole by UDP where it has not.
var sipgoSettings = sync.OnceFunc(func() {
	sip.UDPMTUSize = 1 << 16
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
})

// redactor passes sipgo's own log lines on, rarely and without what came over the wire: sipgo logs whole datagrams,
// credentials included, when it cannot parse them.
type redactor struct {
	next  slog.Handler
	limit *rate.Limiter
}

func newRedactor(log *slog.Logger) *slog.Logger {
	return slog.New(redactor{log.Handler(), rate.NewLimiter(rate.Every(time.Second), 5)})
}

func (r redactor) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && r.next.Enabled(ctx, slog.LevelDebug)
}

func (r redactor) Handle(ctx context.Context, rec slog.Record) error {
	if !r.limit.Allow() {
		return nil
	}
	out := slog.NewRecord(rec.Time, slog.LevelDebug, "sip transport: "+rec.Message, rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "laddr", "raddr", "network", "tx":
			out.AddAttrs(a)
		}
		return true
	})
	return r.next.Handle(ctx, out)
}

func (r redactor) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r redactor) WithGroup(string) slog.Handler      { return r }
