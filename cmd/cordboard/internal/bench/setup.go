package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cordboard/callcontrol"
)

// callers is how many customers call at one time.
const callers = 8

// setup measures whole calls without sound: a customer calls, the agent answers, both talk, the customer hangs up. An adapter
// follows the events all the while. First the agent picks up the ringing phone; then the call is answered by command, for which
// the daemon calls the phone anew and asks it to answer by itself.
func setup(ctx context.Context, o options, r *report, w *world, d *child, agents int) error {
	ways := []struct {
		name    string
		command bool
	}{{"picked up at the phone", false}, {"answered by command", true}}
	for _, way := range ways {
		w.manual.Store(way.command)
		if err := setupWay(ctx, o, r, w, d, agents, "calls "+way.name, way.command); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return nil
}

func setupWay(ctx context.Context, o options, r *report, w *world, d *child, agents int, name string, command bool) error {
	if err := d.free(ctx); err != nil {
		return err
	}
	reading, stopReading := context.WithCancel(ctx)
	events := follow(reading, d)
	var done, failed atomic.Int64
	var first atomic.Pointer[string]
	stop := make(chan struct{})
	var work sync.WaitGroup
	for n := range min(callers, agents) {
		work.Go(func() {
			for i := n; ; i = next(i, agents) {
				select {
				case <-stop:
					return
				default:
				}
				if err := oneCall(ctx, w, d, i, command); err != nil {
					text := err.Error()
					first.CompareAndSwap(nil, &text)
					failed.Add(1)
					continue
				}
				done.Add(1)
			}
		})
	}
	var made int64
	err := pause(ctx, time.Second)
	used, err2 := d.during(func() error {
		before := done.Load()
		err := pause(ctx, o.window)
		made = done.Load() - before
		return err
	})
	close(stop)
	work.Wait()
	err = errors.Join(err, err2, w.idle(ctx))
	stopReading()
	if seen := events(); err == nil && seen == 0 {
		r.invalid("%s: no event was seen", name)
	}
	if err != nil {
		return err
	}
	r.add(name+": set up and ended per processor-second", "calls", float64(made)/used.Seconds())
	if n := failed.Load(); n > 0 {
		r.invalid("%s: %d calls failed, the first: %s", name, n, *first.Load())
	}
	return nil
}

// next is the agent a caller calls after agent i: agents rest between calls as long as possible.
func next(i, agents int) int {
	if i += callers; i >= agents {
		i %= callers
	}
	return i
}

func oneCall(ctx context.Context, w *world, d *child, i int, command bool) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	p, err := w.call(i)
	if err != nil {
		return err
	}
	if command {
		if err := p.until(ctx, "ringing", p.ringing); err != nil {
			return err
		}
		if _, err := d.client.Do(ctx, callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: callcontrol.AgentID(agentName(i))}); err != nil {
			p.dialog.Hangup("")
			return fmt.Errorf("answer: %w", errors.Join(err, p.gone(ctx)))
		}
	}
	if err := p.until(ctx, "answered", p.answered); err != nil {
		return err
	}
	p.dialog.Hangup("")
	return p.gone(ctx)
}
