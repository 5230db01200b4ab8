package rtp

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A range that is nearly used up is told once; it is told again only after it has been well below.
func TestPortAlarm(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1000, 0)
	p := newPorts(Config{PortMin: 20000, PortMax: 20039, Quarantine: 10 * time.Second}, func() time.Time { return now })
	a := alarm{log: slog.New(slog.NewTextHandler(&log, nil))}
	var taken []uint16
	take := func(n int) {
		for range n {
			if port, ok := p.take(); ok {
				taken = append(taken, port)
			}
			a.look(p.usage())
		}
	}
	told := func(what, want string) {
		t.Helper()
		if got := log.String(); strings.Count(got, "msg=") != strings.Count(want, "|") || want != "" && !strings.Contains(got, strings.Trim(want, "|")) {
			t.Errorf("%s: logged %q, want %q", what, got, want)
		}
		log.Reset()
	}
	take(17)
	told("17 of 20", "")
	take(5)
	told("all, and more", `level=WARN msg="media ports nearly used up" used=18 resting=0 total=20|`)
	for _, port := range taken[:2] {
		p.release(port)
	}
	now = now.Add(10 * time.Second)
	take(1)
	told("19 of 20", "")
	for _, port := range taken[2:6] {
		p.release(port)
	}
	a.look(p.usage())
	told("some rest", "")
	now = now.Add(10 * time.Second)
	a.look(p.usage())
	told("15 of 20", `level=INFO msg="media ports suffice again" used=15 resting=0 total=20|`)
	take(3)
	told("18 of 20", `level=WARN msg="media ports nearly used up" used=18 resting=0 total=20|`)

	a = alarm{log: a.log}
	a.look(Usage{Used: 1000})
	told("ports of the system", "")
}
