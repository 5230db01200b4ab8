package host

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	longestLine = 16 << 10 // bytes; what is beyond is left out
	linesRate   = 100      // a second
	linesBurst  = 500
	bytesRate   = 1 << 20 // a second: a program that writes more is held back by its own pipe
	bytesBurst  = 2 << 20
)

// lines puts what one life of an adapter writes into the daemon's log, at a bounded rate: lines beyond
// are counted, and reading itself is paced, so that noise costs the daemon next to nothing.
type lines struct {
	log     *slog.Logger
	stdout  *lineWriter
	limit   *rate.Limiter
	pace    *rate.Limiter
	dropped *atomic.Uint64 // of all lives

	over context.Context // the process has ended: no more waiting
	end  context.CancelFunc

	mu      sync.Mutex
	missed  uint64    // dropped since that was last told
	told    time.Time // when
	panics  bool
	words   string // the line that says most about an end
	serious bool   // words is an error or panic, no mere last line
}

func newLines(log *slog.Logger, dropped *atomic.Uint64) *lines {
	l := &lines{
		log: log, dropped: dropped,
		limit: rate.NewLimiter(linesRate, linesBurst), pace: rate.NewLimiter(bytesRate, bytesBurst),
	}
	l.over, l.end = context.WithCancel(context.Background())
	l.stdout = &lineWriter{lines: l}
	return l
}

// ended says that the process has ended.
func (l *lines) ended() { l.end() }

// read logs every line of stderr until its end.
func (l *lines) read(r io.Reader) {
	b := bufio.NewReaderSize(r, longestLine)
	cut := false
	for {
		line, err := b.ReadSlice('\n')
		l.wait(len(line))
		if len(line) > 0 && !cut {
			l.take(line)
		}
		cut = err == bufio.ErrBufferFull // the rest of a long line
		if err != nil && !cut {
			return
		}
	}
}

// wait paces reading by bytes.
func (l *lines) wait(n int) {
	for n > 0 {
		part := min(n, bytesBurst)
		_ = l.pace.WaitN(l.over, part)
		n -= part
	}
}

// take logs one line.
func (l *lines) take(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if !l.limit.Allow() {
		l.dropped.Add(1)
		l.mu.Lock()
		l.missed++
		l.mu.Unlock()
		return
	}
	l.tellMissed()
	r, ok := parseLine(line)
	if !ok {
		r = l.plain(string(line))
	}
	if r.message == "" {
		return
	}
	l.remember(r)
	l.log.LogAttrs(context.Background(), r.level, r.message, r.attrs...)
}

// tellMissed says how many lines were dropped, at most every ten seconds.
func (l *lines) tellMissed() {
	l.mu.Lock()
	n := l.missed
	if n == 0 || time.Since(l.told) < 10*time.Second {
		l.mu.Unlock()
		return
	}
	l.missed, l.told = 0, time.Now()
	l.mu.Unlock()
	l.log.Warn("adapter wrote too much; lines left out", "lines", n)
}

// plain is a line without structure; that of a panic and all behind it are errors.
func (l *lines) plain(text string) record {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := record{level: slog.LevelInfo, message: shortenTo(text, 2048)}
	for prefix, level := range map[string]slog.Level{
		"[TRACE]": levelTrace, "[DEBUG]": slog.LevelDebug, "[INFO]": slog.LevelInfo, "[WARN]": slog.LevelWarn, "[ERROR]": slog.LevelError, "[ERR]": slog.LevelError,
	} {
		if strings.HasPrefix(text, prefix) {
			r.level = level
		}
	}
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		l.panics, l.serious, l.words = true, true, r.message
	}
	if l.panics {
		r.level = slog.LevelError
	}
	return r
}

// remember keeps the line that an end is explained with: a panic's first, else the last error, else the
// last line.
func (l *lines) remember(r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.panics || l.serious && r.level < slog.LevelError || r.level < slog.LevelInfo {
		return
	}
	l.serious = r.level >= slog.LevelError
	l.words = r.message
	for _, a := range r.attrs {
		if a.Key == "error" || a.Key == "err" {
			l.words += ": " + a.Value.String()
		}
	}
}

// lastWords is that line; empty when nothing was written.
func (l *lines) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return shorten(l.words)
}

// lineWriter makes lines of what comes in pieces. It is safe for concurrent use.
type lineWriter struct {
	lines *lines
	mu    sync.Mutex
	part  []byte
	cut   bool
}

// Write implements io.Writer; it never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.lines.wait(len(p))
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece, after, whole := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if !w.cut {
			room := longestLine - len(w.part)
			w.part = append(w.part, piece[:min(len(piece), room)]...)
			w.cut = len(piece) > room
		}
		if whole {
			w.lines.take(w.part)
			w.part, w.cut = w.part[:0], false
		}
	}
	return len(p), nil
}
