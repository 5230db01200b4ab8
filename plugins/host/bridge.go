package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// newBridge is the logger through which go-plugin writes to the daemon's log.
func newBridge(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	l.RegisterSink(sink{log.With("by", "go-plugin")})
	return l
}

// sink is a hclog.SinkAdapter.
type sink struct{ log *slog.Logger }

var levels = map[hclog.Level]slog.Level{
	hclog.Trace: levelTrace, hclog.Debug: slog.LevelDebug, hclog.Info: slog.LevelInfo, hclog.Warn: slog.LevelWarn, hclog.Error: slog.LevelError,
}

// told are go-plugin's words for what the supervisor says itself, with its reason.
var told = map[string]bool{
	"plugin process exited": true, "plugin failed to exit gracefully": true, "error closing client during Kill": true, "client": true,
	"stdio service not available, stdout/stderr syncing unavailable": true, "stdio service unavailable, run will do nothing": true,
}

// Accept implements hclog.SinkAdapter: the level and the pairs are kept.
func (s sink) Accept(_ string, level hclog.Level, message string, args ...any) {
	to, ok := levels[level]
	if !ok {
		to = slog.LevelInfo
	}
	if told[message] {
		to = slog.LevelDebug
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, to) {
		return
	}
	var attrs []slog.Attr
	for i := 0; i+1 < len(args) && i < 2*mostAttrs; i += 2 {
		key, ok := args[i].(string)
		if !ok {
			key = shorten(fmt.Sprint(args[i]))
		}
		attrs = append(attrs, slog.String(key, shortenTo(pairText(args[i+1]), longestAttr)))
	}
	s.log.LogAttrs(ctx, to, message, attrs...)
}

func pairText(v any) string {
	if f, ok := v.(hclog.Format); ok && len(f) > 0 {
		if layout, ok := f[0].(string); ok {
			return fmt.Sprintf(layout, f[1:]...)
		}
	}
	return fmt.Sprint(v)
}
