package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tick      = 20 * time.Millisecond // of the media
	lateTick  = tick / 2              // p99 from here: packets bunch
	lostTick  = 2 * tick              // later is skipped by the media loop
	wallDrift = 5 * time.Millisecond  // between wall and monotonic clock in one look
)

// clock looks at the wall clock, and measures how punctually this host wakes a program each 20 ms.
func (v *visit) clock(ctx context.Context) {
	late, drift := measure(ctx, v.clockWait)
	if len(late) == 0 {
		return
	}
	v.wall(drift)
	p99, most := late[len(late)*99/100], late[len(late)-1]
	message := fmt.Sprintf("of %d ticks of 20 ms the latest was %s late, p99 %s", len(late), most.Round(10*time.Microsecond), p99.Round(10*time.Microsecond))
	switch {
	case p99 > lostTick:
		v.fail("clock", message, "the host is overloaded or its virtual processors are paused: sound will have gaps. Give it dedicated processors")
	case p99 > lateTick, most > lostTick:
		v.warn("clock", message, "callers may hear jitter under load: dedicated processors, no power saving, CPUWeight= for the unit")
	default:
		v.ok("clock", message)
	}
}

// measure waits for ticks on an absolute schedule for d. It returns how late each was, sorted, and how far
// wall and monotonic clock went apart.
func measure(ctx context.Context, d time.Duration) (late []time.Duration, drift time.Duration) {
	start := time.Now()
	wall := start.Round(0) // without the monotonic reading
	for due := start.Add(tick); due.Sub(start) <= d; due = due.Add(tick) {
		select {
		case <-time.After(time.Until(due)):
			late = append(late, max(0, time.Since(due)))
		case <-ctx.Done():
			return nil, 0
		}
	}
	end := time.Now()
	slices.Sort(late)
	return late, (end.Round(0).Sub(wall) - end.Sub(start)).Abs()
}

func (v *visit) wall(drift time.Duration) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t) // reads only: modes is 0
	switch {
	case drift > wallDrift:
		v.warn("clock", fmt.Sprintf("the wall clock went %s apart from the monotonic one while it was watched", drift), "let chrony or systemd-timesyncd slew it instead of setting it")
	case err == nil && (state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0):
		v.warn("clock", "the wall clock is not synchronised", "run chrony or systemd-timesyncd: call records and certificates need the right time")
	default:
		v.ok("clock", "the wall clock is synchronised and steady")
	}
}
