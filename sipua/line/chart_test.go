package line

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files")

var epoch = time.Unix(1_700_000_000, 0).UTC()

var testLimits = limits{expires: 10 * time.Minute, backoffBase: 30 * time.Second, backoffMax: 5 * time.Minute, slowRetry: 10 * time.Minute}

// chartStates are the states of the chart: the phases, split where the machine
// acts by a flag.
func chartStates() []struct {
	name string
	m    machine
} {
	bound := epoch.Add(5 * time.Minute)
	return []struct {
		name string
		m    machine
	}{
		{"idle", machine{phase: Idle}},
		{"registering", machine{phase: Registering}},
		{"registering, stop", machine{phase: Registering, stop: true}},
		{"registered", machine{phase: Registered, bound: true, until: bound, next: epoch}},
		{"refreshing", machine{phase: Refreshing, bound: true, until: bound}},
		{"refreshing, stop", machine{phase: Refreshing, bound: true, until: bound, stop: true}},
		{"refreshing, run out", machine{phase: Refreshing, bound: true, until: epoch}},
		{"backing_off", machine{phase: BackingOff, next: epoch, failures: 1}},
		{"backing_off, bound", machine{phase: BackingOff, bound: true, until: bound, next: epoch.Add(time.Minute), failures: 1}},
		{"parked", machine{phase: Parked, next: epoch, failures: 1}},
		{"unregistering", machine{phase: Unregistering, bound: true, until: bound}},
		{"unregistering, revive", machine{phase: Unregistering, bound: true, until: bound, revive: true}},
		{"gone", machine{phase: Gone}},
		{"registered, flow lost lately", machine{phase: Registered, bound: true, until: bound, next: epoch.Add(4 * time.Minute), lost: epoch.Add(-time.Minute), losses: 1}},
	}
}

func chartInputs() []struct {
	name string
	in   input
} {
	return []struct {
		name string
		in   input
	}{
		{"start", input{kind: inStart}},
		{"due", input{kind: inDue}},
		{"ok 600s", input{kind: inOK, granted: 10 * time.Minute}},
		{"ok 0s", input{kind: inOK}},
		{"challenged", input{kind: inChallenged}},
		{"brief 1800s", input{kind: inBrief, status: 423, minExpires: 30 * time.Minute}},
		{"brief 1s", input{kind: inBrief, status: 423, minExpires: time.Second}},
		{"lost, 2 targets", input{kind: inLost, targets: 2}},
		{"lost, 1 target", input{kind: inLost, targets: 1}},
		{"busy", input{kind: inBusy, status: 500}},
		{"busy, retry-after 900s", input{kind: inBusy, status: 503, retryAfter: 15 * time.Minute}},
		{"refused", input{kind: inRefused, status: 403}},
		{"flow lost", input{kind: inFlowLost}},
		{"retry", input{kind: inRetry}},
		{"stop", input{kind: inStop}},
		{"stop, queued", input{kind: inStop, queued: true}},
		{"abandon", input{kind: inAbandon}},
	}
}

func describe(m machine, e effect) string {
	var b strings.Builder
	b.WriteString(m.phase.String())
	if m.bound {
		fmt.Fprintf(&b, " bound+%v", m.until.Sub(epoch))
	}
	if m.stop {
		b.WriteString(" stop")
	}
	if m.revive {
		b.WriteString(" revive")
	}
	if m.failures > 0 {
		fmt.Fprintf(&b, " failures=%d", m.failures)
	}
	if e.drop {
		b.WriteString(" | drop")
	}
	if e.send {
		fmt.Fprintf(&b, " | send %v", e.expires)
		if e.urgent {
			b.WriteString(" urgent")
		}
		if e.fresh {
			b.WriteString(" fresh")
		}
	}
	if !e.arm.IsZero() {
		fmt.Fprintf(&b, " | wake +%v", e.arm.Sub(epoch))
	}
	return b.String()
}

func TestChart(t *testing.T) {
	var b strings.Builder
	b.WriteString("# every state and input: the state after it, what is done, when it wakes (random: 0.5)\n")
	for _, s := range chartStates() {
		fmt.Fprintf(&b, "\n%s\n", s.name)
		for _, i := range chartInputs() {
			i.in.now, i.in.roll = epoch, 0.5
			m, e := next(s.m, i.in, testLimits)
			fmt.Fprintf(&b, "  %-23s -> %s\n", i.name, describe(m, e))
		}
	}
	path := filepath.Join("testdata", "chart.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != b.String() {
		t.Fatalf("chart differs (%v); read the change and run with -update\n%s", err, b.String())
	}
}
