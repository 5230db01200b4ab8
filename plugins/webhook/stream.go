package webhook

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/plugins/sdk"
)

const (
	mostCatchUp = 2                // followers who read old events from the journal at one time
	mostAtOnce  = 64               // events between two looks at the clock
	patience    = 10 * time.Second // for a client to take what is sent; then it is cut
	keepAlive   = 15 * time.Second
)

// getEvents sends events as server-sent events (WHATWG HTML §9.2), from a cursor or, without one, from a snapshot.
func (a *api) getEvents(w http.ResponseWriter, r *http.Request, t *token) error {
	if r.Method != http.MethodGet {
		return refusal(codeMethod, "use GET")
	}
	at, given, err := startOf(r)
	if err != nil {
		return err
	}
	select {
	case t.streams <- struct{}{}:
		defer func() { <-t.streams }()
	default:
		return refusal(codeTooMany, fmt.Sprintf("the token has %d streams already", tokenStreams))
	}
	s := &stream{api: a, token: t, w: w, rc: http.NewResponseController(w), at: at}
	if given && !a.hub.covers(at) {
		if err := s.catchUp(); err != nil {
			return err
		}
		defer s.caughtUp()
	}
	var first *callcontrol.Snapshot
	if !given {
		now, err := a.client.Snapshot(r.Context())
		if err != nil {
			return err
		}
		first = &now
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	w.WriteHeader(http.StatusOK)
	if err := s.run(ctx, first); err != nil {
		a.log.Debug("stream ended", "token", t.name, "error", err)
	}
	return nil
}

// startOf is where a request wants to begin: behind the last event it had.
func startOf(r *http.Request) (at journal.Cursor, given bool, err error) {
	q, err := words(r, "from")
	if err != nil {
		return at, false, err
	}
	text, given := q["from"]
	if last := r.Header.Get("Last-Event-ID"); last != "" { // a browser that comes back still has the address it began with
		text, given = last, true
	}
	if !given {
		return at, false, nil
	}
	at, ok := parseCursor(text)
	if !ok {
		return at, false, refusal(codeBadRequest, "Last-Event-ID or from is the id of an event")
	}
	return at, true, nil
}

// stream is one follower.
type stream struct {
	api      *api
	token    *token
	w        http.ResponseWriter
	rc       *http.ResponseController
	at       journal.Cursor
	catching bool      // it has a place among those who read old events
	fresh    time.Time // when it last had a snapshot
}

// run ends with ctx or when the client takes nothing more.
func (s *stream) run(ctx context.Context, first *callcontrol.Snapshot) error {
	if first != nil {
		if err := s.gap(journal.Gap{}, *first); err != nil {
			return err
		}
	}
	if s.catching {
		if err := s.old(ctx); err != nil {
			return err
		}
		s.caughtUp()
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		if err := s.flush(); err != nil {
			return err
		}
		events, more, here := s.api.hub.next(s.at, mostAtOnce)
		if !here {
			if err := s.missed(ctx, more); err != nil {
				return err
			}
			continue
		}
		for _, e := range events {
			if err := s.event(e); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-more:
		case <-alive.C: // the id lets a client of few agents come back to where all are
			if err := s.write(fmt.Appendf(nil, "id: %s\n: alive\n\n", cursorID(s.at))); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// catchUp takes a place among those who read old events. A token has one, so that its slow clients hold up no other's.
func (s *stream) catchUp() error {
	select {
	case s.token.catchUp <- struct{}{}:
	default:
		return refusal(codeTooMany, "another stream of the token reads old events now")
	}
	select {
	case s.api.catchUp <- struct{}{}:
		s.catching = true
		return nil
	default:
		<-s.token.catchUp
		return refusal(codeTooMany, "others read old events now")
	}
}

func (s *stream) caughtUp() {
	if s.catching {
		s.catching = false
		<-s.api.catchUp
		<-s.token.catchUp
	}
}

// old reads from the journal until the hub has what follows.
func (s *stream) old(ctx context.Context) error {
	events := s.api.client.Follow(s.at, nil)
	defer events.Close()
	for !s.api.hub.covers(s.at) {
		e, err := s.next(ctx, events)
		switch {
		case err != nil:
			return err
		case e.Gap != nil:
			return s.resync(ctx, *e.Gap)
		}
		data, err := sdk.Encode(newEvent(e.Cursor, e.Event, s.api.plan.Digits))
		if err == nil {
			err = s.event(kept{e.Cursor, e.Event.Agent, e.Event.Kind, data})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next waits for an event; before a longer wait the client gets what it has not yet.
func (s *stream) next(ctx context.Context, events *control.Events) (journal.Entry[callcontrol.Event], error) {
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	e, err := events.Next(soon)
	if err == nil || soon.Err() == nil || ctx.Err() != nil {
		return e, err
	}
	if err := s.flush(); err != nil {
		return e, err
	}
	return events.Next(ctx)
}

// settling is how long the hub may be behind a snapshot, as when the journal has just begun anew.
const settling = time.Second

// missed is for a client so slow that events went by.
func (s *stream) missed(ctx context.Context, more <-chan struct{}) error {
	if left := settling - time.Since(s.fresh); left > 0 {
		select {
		case <-more:
		case <-time.After(left):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	return s.resync(ctx, journal.Gap{From: s.at, To: s.api.hub.newest()})
}

// resync tells of a gap with what is true now, and goes on from there.
func (s *stream) resync(ctx context.Context, g journal.Gap) error {
	now, err := s.api.client.Snapshot(ctx)
	if err != nil {
		return err
	}
	return s.gap(g, now)
}

func (s *stream) gap(g journal.Gap, now callcontrol.Snapshot) error {
	m := newGap(g, s.token.snapshot(now))
	data, err := sdk.Encode(m)
	if err != nil {
		return err
	}
	s.at, s.fresh = now.Cursor, time.Now()
	return s.send(m.ID, m.Type, data)
}

// event sends what the token may see; of the rest it only notes the place.
func (s *stream) event(e kept) error {
	s.at = e.cursor
	if !s.token.sees(e.agent) {
		return nil
	}
	return s.send(cursorID(e.cursor), string(e.kind), e.data)
}

// send writes one event. Data is JSON in one line: a line end in it would be another field.
func (s *stream) send(id, kind string, data []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: %s\n\n", id, kind, data)
	return s.write(b.Bytes())
}

func (s *stream) write(text []byte) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(s.api.patience)); err != nil {
		return err
	}
	_, err := s.w.Write(text)
	return err
}

func (s *stream) flush() error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(s.api.patience)); err != nil {
		return err
	}
	return s.rc.Flush()
}
