package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/plugins/sdk"
)

const (
	adapterWord   = "serve-as-adapter" // this program's argument when the daemon runs it
	adapterLines  = 200
	adapterPace   = 100 * time.Millisecond // between two calls
	adapterTalk   = 3 * time.Second
	barAdapter    = 20 // ms, p99 from INVITE to the adapter's event
	receiptsLimit = 20 * time.Second
)

// clock is an adapter that notes when it is told of a new call.
type clock struct {
	File string `json:"file"`
	out  *os.File
}

// Info implements sdk.Adapter.
func (c *clock) Info() sdk.Info { return sdk.Info{Name: "clock", Version: "1"} }

// Configure implements sdk.Adapter.
func (c *clock) Configure(_ context.Context, s *sdk.Session) (err error) {
	if err := s.Decode(c); err != nil {
		return err
	}
	c.out, err = os.OpenFile(c.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// Event implements sdk.Listener.
func (c *clock) Event(_ context.Context, e sdk.Event) error {
	now := time.Now()
	if e.Kind != callcontrol.EventCallStarted || e.Call == nil {
		return nil
	}
	_, err := fmt.Fprintln(c.out, e.Call.Remote.Number, now.UnixNano())
	return err
}

// toAdapter measures the time from an INVITE to its event in an adapter's process, both by the system's clock: from the moment
// in which the PBX begins to send it, so that the PBX's own work is in it too. adapterLines agents get ten calls a second for
// o.adapter, without sound; the agent answers, and the customer hangs up after adapterTalk.
func toAdapter(ctx context.Context, o options, r *report) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w, err := newPBX(adapterLines, false)
	if err != nil {
		return err
	}
	stopPBX := running(w.pbx)
	defer func() { _ = stopPBX() }()
	extra := fmt.Sprintf("adapters:\n  - {name: clock, command: [%q, %q], config: {file: receipts}}\n", self, adapterWord)
	d, err := start(ctx, o, w.pbx.Addr("udp"), adapterLines, extra)
	if err != nil {
		return err
	}
	if err := w.addPhones(d.sip, adapterLines, o.rate); err != nil {
		return errors.Join(err, d.stop())
	}
	stopPhones := running(w.phones)
	defer func() { _ = stopPhones() }()
	err = errors.Join(w.registered(ctx, &w.lines, adapterLines), w.registered(ctx, &w.phone, adapterLines), d.adapterRuns(ctx))
	if err == nil {
		err = callsToAdapter(ctx, o, r, w, d)
	}
	return errors.Join(err, d.stop())
}

// callsToAdapter makes the calls and adds up what the adapter wrote.
func callsToAdapter(ctx context.Context, o options, r *report, w *world, d *child) error {
	sent, failed := map[string]time.Time{}, make(chan error, 1+int(o.adapter/adapterPace))
	var going sync.WaitGroup
	defer going.Wait()
	pace := time.NewTicker(adapterPace)
	defer pace.Stop()
	for n := range int(o.adapter / adapterPace) {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		number := fmt.Sprintf("38050%07d", n)
		sent[number] = time.Now()
		p, err := w.callFrom(n%adapterLines, number)
		if err != nil {
			return err
		}
		going.Go(func() {
			if err := shortCall(ctx, p); err != nil {
				failed <- fmt.Errorf("call %d: %w", n+1, err)
			}
		})
	}
	going.Wait()
	took, err := d.receipts(ctx, sent)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("INVITE to the adapter's event, %d lines, %g calls/s", adapterLines, 1/adapterPace.Seconds())
	r.add(name+": median", "ms", percentile(took, 0.5))
	f := r.add(name+": p99", "ms", percentile(took, 0.99))
	f.Bar = barAdapter
	r.add(name+": longest", "ms", percentile(took, 1))
	if n := len(failed); n > 0 {
		r.invalid("%s: %d calls failed, the first: %v", name, n, <-failed)
	}
	return nil
}

func shortCall(ctx context.Context, p *party) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := p.until(ctx, "answered", p.answered); err != nil {
		return err
	}
	if err := pause(ctx, adapterTalk); err != nil {
		return err
	}
	p.dialog.Hangup("")
	return p.gone(ctx)
}

// adapterRuns waits until the adapter runs.
func (c *child) adapterRuns(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		st, err := c.client.Status(ctx)
		if err != nil {
			return err
		}
		if len(st.Adapters) == 1 && st.Adapters[0].State == control.AdapterRunning {
			return nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("the adapter does not run: %+v", st.Adapters)
		}
	}
}

// receipts are the times that the events took, in milliseconds, once the adapter has been told of every call.
func (c *child) receipts(ctx context.Context, sent map[string]time.Time) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, receiptsLimit)
	defer cancel()
	for {
		text, err := os.ReadFile(c.path("receipts"))
		if err != nil {
			return nil, err
		}
		took := map[string]float64{}
		for line := range strings.Lines(string(text)) {
			var number string
			var at int64
			if _, err := fmt.Sscan(line, &number, &at); err != nil {
				return nil, fmt.Errorf("the adapter wrote %q: %w", line, err)
			}
			if began, ok := sent[number]; ok {
				took[number] = float64(at-began.UnixNano()) / float64(time.Millisecond)
			}
		}
		if len(took) == len(sent) {
			out := make([]float64, 0, len(took))
			for _, ms := range took {
				out = append(out, ms)
			}
			return out, nil
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return nil, fmt.Errorf("the adapter was told of %d calls of %d", len(took), len(sent))
		}
	}
}
