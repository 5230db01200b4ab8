package contacts

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"cordboard/plugins/sdk"
)

// serveWord makes the test's own program the adapter.
const serveWord = "serve-contacts"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveWord {
		Main("test")
		return
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// planned is a configuration that must be good.
func planned(t testing.TB, config string) *plan {
	t.Helper()
	p, err := settle(&sdk.Session{Config: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// mustWrite makes a file.
func mustWrite(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
