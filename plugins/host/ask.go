package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
)

const (
	// mostAsked bounds what one adapter is asked at one time; more is not asked.
	mostAsked = 64
	// lateMost is how long the answer to a lookup is waited for at all.
	lateMost = 10 * time.Second
	// searchMost is the longest search.
	searchMost = 10 * time.Second
)

// errBusy is the answer of an adapter that has too much to answer already.
var errBusy = errors.New("the adapter has too many questions to answer")

// errSilent is that of an adapter which did not answer.
var errSilent = errors.New("the adapter did not answer in time")

// Answer is what one adapter says.
type Answer struct {
	Adapter  string
	Contacts []adapter.Contact // cleaned, bounded
	Err      error             // it did not answer, or could not
}

// asks are the questions under way.
type asks struct {
	slots chan struct{}
	going sync.WaitGroup
}

func (a *asks) wait() { a.going.Wait() }

// ask puts a question in the background and gives the answer to tell, once. Nothing happens, and it
// returns false, when the adapter does not run or cannot answer such questions. The instance's end, like
// limit, ends the wait.
func (h *Host) ask(c adapter.Capability, limit time.Duration, question func(context.Context, adapterv1.AdapterClient) ([]adapter.Contact, error), tell func(Answer, time.Duration)) bool {
	h.mu.Lock() // so that none is begun once leave and wait end a life
	in := h.now
	if in == nil || !slices.Contains(h.info.Capabilities, c) {
		h.mu.Unlock()
		return false
	}
	select {
	case h.asks.slots <- struct{}{}:
		h.asks.going.Add(1)
		h.mu.Unlock()
	default:
		h.mu.Unlock()
		h.failed.Add(1)
		h.deps.Metrics.Asked(h.cfg.Name, string(c), "refused", 0)
		tell(Answer{Adapter: h.cfg.Name, Err: errBusy}, 0)
		return true
	}
	begun := time.Now()
	go func() {
		defer h.asks.going.Done()
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		found, err := question(ctx, in.rpc())
		<-h.asks.slots
		if err != nil {
			err = plainError(err)
		}
		tell(Answer{Adapter: h.cfg.Name, Contacts: found, Err: err}, time.Since(begun))
	}()
	return true
}

// asked counts an answer.
func (h *Host) asked(c adapter.Capability, a Answer, took, limit time.Duration) {
	outcome := "ok"
	switch {
	case a.Err != nil:
		outcome = "failed"
	case took > limit:
		outcome = "late"
	}
	if outcome != "ok" {
		h.failed.Add(1)
		h.log.Debug("adapter was asked in vain", "what", string(c), "outcome", outcome, "took", took.String(), "error", a.Err)
	}
	h.deps.Metrics.Asked(h.cfg.Name, string(c), outcome, took)
}

// lookup asks who a number is.
func (h *Host) lookup(q adapter.Query, tell func(Answer)) bool {
	request := adapter.EncodeQuery(q)
	return h.ask(adapter.CanLookup, lateMost, func(ctx context.Context, rpc adapterv1.AdapterClient) ([]adapter.Contact, error) {
		r, err := rpc.Lookup(ctx, request)
		if err != nil {
			return nil, err
		}
		return adapter.DecodeContacts(r.GetContacts(), adapter.MaxContacts), nil
	}, func(a Answer, took time.Duration) {
		if !errors.Is(a.Err, errBusy) {
			h.asked(adapter.CanLookup, a, took, h.cfg.LookupTimeout)
		}
		tell(a)
	})
}

// search asks who is called like that. ctx does not end the question, only the wait for it.
func (h *Host) search(s adapter.Search, tell func(Answer)) bool {
	request := adapter.EncodeSearch(s)
	return h.ask(adapter.CanSearch, searchMost, func(ctx context.Context, rpc adapterv1.AdapterClient) ([]adapter.Contact, error) {
		r, err := rpc.Search(ctx, request)
		if err != nil {
			return nil, err
		}
		return adapter.DecodeContacts(r.GetContacts(), int(request.GetLimit())), nil
	}, func(a Answer, took time.Duration) {
		if !errors.Is(a.Err, errBusy) {
			h.asked(adapter.CanSearch, a, took, searchMost)
		}
		tell(a)
	})
}
