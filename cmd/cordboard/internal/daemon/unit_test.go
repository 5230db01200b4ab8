package daemon

import (
	"os"
	"regexp"
	"testing"
	"time"

	"cordboard/configs"
)

// systemd waits for a stop as long as calls.drain takes by default, also where it does not hear that more is asked for.
func TestUnitWaitsForTheDrain(t *testing.T) {
	unit, err := os.ReadFile("../../../../systemd/cordboard.service")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)min$`).FindSubmatch(unit)
	if m == nil {
		t.Fatal("no TimeoutStopSec in minutes")
	}
	if limit, err := time.ParseDuration(string(m[1]) + "m"); err != nil || limit < configs.Default().Calls.Drain+stopMargin {
		t.Errorf("TimeoutStopSec is %v, a drain takes %v and %v", limit, configs.Default().Calls.Drain, stopMargin)
	}
}
