package sdk

import (
	"io"
	"log/slog"
)

// newLog writes lines that the daemon reads back with level and attributes.
func newLog(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

func setLevel(v *slog.LevelVar, text string) {
	var l slog.Level
	if l.UnmarshalText([]byte(text)) == nil {
		v.Set(l)
	}
}
