package conformance_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"cordboard/callcontrol"
	"cordboard/plugins/conformance"
)

// TestProgram puts a program in any language through the suite: CONFORMANCE_ADAPTER is its command, words apart by spaces. See
// docs/adapters.md for the other variables.
func TestProgram(t *testing.T) {
	words := strings.Fields(os.Getenv("CONFORMANCE_ADAPTER"))
	if len(words) == 0 {
		t.Skip("CONFORMANCE_ADAPTER names no program; adapters of this repository have their own test")
	}
	target := conformance.Target{
		Command: words, Known: callcontrol.Number(os.Getenv("CONFORMANCE_KNOWN")), Name: os.Getenv("CONFORMANCE_NAME"),
	}
	if file := os.Getenv("CONFORMANCE_CONFIG"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		target.Config = json.RawMessage(text)
	}
	conformance.Run(t, target)
}
