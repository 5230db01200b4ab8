package callcontrol

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// clockwork is what the time of a call was, noted beside the desk and not from its events.
type clockwork struct {
	started, answered time.Time
	spent             map[Phase]time.Duration
}

// parts is spent as history tells it, written down a second time.
func (c *clockwork) parts() Parts {
	return Parts{
		Ring: c.spent[PhaseOffered] + c.spent[PhaseAnswering] + c.spent[PhaseCalling] + c.spent[PhaseDialling],
		Talk: c.spent[PhaseTalking], Held: c.spent[PhaseHeld], Conference: c.spent[PhaseConference], Bridged: c.spent[PhaseBridged],
		Tone:     c.spent[PhaseTone],
		Transfer: c.spent[PhaseForwarding] + c.spent[PhaseRecall] + c.spent[PhaseReferring] + c.spent[PhaseReferred],
	}
}

// chronicle follows a desk's story in both ways.
type chronicle struct {
	dr      *driver
	history History
	clocks  map[CallID]*clockwork
	closed  map[CallID]HistoryRecord
	faults  []string
	seen    map[string]int
}

func newChronicle(seed uint64, seen map[string]int) *chronicle {
	rng := rand.New(rand.NewPCG(seed, 7))
	c := &chronicle{dr: newDriver(rng.IntN), clocks: map[CallID]*clockwork{}, closed: map[CallID]HistoryRecord{}, seen: seen}
	c.dr.pause = func() time.Duration { return time.Duration(rng.Int64N(int64(20 * time.Second))) }
	c.dr.told = c.take
	return c
}

func (c *chronicle) take(e *Event) {
	r, ended := c.history.Apply(e)
	if ended != (e.Kind == EventCallEnded) {
		c.faults = append(c.faults, fmt.Sprintf("a record at %s", e.Kind))
	}
	if !ended {
		return
	}
	if _, twice := c.closed[r.Call]; twice {
		c.faults = append(c.faults, fmt.Sprintf("call %s is closed twice", r.Call))
	}
	c.closed[r.Call] = r
}

// step lets time pass for the calls as they are, then takes an input.
func (c *chronicle) step() error {
	before, from := c.dr.d, c.dr.at
	if err := c.dr.step(c.dr.input()); err != nil {
		return err
	}
	for _, k := range before.calls {
		c.clocks[k.id].spent[k.phase] += c.dr.at.Sub(from)
	}
	for _, k := range c.dr.d.calls {
		w := c.clocks[k.id]
		if w == nil {
			w = &clockwork{started: c.dr.at, spent: map[Phase]time.Duration{}}
			c.clocks[k.id] = w
		}
		if w.answered.IsZero() && (k.phase == PhaseTalking || k.phase == PhaseBridged) {
			w.answered = c.dr.at
		}
	}
	return nil
}

// check compares both, once every call has ended.
func (c *chronicle) check() {
	c.seen["records"] += len(c.closed)
	for id, w := range c.clocks {
		r, ok := c.closed[id]
		switch whole := r.Ended.Sub(r.Started); {
		case !ok:
			c.faults = append(c.faults, fmt.Sprintf("call %s has no record", id))
			continue
		case !r.Started.Equal(w.started), !r.Answered.Equal(w.answered), r.Parts != w.parts():
			c.faults = append(c.faults, fmt.Sprintf("call %s: %+v, but %+v", id, r, w))
		case (whole - r.Parts.Sum()).Abs() > 20*time.Millisecond:
			c.faults = append(c.faults, fmt.Sprintf("call %s lasted %s, its parts %s", id, whole, r.Parts.Sum()))
		case !r.Answered.IsZero() && r.TimeToAnswer != r.Answered.Sub(r.Started), r.Answered.IsZero() && r.TimeToAnswer != 0:
			c.faults = append(c.faults, fmt.Sprintf("call %s was answered after %s", id, r.TimeToAnswer))
		}
		if r.EndedBy == "" || r.Cause == "" {
			c.faults = append(c.faults, fmt.Sprintf("call %s was ended by %q, %q", id, r.EndedBy, r.Cause))
		}
		c.seen["by "+string(r.EndedBy)]++
	}
	if len(c.history.Open) > 0 {
		c.faults = append(c.faults, fmt.Sprintf("open: %+v", c.history.Open))
	}
}

// TestHistoryAddsUp: in random stories every call gets one record, whose parts add up to its time and are those that somebody
// with a watch beside the desk notes. What is alive in the end was killed with the daemon, and is closed by the next run.
func TestHistoryAddsUp(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(150) {
		c := newChronicle(seed, seen)
		for range 250 {
			if err := c.step(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		from := c.dr.at
		c.dr.at = from.Add(time.Hour)
		for _, k := range c.dr.d.calls {
			c.clocks[k.id].spent[k.phase] += time.Hour
		}
		for _, e := range c.dr.mirror.ends(c.dr.at) {
			c.take(&e)
		}
		c.check()
		if len(c.faults) > 0 {
			t.Fatalf("seed %d:\n%s", seed, strings.Join(c.faults[:min(3, len(c.faults))], "\n"))
		}
	}
	for _, e := range []Ender{EnderCustomer, EnderAgent, EnderTarget, EnderGateway, EnderTrunk} {
		if seen["by "+string(e)] < 5 {
			t.Errorf("%s ended %d calls", e, seen["by "+string(e)])
		}
	}
	t.Log(seen)
}

// TestHistoryFromTheMiddle: where events are missing, or a clock was set back, parts add up still.
func TestHistoryFromTheMiddle(t *testing.T) {
	at := func(s int) time.Time { return epoch0.Add(time.Duration(s) * time.Second) }
	view := func(p Phase) *CallView {
		return &CallView{ID: "c", Phase: p, Started: at(0), Answered: at(4), EndedBy: EnderCustomer}
	}
	var h History
	h.Apply(&Event{At: at(10), Kind: EventLegHeld, Call: view(PhaseHeld)})
	h.Apply(&Event{At: at(7), Kind: EventLegConnected, Call: view(PhaseTalking)})
	r, ok := h.Apply(&Event{At: at(15), Kind: EventCallEnded, Call: view(PhaseEnded)})
	if want := (Parts{Ring: 4 * time.Second, Talk: 11 * time.Second}); !ok || r.Parts != want || r.Ended.Sub(r.Started) != want.Sum() {
		t.Errorf("%+v", r)
	}
	if r, ok := h.Apply(&Event{At: at(9), Kind: EventCallEnded, Call: view(PhaseEnded)}); !ok || r.Parts.Sum() != 9*time.Second || r.TimeToAnswer != 4*time.Second {
		t.Errorf("only its end: %+v", r)
	}
}

// TestEndedBy: who ended a call, and why.
func TestEndedBy(t *testing.T) {
	for name, tc := range map[string]struct {
		play func(s *scene)
		by   Ender
		why  Cause
	}{
		"the customer hangs up":         {func(s *scene) { s.talk().signal(SignalEnded, s.customer, byPeer) }, EnderCustomer, CauseNormal},
		"the caller gives up":           {func(s *scene) { s.offer().signal(SignalEnded, s.customer, byPeer) }, EnderCustomer, CauseCancelled},
		"the agent hangs up":            {func(s *scene) { s.talk().cmd(KindHangup) }, EnderAgent, CauseNormal},
		"the agent's phone hangs up":    {func(s *scene) { s.talk().signal(SignalEnded, s.device, byPeer) }, EnderAgent, CauseNormal},
		"the agent's phone declines":    {func(s *scene) { s.offer().signal(SignalRejected, s.device, status(486)) }, EnderAgent, CauseBusy},
		"nobody answers":                {func(s *scene) { s.offer().expire(TimerCall, "") }, EnderGateway, CauseNoAnswer},
		"no sound comes":                {func(s *scene) { s.talk().signal(SignalLost, s.customer) }, EnderGateway, CauseMediaLost},
		"the session timer is over":     {func(s *scene) { s.talk().signal(SignalEnded, s.customer) }, EnderTrunk, CauseNormal},
		"the dialled number is busy":    {func(s *scene) { s.dialling().signal(SignalRejected, s.customer, status(486)); s.expire(TimerCall, "") }, EnderCustomer, CauseBusy},
		"its tone is cut short":         {func(s *scene) { s.dialling().signal(SignalRejected, s.customer, status(486)); s.cmd(KindHangup) }, EnderCustomer, CauseBusy},
		"the trunk does not know it":    {func(s *scene) { s.dialling().signal(SignalRejected, s.customer, status(404)); s.expire(TimerCall, "") }, EnderTrunk, CauseBadNumber},
		"a stop":                        {func(s *scene) { s.talk().must(Input{Release: true}) }, EnderGateway, CauseDraining},
		"a fault of ours":               {func(s *scene) { s.talk().must(Input{Fault: s.call}) }, EnderGateway, CauseInternal},
		"the consult's target hangs up": {func(s *scene) { s.talk().consultTalk().signal(SignalEnded, s.target, byPeer) }, EnderTarget, CauseNormal},
		"the consult is completed":      {func(s *scene) { s.talk().consultTalk().complete() }, EnderAgent, CauseTransferred},
		"the target leaves a bridge":    {func(s *scene) { s.talk().consultTalk().complete().signal(SignalEnded, s.target, byPeer) }, EnderTarget, CauseNormal},
		"a customer hears why and leaves": {func(s *scene) {
			s.talk().blind().signal(SignalRejected, s.target, status(486))
			s.cmd(KindReject)
			s.signal(SignalEnded, s.customer, byPeer)
		}, EnderCustomer, CauseNormal},
	} {
		s := newScene()
		tc.play(s)
		var last *Event
		for _, a := range s.acts {
			if a.Kind == ActPublish && a.Event.Kind == EventCallEnded {
				last = a.Event
			}
		}
		if last == nil || last.Call.EndedBy != tc.by || last.Call.Cause != tc.why {
			t.Errorf("%s: %+v", name, last)
		}
	}
}
