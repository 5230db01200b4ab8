package webhook

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// serveWord makes the test's own program the adapter.
const serveWord = "serve-webhook"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveWord {
		Main("test")
		return
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// mustWrite makes a file that only its owner may read.
func mustWrite(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
