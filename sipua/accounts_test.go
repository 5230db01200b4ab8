package sipua

import (
	"testing"
	"time"

	"cordboard/sipua/line"
)

// What a trunk says about registrations goes before what is said for all, and that before the defaults.
func TestLineTrunk(t *testing.T) {
	general := RegisterConfig{PerSecond: 7, RetryMax: time.Minute}
	got := lineTrunk(Trunk{Name: "a", KeepAlive: 25 * time.Second, Register: RegisterConfig{PerSecond: 9, Retry: 10 * time.Second, Timeout: 5 * time.Second}}, general)
	if got.Rate != 9 || got.BackoffBase != 5*time.Second || got.BackoffMax != time.Minute || got.Timeout != 5*time.Second {
		t.Errorf("paced as %+v", got)
	}
	if got.KeepAlive != (line.KeepAlive{Kind: line.KeepAliveAuto, Interval: 25 * time.Second, Timeout: 5 * time.Second}) {
		t.Errorf("kept alive as %+v", got.KeepAlive)
	}
	got = lineTrunk(Trunk{Name: "a"}, general)
	if got.Rate != 7 || got.BackoffBase != 2*time.Second || got.KeepAlive.Kind != line.KeepAliveDefault {
		t.Errorf("by default %+v", got)
	}
}
