package demo

import (
	"os"
	"testing"

	"cordboard/plugins/contacts"
)

// TestMain lets the daemon start this program as the contacts adapter.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "adapter" {
		contacts.Main("test")
		os.Exit(0)
	}
	os.Exit(m.Run())
}
