package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// kib is the unit of the memory figures.
const kib = 1024

// barLine is the most resident memory that an idle registered line may cost, KiB, on a daemon with barLines of them or more.
const (
	barLine  = 20
	barLines = 5000
)

// lines measures the resident memory of idle agents: a daemon with none, then one with o.lines, first with their lines
// registered at the PBX, then with their phones registered at the daemon as well.
func lines(ctx context.Context, o options, r *report) error {
	w, err := newPBX(o.lines, false)
	if err != nil {
		return err
	}
	stop := running(w.pbx)
	defer func() { _ = stop() }()
	empty, err := start(ctx, o, w.pbx.Addr("udp"), 0, "")
	if err != nil {
		return err
	}
	none, err := empty.rest(ctx, o.idle)
	if err = errors.Join(err, empty.stop()); err != nil {
		return err
	}
	r.add("memory of a daemon without lines, RSS", "MiB", none/kib/kib)

	began := time.Now()
	d, err := start(ctx, o, w.pbx.Addr("udp"), o.lines, "")
	if err != nil {
		return err
	}
	return errors.Join(idleLines(ctx, o, r, w, d, none, began), d.stop())
}

func idleLines(ctx context.Context, o options, r *report, w *world, d *child, none float64, began time.Time) error {
	if err := w.registered(ctx, &w.lines, o.lines); err != nil {
		return err
	}
	r.add(fmt.Sprintf("%d lines registered after", o.lines), "s", time.Since(began).Seconds())
	w.mu.Lock()
	most := w.lines.busiest()
	w.mu.Unlock()
	r.add(fmt.Sprintf("most lines registered within a second, paced to %g requests a second", o.rate), "lines", float64(most))
	per := func(name string, bar float64) error {
		rss, err := d.rest(ctx, o.idle)
		if err != nil {
			return err
		}
		f := r.add(name, "KiB", (rss-none)/kib/float64(o.lines))
		if o.lines >= barLines {
			f.Bar = bar
		}
		return nil
	}
	if err := per("memory per idle registered line, RSS", barLine); err != nil {
		return err
	}
	if err := everyLineSeen(ctx, r, d, o.lines, false); err != nil {
		return err
	}
	if err := w.addPhones(d.sip, o.lines, o.rate); err != nil {
		return err
	}
	stop := running(w.phones)
	defer func() { _ = stop() }()
	if err := w.registered(ctx, &w.phone, o.lines); err != nil {
		return err
	}
	if err := per("memory per idle agent: line and phone registered, RSS", 0); err != nil {
		return err
	}
	return everyLineSeen(ctx, r, d, o.lines, true)
}

// everyLineSeen checks that the control service tells the truth about every line, and about every phone when phones is set.
func everyLineSeen(ctx context.Context, r *report, d *child, want int, phones bool) error {
	snap, err := d.client.Snapshot(ctx)
	if err != nil {
		return err
	}
	registered, reachable := 0, 0
	for _, a := range snap.Agents {
		if a.Registered {
			registered++
		}
		if a.Device.Reachable {
			reachable++
		}
	}
	if registered != want || phones && reachable != want {
		r.invalid("the snapshot has %d lines registered and %d phones reachable of %d", registered, reachable, want)
	}
	return nil
}
