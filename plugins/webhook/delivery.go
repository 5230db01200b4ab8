package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

const (
	firstWait = 500 * time.Millisecond // between two tries, doubled up to max_wait
	goneWait  = time.Hour              // after 410: the receiver wants no more
	mostWait  = time.Hour              // that a receiver may ask for
	lingering = 2 * time.Second        // for an answer under way when the adapter stops
	mostReply = 64 << 10               // bytes of an answer to an event; nothing is done with them
)

// delivery sends events, one request at a time. What is not taken is sent again for ever; nothing overtakes it.
type delivery struct {
	poster *poster
	log    *slog.Logger
	plan   *plan
	now    func() time.Time

	mu   sync.Mutex
	err  error // why the receiver does not take what is sent
	left uint64
}

func newDelivery(p *plan, transport http.RoundTripper, log *slog.Logger) *delivery {
	return &delivery{
		poster: newPoster(p, p.deliver, transport, time.Duration(p.Deliver.Timeout), lingering, mostReply),
		log:    log, plan: p, now: time.Now,
	}
}

// events returns once the receiver has taken them, or ctx ended.
func (d *delivery) events(ctx context.Context, events []sdk.Event) error {
	list := make([]message, 0, len(events))
	for _, e := range events {
		if d.plan.kinds == nil || d.plan.kinds[e.Kind] {
			list = append(list, newEvent(e.Cursor, e.Event, d.plan.Digits))
		}
	}
	switch {
	case len(list) == 0:
		return nil
	case d.plan.Deliver.Batch == 1:
		return d.send(ctx, list[0].ID, list[0])
	}
	first, last := list[0], list[len(list)-1]
	id := first.ID
	if last.Cursor.Seq != first.Cursor.Seq {
		id += "-" + strconv.FormatUint(last.Cursor.Seq, 10)
	}
	return d.send(ctx, id, batch{typeBatch, list})
}

// gap tells that events are missing, with what is true now.
func (d *delivery) gap(ctx context.Context, g journal.Gap, now callcontrol.Snapshot) error {
	m := newGap(g, now)
	return d.send(ctx, m.ID, m)
}

func (d *delivery) send(ctx context.Context, id string, v any) error {
	body, err := sdk.Encode(v)
	if err != nil {
		return err
	}
	tries, failed := 0, error(nil)
	resp, err := d.poster.post(ctx, id, body, retries{
		most: math.MaxInt,
		check: func(ctx context.Context, resp *http.Response, err error) bool {
			tries, failed = tries+1, err
			return ctx.Err() == nil && (err != nil || !d.done(resp.StatusCode))
		},
		wait: func(n int, resp *http.Response) time.Duration {
			wait := d.wait(n, resp)
			if failed == nil {
				failed = errors.New(answered(resp))
			}
			d.note(id, n+1, wait, plainError(failed))
			return wait
		},
	})
	switch {
	case err != nil:
		return err
	case !d.done(resp.StatusCode): // the end came first
		return errors.New(answered(resp))
	}
	d.took(id, tries, resp.StatusCode)
	return nil
}

// done reports whether a status ends the tries.
func (d *delivery) done(status int) bool {
	return status >= 200 && status < 300 || d.refused(status)
}

// refused is an answer that says something of the event itself, and of no other, where such events are left out. Every
// other refusal may be a mistake at the receiver, and is waited for.
func (d *delivery) refused(status int) bool {
	if d.plan.Deliver.Refused != "skip" {
		return false
	}
	return status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity
}

// wait is the time before the next try: what the receiver asked for, or twice the last one.
func (d *delivery) wait(n int, resp *http.Response) time.Duration {
	if resp != nil && resp.StatusCode == http.StatusGone {
		return goneWait
	}
	wait := time.Duration(d.plan.Deliver.MaxWait)
	if n < 30 {
		wait = min(wait, firstWait<<n)
	}
	if resp != nil {
		if asked, ok := retryAfter(resp.Header.Get("Retry-After"), d.now()); ok {
			return min(max(asked, firstWait), mostWait)
		}
	}
	return wait
}

// retryAfter reads the header, which is in seconds or a date (RFC 9110 §10.2.3).
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return at.Sub(now), true
}

// note keeps why an event is not taken, for the adapter's health, and logs the first time of each.
func (d *delivery) note(id string, tries int, wait time.Duration, why error) {
	d.mu.Lock()
	known := d.err != nil
	d.err = fmt.Errorf("%s is not taken: %w (try %d, the next in %s)", id, why, tries, wait.Round(time.Millisecond))
	err := d.err
	d.mu.Unlock()
	if !known {
		d.log.Warn("events wait for the receiver", "id", id, "error", err)
	}
}

// took ends a trouble. An event that was left out is told.
func (d *delivery) took(id string, tries, status int) {
	d.mu.Lock()
	was := d.err
	d.err = nil
	if status >= 300 {
		d.left++
	}
	left := d.left
	d.mu.Unlock()
	switch {
	case status >= 300:
		d.log.Warn("event left out: the receiver refused it", "id", id, "status", status, "left_out", left)
	case was != nil:
		d.log.Info("events are taken again", "id", id, "tries", tries)
	}
}

// trouble is why the receiver does not take what is sent; nil when it does.
func (d *delivery) trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}
