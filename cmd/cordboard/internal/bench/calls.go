package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// calls measures one daemon in a row: relayed calls of each size, conferences, then calls set up and hung up.
func calls(ctx context.Context, o options, r *report) error {
	agents := max(slices.Max(o.sizes), o.rooms, 16*callers) // so many that a desk is free again before it is called again
	w, err := newPBX(agents, true)
	if err != nil {
		return err
	}
	stopPBX := running(w.pbx)
	defer func() { _ = stopPBX() }()
	d, err := start(ctx, o, w.pbx.Addr("udp"), agents, "")
	if err != nil {
		return err
	}
	if err := w.addPhones(d.sip, agents, o.rate); err != nil {
		return errors.Join(err, d.stop())
	}
	stopPhones := running(w.phones)
	defer func() { _ = stopPhones() }()
	air, silence := context.WithCancel(ctx)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		w.traffic(air)
	}()
	err = errors.Join(w.registered(ctx, &w.lines, agents), w.registered(ctx, &w.phone, agents))
	if err == nil {
		err = relay(ctx, o, r, w, d)
	}
	if err == nil {
		err = mix(ctx, o, r, w, d)
	}
	silence()
	<-quiet
	if err == nil {
		w.sound = false
		err = setup(ctx, o, r, w, d, agents)
	}
	return errors.Join(err, d.stop())
}

// relay measures two-party calls that need no mixing.
func relay(ctx context.Context, o options, r *report, w *world, d *child) error {
	before, err := d.rest(ctx, o.idle)
	if err != nil {
		return err
	}
	idle, err := d.during(func() error { return pause(ctx, o.window) })
	if err != nil {
		return err
	}
	r.add("processor time of an idle daemon", "ms/s", 1000*idle.Seconds()/o.window.Seconds())
	var customers []*party
	for _, size := range o.sizes {
		for len(customers) < size {
			p, err := talk(ctx, w, len(customers))
			if err != nil {
				return fmt.Errorf("call %d: %w", len(customers)+1, err)
			}
			customers = append(customers, p)
		}
		t, used, err := listen(ctx, o, w, d)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("relay, %d calls", size)
		r.add(name+": processor time per relayed packet", "µs", micros(used)/float64(max(t.got, 1)))
		r.add(name+": processor time per call-minute", "s", used.Seconds()*60/o.window.Seconds()/float64(size))
		t.judge(r, name, 2*size, o.window)
	}
	after, err := d.rss()
	if err != nil {
		return err
	}
	r.add("memory per two-party call with sound, RSS", "KiB", (after-before)/kib/float64(len(customers)))
	return w.hangup(ctx, customers)
}

// talk is a customer and agent i in a call: the agent picks the ringing phone up.
func talk(ctx context.Context, w *world, i int) (*party, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	p, err := w.call(i)
	if err != nil {
		return nil, err
	}
	return p, p.until(ctx, "answered", p.answered)
}

// listen measures one window, once what is on its way has settled.
func listen(ctx context.Context, o options, w *world, d *child) (t tally, used time.Duration, err error) {
	if err = pause(ctx, time.Second); err != nil {
		return t, 0, err
	}
	before := w.tally()
	used, err = d.during(func() error { return pause(ctx, o.window) })
	return w.tally().since(before), used, err
}

// judge checks what streams parties heard: as many packets as there must be, and the right sound in them.
func (t tally) judge(r *report, name string, streams int, window time.Duration) {
	due := float64(streams) * window.Seconds() / frameTime.Seconds()
	switch {
	case float64(t.sent) < 0.97*due:
		r.invalid("%s: the generator sent %d of %.0f packets: the machine is too busy", name, t.sent, due)
	case float64(t.got) < 0.99*float64(t.sent):
		r.invalid("%s: %d packets of %d came through", name, t.got, t.sent)
	case float64(t.right) < 0.99*float64(t.got):
		r.invalid("%s: %d packets of %d had the sound they had to have", name, t.right, t.got)
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// follow reads all events as an adapter does, until ctx ends.
func follow(ctx context.Context, d *child) (events func() int) {
	n := make(chan int, 1)
	go func() {
		count := 0
		defer func() { n <- count }()
		snap, err := d.client.Snapshot(ctx)
		if err != nil {
			return
		}
		s := d.client.Subscribe(snap.Cursor)
		for {
			if _, err := s.Next(ctx); err != nil {
				return
			}
			count++
		}
	}()
	return func() int { return <-n }
}
