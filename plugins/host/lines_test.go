package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLinesKeepLevelAndAttributes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"@level":"warn","@message":"slow","@timestamp":"2026-01-01T00:00:00.000000Z","took":"3s","tries":2}`, "level=WARN msg=slow took=3s tries=2"},
		{`{"time":"2026-01-01T00:00:00Z","level":"ERROR","msg":"lost","error":"EOF","deep":{"a":[1]}}`, `level=ERROR msg=lost error=EOF deep="{\"a\":[1]}"`},
		{`{"level":"DEBUG+2","msg":"x"}`, "level=DEBUG+2 msg=x"},
		{`{"level":"trace","msg":"x"}`, "level=DEBUG-4 msg=x"},
		{`{"level":"fatal","msg":"x","adapter":"who?"}`, "level=ERROR msg=x adapter_=who?"},
		{`{"level":"loud","msg":"x"}`, "level=INFO msg=x"},
		{`{"msg":"a\nb\u001b[31m","k\n":"v\r"}`, `level=INFO msg="a b [31m" k=v`},
		{`{"msg":"x"} trailing`, "level=INFO msg=x"},
		{`{"level":"error"}`, `level=INFO msg="{\"level\":\"error\"}"`},
		{`{"msg":`, `level=INFO msg="{\"msg\":"`},
		{`[WARN] disk is full`, `level=WARN msg="[WARN] disk is full"`},
		{`just words`, `level=INFO msg="just words"`},
		{`panic: boom`, `level=ERROR msg="panic: boom"`},
	} {
		var out bytes.Buffer
		var dropped atomic.Uint64
		l := newLines(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: levelTrace, ReplaceAttr: noTime})), &dropped)
		l.take([]byte(c.line))
		l.ended()
		if got := strings.TrimSpace(out.String()); got != c.want {
			t.Errorf("%s\n got  %s\n want %s", c.line, got, c.want)
		}
	}
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// The line that explains an end: a panic, else the last error, else the last line.
func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"starting", "no licence"}, "no licence"},
		{[]string{`{"level":"ERROR","msg":"cannot log in","error":"401"}`, `{"level":"INFO","msg":"bye"}`}, "cannot log in: 401"},
		{[]string{`{"level":"ERROR","msg":"x"}`, "panic: boom", "", "goroutine 1 [running]:", "main.main()"}, "panic: boom"},
		{[]string{"words", `{"level":"DEBUG","msg":"x"}`}, "words"},
	} {
		var dropped atomic.Uint64
		l := newLines(slog.New(slog.DiscardHandler), &dropped)
		l.read(strings.NewReader(strings.Join(c.lines, "\n")))
		l.ended()
		if got := l.lastWords(); got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

// Pieces, long lines and many lines: nothing is kept beyond its bound.
func TestLineWriter(t *testing.T) {
	log := &logged{}
	var dropped atomic.Uint64
	l := newLines(log.logger(), &dropped)
	defer l.ended()
	for _, piece := range []string{"one ", "line\ntwo\n", strings.Repeat("x", 3*longestLine), "y\nthree\n", "no end"} {
		if n, err := l.stdout.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, want := range []string{`msg="one line"`, "msg=two", "msg=three", "msg=xxxx"} {
		if log.count(want) != 1 {
			t.Errorf("%s: %d", want, log.count(want))
		}
	}
	if len(log.lines) != 4 || cap(l.stdout.part) > 2*longestLine {
		t.Errorf("%d lines, %d bytes", len(log.lines), cap(l.stdout.part))
	}
	for range 3 * linesBurst {
		_, _ = fmt.Fprintln(l.stdout, "flood")
	}
	if n := log.count("flood"); n > linesBurst+linesRate || dropped.Load() == 0 {
		t.Errorf("%d lines, %d dropped", n, dropped.Load())
	}
}

func TestBridgeKeepsLevels(t *testing.T) {
	var out bytes.Buffer
	b := newBridge(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: levelTrace, ReplaceAttr: noTime})))
	b.Error("broken", "error", fmt.Errorf("x: %w", json.Unmarshal([]byte("{"), new(any))), 7, hclog.Fmt("%d-%d", 1, 2))
	b.Named("stdio").Trace("waiting")
	b.With("who", "me").Info("known", "odd")
	b.Error("plugin process exited", "id", 5)
	want := `level=ERROR msg=broken by=go-plugin error="x: unexpected end of JSON input" 7=1-2
level=DEBUG-4 msg=waiting by=go-plugin
level=INFO msg=known by=go-plugin who=me
level=DEBUG msg="plugin process exited" by=go-plugin id=5
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// FuzzAdapterLine: no line of an adapter harms, and what is logged of it is bounded and in one line.
func FuzzAdapterLine(f *testing.F) {
	for _, s := range []string{`{"@message":1}`, `{"msg":"x","level":[]}`, "\x00", `{"a":{"b":`, "panic: x", "[WARN] y"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		var dropped atomic.Uint64
		l := newLines(slog.New(slog.NewTextHandler(&out, nil)), &dropped)
		defer l.ended()
		l.take(line)
		if n := bytes.Count(out.Bytes(), []byte("\n")); n > 1 {
			t.Errorf("%q: %d lines", line, n)
		}
		if out.Len() > 4*(2048+mostAttrs*(longestAttr+64))+200 {
			t.Errorf("%d bytes of %d", out.Len(), len(line))
		}
	})
}

// FuzzHandshake: what is taken for a handshake is a socket in the adapter's own folder.
func FuzzHandshake(f *testing.F) {
	cert := strings.Repeat("A", 64)
	for _, s := range []string{"1|1|unix|/run/a/x|grpc|" + cert, "1|1|tcp|127.0.0.1:80|grpc|" + cert, "1|2|unix||", "|||||", "1|1|unix|/run/a/../b/x|grpc|" + cert} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if checkHandshake(line, "/run/a") == nil && !strings.HasPrefix(line, "1|1|unix|/run/a/") {
			t.Errorf("taken: %q", line)
		}
	})
}
