package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

const (
	barStart  = 2 // s, with barEvents in the journal
	barEvents = 100_000
	seedRoom  = 4096 // events that may wait for the disk while the journal is filled
)

// startUp measures how long the daemon takes from its start until its control socket answers, with o.events in its journal,
// after kill -9. The first start, which makes what the journal keeps besides events, is not measured.
func startUp(ctx context.Context, o options, r *report) error {
	d, err := newChild(o, netip.AddrPortFrom(loopback, 9), 0, "")
	if err == nil {
		err = seed(ctx, d.path("state/journal"), o.events)
	}
	if err == nil {
		err = d.launch(ctx, o)
	}
	if err == nil {
		err = d.kill()
	}
	began := time.Now()
	if err == nil {
		err = d.launch(ctx, o)
	}
	if err != nil {
		return errors.Join(err, d.stop())
	}
	f := r.add(fmt.Sprintf("start with %d events in the journal", o.events), "s", time.Since(began).Seconds())
	if o.events >= barEvents {
		f.Bar = barStart
	}
	snap, err := d.client.Snapshot(ctx)
	if err == nil && snap.Cursor.Seq < uint64(o.events) {
		r.invalid("start: the journal's last event is number %d", snap.Cursor.Seq)
	}
	return errors.Join(err, d.stop())
}

// seed fills a journal with events of calls.
func seed(ctx context.Context, dir string, events int) error {
	store, err := journal.Open(ctx, journal.Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		return err
	}
	log, err := journal.OpenLog(ctx, store, journal.LogConfig[callcontrol.Event]{Name: "events"})
	for n := 0; n < events && err == nil; n++ {
		_, err = log.Append(ctx, seedEvent(n))
		for err == nil && log.Status().Pending > seedRoom {
			err = pause(ctx, time.Millisecond)
		}
	}
	for err == nil && log.Status().Pending > 0 {
		err = pause(ctx, 10*time.Millisecond)
	}
	return errors.Join(err, store.Close())
}

// seedEvent is the end of a call with what an event of a call in two legs carries.
func seedEvent(n int) callcontrol.Event {
	id := callcontrol.CallID(fmt.Sprintf("call-%012d", n))
	call := &callcontrol.CallView{
		ID: id, Interaction: callcontrol.InteractionID("interaction-" + id), Agent: "agent10001", Line: "10001", Direction: callcontrol.Inbound,
		Phase: callcontrol.PhaseEnded, Queue: "Sales", Variables: []callcontrol.Variable{{Name: "ivr", Value: "1"}},
		Remote: callcontrol.Identity{Number: "380441234567", Display: "Customer"}, Cause: callcontrol.CauseNormal, Started: time.Now(), Answered: time.Now(),
	}
	for _, role := range []string{"customer", "device"} {
		call.Legs = append(call.Legs, callcontrol.LegView{ID: callcontrol.LegID(fmt.Sprintf("leg-%s-%012d", role, n)), Cause: callcontrol.CauseNormal})
	}
	return callcontrol.Event{At: time.Now(), Kind: callcontrol.EventCallEnded, Agent: call.Agent, CallID: id, Cause: callcontrol.CauseNormal, Call: call}
}
