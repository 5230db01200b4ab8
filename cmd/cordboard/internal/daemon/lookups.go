package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/host"
)

const (
	mostLookups = 64              // calls whose party is looked up at one time; of more the party is not
	bindLimit   = 5 * time.Second // for telling a call what was found
)

// lookParties asks the adapters who new calls are with, beside the calls, until ctx ends. What they know becomes the call's
// candidates; the only one becomes its contact. It counts calls as well.
func (d *Daemon) lookParties(ctx context.Context) error {
	slots := make(chan struct{}, mostLookups)
	var going sync.WaitGroup
	defer going.Wait()
	events := d.board.Subscribe(d.events.Last())
	for {
		e, err := events.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, journal.ErrClosed):
			return nil
		case err != nil:
			return err
		case e.Gap != nil:
			continue
		}
		d.metrics.calls.event(e.Event)
		if !lookable(e.Event) {
			continue
		}
		select {
		case slots <- struct{}{}:
			going.Go(func() {
				defer func() { <-slots }()
				d.lookParty(ctx, e.Event.Call)
			})
		default:
			d.log.Warn("too many lookups under way", "call", e.Event.CallID)
		}
	}
}

// lookable are calls with a party from outside whom nobody knows yet.
func lookable(e callcontrol.Event) bool {
	c := e.Call
	return e.Kind == callcontrol.EventCallStarted && c != nil && c.Direction != callcontrol.Internal && c.Transfer == "" &&
		c.Remote.Number != "" && c.Contact == (callcontrol.Contact{}) && len(c.Candidates) == 0
}

func (d *Daemon) lookParty(ctx context.Context, c *callcontrol.CallView) {
	answers := d.adapters.Lookup(ctx, adapter.Query{
		Number: c.Remote.Number, Display: c.Remote.Display, Agent: c.Agent, Call: c.ID, Line: c.Line, Direction: c.Direction,
		Queue: c.Queue, Variables: c.Variables,
	}, func(late host.Answer) { d.bindCandidates(c, late) })
	d.bindCandidates(c, answers...)
}

// bindCandidates tells a call what was found about its party. A call that has ended meanwhile refuses.
func (d *Daemon) bindCandidates(c *callcontrol.CallView, answers ...host.Answer) {
	var found []callcontrol.Contact
	for _, a := range answers {
		for _, contact := range a.Contacts {
			if len(found) < callcontrol.MaxCandidates {
				found = append(found, contact.Bound())
			}
		}
	}
	if len(found) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), bindLimit)
	defer cancel()
	if _, err := d.board.Do(ctx, callcontrol.Command{Kind: callcontrol.KindBind, Agent: c.Agent, Call: c.ID, Candidates: found}); err != nil {
		d.log.Debug("what was found about a call's party is not used", "call", c.ID, "err", err)
	}
}
