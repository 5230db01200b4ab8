package systemd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// UnderJournal reports whether f (the standard error) goes straight to the journal: JOURNAL_STREAM names its device
// and inode (systemd.exec(5)).
func UnderJournal(f *os.File) bool {
	var dev, ino uint64
	if n, err := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &dev, &ino); err != nil || n != 2 {
		return false
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return false
	}
	return uint64(st.Dev) == dev && st.Ino == ino
}

// JournalHandler writes log lines for the journal: the level as the priority in front that the journal takes off
// again (sd-daemon(3)), so that `journalctl -p warning` works, and no time, which the journal has by itself.
func JournalHandler(w io.Writer, level slog.Leveler) slog.Handler {
	s := &sink{w: w}
	return &journal{sink: s, next: slog.NewTextHandler(&s.line, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	})}
}

// sink is what all handlers made from one share.
type sink struct {
	mu   sync.Mutex // held over the write, as slog's own handlers do: lines must not mix
	w    io.Writer
	line bytes.Buffer
}

type journal struct {
	sink *sink
	next slog.Handler
}

func (j *journal) Enabled(ctx context.Context, l slog.Level) bool { return j.next.Enabled(ctx, l) }

func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journal{sink: j.sink, next: j.next.WithAttrs(attrs)}
}

func (j *journal) WithGroup(name string) slog.Handler {
	return &journal{sink: j.sink, next: j.next.WithGroup(name)}
}

func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	j.sink.mu.Lock()
	defer j.sink.mu.Unlock()
	j.sink.line.Reset()
	j.sink.line.WriteString(priority(r.Level))
	if err := j.next.Handle(ctx, r); err != nil {
		return err
	}
	_, err := j.sink.w.Write(j.sink.line.Bytes())
	return err
}

// priority is the syslog level of l.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}
