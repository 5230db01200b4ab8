package conformance_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"cordboard/callcontrol"
	"cordboard/plugins/conformance"
)

// TestProgram puts a program in any language through the suite: CORDBOARD_ADAPTER is its command, words apart by spaces. See
// docs/adapters.md for the other variables.
func TestProgram(t *testing.T) {
	words := strings.Fields(os.Getenv("CORDBOARD_ADAPTER"))
	if len(words) == 0 {
		t.Skip("CORDBOARD_ADAPTER names no program; adapters of this repository have their own test")
	}
	target := conformance.Target{
		Command: words, Known: callcontrol.Number(os.Getenv("CORDBOARD_ADAPTER_KNOWN")), Name: os.Getenv("CORDBOARD_ADAPTER_NAME"),
	}
	if file := os.Getenv("CORDBOARD_ADAPTER_CONFIG"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		target.Config = json.RawMessage(text)
	}
	conformance.Run(t, target)
}
