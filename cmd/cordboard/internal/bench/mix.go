package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordboard/callcontrol"
)

// room is one conference of customer, agent and target.
type room struct {
	customer *party
	radios   [3]*radio // in the order in which they came
}

// Steady levels of the three; no two sums have the same PCMU code.
var levels = [3]int16{1000, 2300, 5100}

// mix measures conferences of three.
func mix(ctx context.Context, o options, r *report, w *world, d *child) error {
	if err := d.free(ctx); err != nil {
		return err
	}
	var rooms []*party
	for i := range o.rooms {
		m, err := conference(ctx, w, d, i)
		if err != nil {
			return fmt.Errorf("conference %d: %w", i+1, err)
		}
		rooms = append(rooms, m.customer)
		m.speak()
	}
	t, used, err := listen(ctx, o, w, d)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("mix, %d conferences of three", o.rooms)
	r.add(name+": processor time per conference-second", "ms", 1000*used.Seconds()/o.window.Seconds()/float64(o.rooms))
	r.add(name+": processor time per conference-minute", "s", 60*used.Seconds()/o.window.Seconds()/float64(o.rooms))
	t.judge(r, name, 3*o.rooms, o.window)
	return w.hangup(ctx, rooms)
}

// conference is agent i with a customer and a target, built as an adapter does it: consult, then conference.
func conference(ctx context.Context, w *world, d *child, i int) (*room, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	w.mu.Lock()
	before := len(w.radios)
	w.mu.Unlock()
	p, err := talk(ctx, w, i)
	if err != nil {
		return nil, err
	}
	agent := callcontrol.AgentID(agentName(i))
	for _, c := range []callcontrol.Command{
		{Kind: callcontrol.KindConsult, Agent: agent, Number: "2001"}, {Kind: callcontrol.KindConference, Agent: agent},
	} {
		if err := insist(ctx, d, c); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Kind, err)
		}
	}
	m := &room{customer: p}
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := len(w.radios) - before; got != len(m.radios) {
		return nil, fmt.Errorf("%d parties have sound, want 3", got)
	}
	copy(m.radios[:], w.radios[before:])
	return m, nil
}

// insist repeats a command that comes too early: parties answer at once, and the desk knows a little later.
func insist(ctx context.Context, d *child, c callcontrol.Command) error {
	for {
		_, err := d.client.Do(ctx, c)
		var refusal *callcontrol.Refusal
		if err == nil || ctx.Err() != nil || !errors.As(err, &refusal) || refusal.Code != callcontrol.CodeNotAllowedInState {
			return err
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// speak gives each party its level, and tells it what it has to hear: the sum of the other two.
func (m *room) speak() {
	var exact [3]int16
	for i, r := range m.radios {
		code, v := level(levels[i])
		exact[i] = v
		r.say.Store(uint32(code))
	}
	for i, r := range m.radios {
		code, _ := level(exact[(i+1)%3] + exact[(i+2)%3])
		r.want.Store(uint32(code))
	}
}
