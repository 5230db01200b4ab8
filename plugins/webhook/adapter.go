package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// Main serves the adapter until the daemon that started the process lets it end. version is that of the program.
func Main(version string) { sdk.Serve(&webhook{version: version}) }

// webhook is the adapter.
type webhook struct {
	version   string
	plan      plan
	transport *http.Transport
	delivery  *delivery // nil: events go nowhere
	lookup    *asker    // nil: nobody is asked
	search    *asker
	server    *server // nil: there is no API
	api       *api

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Info implements sdk.Adapter.
func (w *webhook) Info() sdk.Info {
	return sdk.Info{Name: "webhook", Version: w.version, Schema: sdk.Schema[Settings]()}
}

// Configure implements sdk.Adapter. A receiver that is away, a port that is taken are told in Health.
func (w *webhook) Configure(_ context.Context, s *sdk.Session) error {
	p, err := settle(s)
	if err != nil {
		return err
	}
	w.plan = p
	w.transport = newTransport(&w.plan)
	if p.deliver != nil {
		w.delivery = newDelivery(&w.plan, w.transport, s.Log)
	}
	w.lookup = newAsker("lookup", &w.plan, p.lookup, p.Lookup, w.transport, s.Log)
	w.search = newAsker("search", &w.plan, p.search, p.Search, w.transport, s.Log)
	running, stop := context.WithCancel(context.Background())
	w.stop = stop
	if p.API.Listen == "" {
		return nil
	}
	hub := newHub(s.Control, p.Digits, s.Log)
	api, err := newAPI(running, &w.plan, s.Control, hub, w.problems, s.Log)
	if err != nil {
		stop()
		return err
	}
	w.server, w.api = &server{plan: &w.plan, log: s.Log}, api
	w.running.Go(func() { hub.run(running) })
	w.running.Go(func() { w.server.run(running, api) })
	return nil
}

// Lookup implements sdk.Lookuper.
func (w *webhook) Lookup(ctx context.Context, q sdk.Query) ([]sdk.Contact, error) {
	if w.lookup == nil {
		return nil, nil
	}
	return w.lookup.ask(ctx, lookupQuery(q))
}

// Search implements sdk.Searcher.
func (w *webhook) Search(ctx context.Context, s sdk.Search) ([]sdk.Contact, error) {
	if w.search == nil {
		return nil, nil
	}
	found, err := w.search.ask(ctx, wanted{Type: "search", Text: s.Text, Agent: s.Agent, Limit: s.Limit})
	return found[:min(len(found), s.Limit)], err
}

// Batch implements sdk.Batcher.
func (w *webhook) Batch() int {
	if w.delivery == nil {
		return mostBatch // they are passed over
	}
	return w.plan.Deliver.Batch
}

// Events implements sdk.Batcher.
func (w *webhook) Events(ctx context.Context, events []sdk.Event) error {
	if w.delivery == nil {
		return nil
	}
	return w.delivery.events(ctx, events)
}

// Gap implements sdk.Resyncer.
func (w *webhook) Gap(ctx context.Context, gap journal.Gap, now callcontrol.Snapshot) error {
	if w.delivery == nil {
		return nil
	}
	return w.delivery.gap(ctx, gap, now)
}

// Health implements sdk.Checker.
func (w *webhook) Health(context.Context) error { return errors.Join(w.troubles()...) }

// problems is Health for the API.
func (w *webhook) problems() []string {
	var out []string
	for _, err := range w.troubles() {
		out = append(out, err.Error())
	}
	return out
}

func (w *webhook) troubles() (wrong []error) {
	add := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if w.delivery != nil {
		add(w.delivery.trouble())
	}
	for _, a := range []*asker{w.lookup, w.search} {
		if a != nil {
			add(a.trouble())
		}
	}
	if w.server != nil {
		add(w.server.trouble())
	}
	return wrong
}

// Stop implements sdk.Stopper.
func (w *webhook) Stop(context.Context) error {
	w.stop()
	w.running.Wait()
	w.transport.CloseIdleConnections()
	return nil
}
