package demo

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cordboard/cmd/cordboard/internal/daemon"
)

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// TestDemo plays the whole demo with the daemon in this process; nothing may be left of it.
func TestDemo(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	report, err := Run(ctx, Options{
		Out: t.TempDir(), Say: testLog{t},
		Serve: func(ctx context.Context, config string) error { return daemon.Run(ctx, config, daemon.Options{}) },
	})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	if report.Digits.Received != "42#" || report.RegisteredLines != agents || report.Events == 0 || len(report.Streams) < 8 {
		t.Errorf("report %+v", report)
	}
}
