package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/sipua"
	"cordboard/sipua/digest"
	"cordboard/sipua/edge"
)

// world is the PBX with its customers and the phones: two SIP stacks, one socket each, for any number of parties.
type world struct {
	pbx    *sipua.Stack
	phones *sipua.Stack
	sound  bool        // parties have radios
	manual atomic.Bool // phones answer only what asks for auto-answer

	mu     sync.Mutex
	radios []*radio // of live calls with sound, in the order of their beginning
	lines  roll
	phone  roll
	live   []*party // phones and targets in calls
}

// roll keeps who is registered, and when they became so.
type roll struct {
	on    map[string]bool
	times []time.Time
}

func (r *roll) set(user string, on bool) {
	if r.on == nil {
		r.on = map[string]bool{}
	}
	if !on {
		delete(r.on, user)
		return
	}
	if !r.on[user] {
		r.on[user] = true
		r.times = append(r.times, time.Now())
	}
}

// busiest is the largest number of new registrations within any second.
func (r *roll) busiest() (most int) {
	from := 0
	for i, t := range r.times {
		for t.Sub(r.times[from]) > time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func unlimited() edge.Config {
	r := edge.Rate{PerSecond: 100_000, Burst: 100_000}
	return edge.Config{PerSource: r, Total: r, PerTrusted: r, AllTrusted: r}
}

func newPBX(lines int, sound bool) (*world, error) {
	w := &world{sound: sound}
	cfg := sipua.Config{
		Listen: []sipua.Listen{{Network: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}, Realm: "pbx.bench", Edge: unlimited(),
	}
	for i := range lines {
		cfg.Phones = append(cfg.Phones, sipua.Phone{User: lineUser(i), Password: digest.NewSecret(password)})
	}
	var err error
	w.pbx, err = sipua.New(cfg, sipua.Deps{
		OnInvite: func(d *sipua.Dialog, _ sipua.Incoming) { w.called(d, true) },
		OnPhone:  func(s sipua.PhoneState) { w.note(&w.lines, s.User, s.Registered) },
	})
	return w, err
}

// addPhones makes the agents' phones, which register at the daemon.
func (w *world) addPhones(daemon netip.AddrPort, n int, rate float64) error {
	const trunk = "daemon"
	cfg := sipua.Config{
		Listen: []sipua.Listen{{Network: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}, Edge: unlimited(),
		Trunks: []sipua.Trunk{{
			Name: trunk, Server: sipua.URI{Host: daemon.Addr().String(), Port: daemon.Port()}, CapturePrefix: []string{"Call-Info"},
		}},
		Register: sipua.RegisterConfig{PerSecond: rate},
	}
	for i := range n {
		cfg.Lines = append(cfg.Lines, sipua.Line{Trunk: trunk, User: phoneUser(i), Password: digest.NewSecret(password), Register: true})
	}
	var err error
	w.phones, err = sipua.New(cfg, sipua.Deps{
		OnInvite: func(d *sipua.Dialog, in sipua.Incoming) { w.called(d, !w.manual.Load() || len(in.Headers) > 0) },
		OnLine:   func(s sipua.LineState) { w.note(&w.phone, s.User, s.Registered) },
	})
	return err
}

func (w *world) note(r *roll, user string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.set(user, on)
}

// registered waits until n of a roll are registered.
func (w *world) registered(ctx context.Context, r *roll, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return w.wait(ctx, func() error {
		if len(r.on) < n {
			return fmt.Errorf("%d of %d registered", len(r.on), n)
		}
		return nil
	})
}

// wait polls what the world knows until ok has no error.
func (w *world) wait(ctx context.Context, ok func() error) error {
	for {
		w.mu.Lock()
		err := ok()
		w.mu.Unlock()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

// called plays a phone or a target.
func (w *world) called(d *sipua.Dialog, answer bool) {
	p, err := w.party()
	if err != nil {
		d.Handle(func(sipua.DialogEvent) {})
		d.Reject(503, "")
		return
	}
	p.dialog = d
	w.mu.Lock()
	w.live = append(w.live, p)
	w.mu.Unlock()
	d.Handle(func(ev sipua.DialogEvent) {
		p.on(ev)
		switch ev.(type) {
		case sipua.Ended, sipua.Rejected:
			w.mu.Lock()
			w.live = slices.DeleteFunc(w.live, func(o *party) bool { return o == p })
			w.mu.Unlock()
		}
	})
	d.Ring(nil)
	if answer {
		d.Answer(p.local())
	}
}

// hangup ends the calls of customers, and those of agents and targets who would talk on, and returns when all have ended.
func (w *world) hangup(ctx context.Context, customers []*party) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, p := range customers {
		p.dialog.Hangup("")
	}
	for _, p := range customers {
		if err := p.gone(ctx); err != nil {
			return err
		}
	}
	w.mu.Lock()
	left := slices.Clone(w.live)
	w.mu.Unlock()
	for _, p := range left {
		p.dialog.Hangup("")
	}
	return w.idle(ctx)
}

// idle waits until no phone or target is in a call.
func (w *world) idle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return w.wait(ctx, func() error {
		if n := len(w.live); n > 0 {
			return fmt.Errorf("%d parties are still in calls", n)
		}
		return nil
	})
}

func (w *world) party() (*party, error) {
	if !w.sound {
		return newParty(nil), nil
	}
	r, err := newRadio()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.radios = append(w.radios, r)
	w.mu.Unlock()
	r.gone = func() {
		w.mu.Lock()
		w.radios = slices.DeleteFunc(w.radios, func(o *radio) bool { return o == r })
		w.mu.Unlock()
	}
	return newParty(r), nil
}

// call lets a customer call agent i's line.
func (w *world) call(i int) (*party, error) { return w.callFrom(i, fmt.Sprintf("38044%07d", i)) }

// callFrom is a call from a number.
func (w *world) callFrom(i int, number string) (*party, error) {
	p, err := w.party()
	if err != nil {
		return nil, err
	}
	local := p.local()
	p.dialog = w.pbx.Invite(sipua.InviteParams{
		Phone: lineUser(i), From: sipua.Identity{Display: "Customer", Number: number}, Offer: &local,
		Headers: []sipua.Header{{Name: "X-Queue", Value: "Sales"}, {Name: "X-Ivr-Choice", Value: "1"}},
	}, p.on)
	return p, nil
}

// running serves stacks until stop is called.
func running(stacks ...*sipua.Stack) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	for _, s := range stacks {
		g.Go(func() error { return s.Run(ctx) })
	}
	return func() error {
		cancel()
		return g.Wait()
	}
}
