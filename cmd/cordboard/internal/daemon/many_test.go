package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

const (
	manyAgents = 16
	manyWhole  = 5000 // calls
)

// manyWorld is a daemon with some agents, each of whom has one call after the other.
type manyWorld struct {
	*world
	dead bool // some customers die
}

// TestManyCalls makes many calls that end in every way, and sees that nothing of them is left in the running daemon: goroutines and
// descriptors are those that there were, no port, leg, dialog, request or memory of one. CALLS is how many; from 5,000 on some customers die, for
// whom a BYE is repeated for 32 s, and it also waits until all that ended calls leave behind for late messages has run out.
func TestManyCalls(t *testing.T) {
	calls, err := strconv.Atoi(os.Getenv("CALLS"))
	if err != nil {
		calls = 200
	}
	whole := calls >= manyWhole
	w := newManyWorld(t, calls)
	w.dead = whole
	w.play(0, 2*len(endings)) // what is made once and kept
	w.settled()
	before, open := runtime.NumGoroutine(), descriptors(t)
	begun := time.Now()
	w.play(2*len(endings), calls)
	took := time.Since(begun)
	w.settled()
	w.until("the goroutines are those that there were", func() bool { return runtime.NumGoroutine() <= before })
	left := opened(t, open, 5*time.Second)
	journals := len(left)
	left = slices.DeleteFunc(left, func(fd string) bool { return strings.Contains(fd, "/state/journal/") }) // its server opens and closes as it likes
	if journals -= len(left); len(left) > 0 || journals > 8 {
		t.Errorf("descriptors left open: %v, and %d of the journal's server", left, journals)
	}
	kept := "not waited for"
	if whole {
		w.within(2*time.Minute, "nothing is kept of ended calls", func() bool { return w.daemon.stack.Kept() == 0 })
		kept = "0"
	}
	t.Logf("%d calls in %v: goroutines %d before, %d after; %s, kept of ended ones: %s", calls, took.Round(time.Second/10), before, runtime.NumGoroutine(), w.counts(), kept)
	if t.Failed() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	}
}

func newManyWorld(t *testing.T, calls int) manyWorld {
	t.Helper()
	gate(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute+time.Duration(calls)*100*time.Millisecond)
	t.Cleanup(cancel)
	w := manyWorld{world: &world{t: t, ctx: ctx, dir: t.TempDir(), force: make(chan struct{})}}
	t.Cleanup(w.close)
	cfg := sim.PBXConfig{Addr: loopbackAny, Plan: map[string]sim.Behaviour{
		"2001": {Source: sim.Quiet}, "2003": {Hangup: 20 * time.Millisecond, Source: sim.Quiet}, "2100": {Silent: true}, "2101": {Status: 486}, "2102": {Status: 603},
	}}
	for i := range manyAgents {
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: user(i), Password: "line" + user(i)})
	}
	var err error
	w.pbx, err = sim.NewPBX(cfg)
	w.must(err)
	w.background("pbx", w.pbx.Run)
	w.daemon = w.newDaemon(setup{agents: manyAgents, large: true, durable: true, many: calls >= manyWhole, trunk: "register: {rate: 200}"})
	w.daemon.cfg.RTP.Timeout.Talk = 10 * time.Minute // nobody says anything
	w.daemon.log = slog.New(slog.DiscardHandler)
	w.background("daemon", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, w.force) })
	for i := range manyAgents {
		p, err := sim.NewPhone(sim.PhoneConfig{
			Addr: loopback, Server: w.daemon.stack.Addr("udp"), User: "phone" + user(i), Password: "phone" + user(i), Source: sim.Quiet, AutoAnswer: true,
		})
		w.must(err)
		w.background("phone", p.Run)
		w.phones = append(w.phones, p)
	}
	w.until("every agent can work", func() bool {
		return !slices.ContainsFunc(w.snapshot().Agents, func(a callcontrol.AgentView) bool { return len(a.Why) > 0 })
	})
	return w
}

// play makes the calls from one number to another, every agent one after the other.
func (w manyWorld) play(from, to int) {
	w.t.Helper()
	var g errgroup.Group
	for i := range manyAgents {
		g.Go(func() error {
			for n := from + i; n < to; n += manyAgents {
				e := endings[n%len(endings)]
				c := oneCall{w, i, n, n / len(endings), e.stays}
				if err := c.run(e.play); err != nil {
					return fmt.Errorf("call %d of %s, which %s: %w", n, agent(i), e.name, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		w.t.Fatalf("%v\n%s", err, w.describe())
	}
}

// settled waits until no call does anything any more.
func (w manyWorld) settled() {
	w.t.Helper()
	w.within(time.Minute, "nothing of the calls is left", func() bool { return w.idle() && w.daemon.stack.Pending() == 0 })
}

// oneCall is call n, of agent i.
type oneCall struct {
	manyWorld
	i, n, round int
	stays       bool // the customer's side knows of no end
}

// endings are the ways in which calls end.
var endings = []struct {
	name  string
	play  func(oneCall) error
	stays bool
}{
	{name: "the customer ends", play: func(c oneCall) error { return c.answered(func(p *sim.Party) error { p.Hangup(); return nil }) }},
	{name: "the agent ends by a command", play: func(c oneCall) error {
		return c.answered(func(*sim.Party) error { return c.do(callcontrol.KindHangup, "") })
	}},
	{name: "the phone ends", play: func(c oneCall) error {
		return c.answered(func(*sim.Party) error {
			device, err := c.phones[c.i].Last()
			if err == nil {
				device.Hangup()
			}
			return err
		})
	}},
	{name: "is rejected", play: func(c oneCall) error {
		return c.rings(func(*sim.Party) error { return c.do(callcontrol.KindReject, "") })
	}},
	{name: "the customer cancels", play: func(c oneCall) error { return c.rings(func(p *sim.Party) error { p.Hangup(); return nil }) }},
	{name: "finds the target busy", play: func(c oneCall) error { return c.dials("2101") }},
	{name: "is declined", play: func(c oneCall) error { return c.dials("2102") }},
	{name: "the target ends", play: func(c oneCall) error { return c.do(callcontrol.KindDial, "2003") }},
	{name: "the agent cancels", play: func(c oneCall) error { return c.dials("2100") }},
	{name: "is transferred blind", play: func(c oneCall) error {
		return c.answered(func(p *sim.Party) error {
			if err := c.do(callcontrol.KindBlind, "2001"); err != nil {
				return err
			}
			return c.handedOver(p)
		})
	}},
	{name: "is transferred after a consult", play: func(c oneCall) error {
		return c.answered(func(p *sim.Party) error {
			if err := c.do(callcontrol.KindConsult, "2001"); err != nil {
				return err
			}
			if err := c.do(callcontrol.KindComplete, ""); err != nil {
				return err
			}
			return c.handedOver(p)
		})
	}},
	{name: "has a consult that is cancelled", play: func(c oneCall) error {
		return c.answered(func(p *sim.Party) error {
			if err := c.do(callcontrol.KindConsult, "2100"); err != nil {
				return err
			}
			if err := c.do(callcontrol.KindCancel, ""); err != nil {
				return err
			}
			p.Hangup()
			return nil
		})
	}},
	{name: "is forgotten by the customer's side", stays: true, play: func(c oneCall) error {
		return c.answered(func(p *sim.Party) error {
			p.Forget()
			return c.do(callcontrol.KindHangup, "")
		})
	}},
	{name: "the customer dies", play: oneCall.dies},
}

// run plays a call and waits until the agent is free.
func (c oneCall) run(play func(oneCall) error) error {
	if err := play(c); err != nil {
		return err
	}
	return c.waits("the agent is free", func(s callcontrol.Snapshot) bool {
		return !slices.ContainsFunc(s.Calls, func(v callcontrol.CallView) bool { return v.Agent == c.agent() }) && !s.Agents[c.i].Busy
	})
}

func (c oneCall) agent() callcontrol.AgentID { return callcontrol.AgentID(agent(c.i)) }

// rings is a customer's call that rings.
func (c oneCall) rings(then func(*sim.Party) error) error {
	p, err := c.pbx.Call(sipua.Identity{Number: strconv.Itoa(380440000000 + c.n)}, user(c.i), sim.Quiet())
	if err != nil {
		return err
	}
	if err := p.Wait(c.ctx, sim.StateRinging); err != nil {
		return err
	}
	if err := then(p); err != nil {
		return err
	}
	if c.stays {
		return nil
	}
	return p.Wait(c.ctx, sim.StateEnded)
}

// answered is one that the agent has answered.
func (c oneCall) answered(then func(*sim.Party) error) error {
	return c.rings(func(p *sim.Party) error {
		if err := c.do(callcontrol.KindAnswer, ""); err != nil {
			return err
		}
		if err := p.Wait(c.ctx, sim.StateTalking); err != nil {
			return err
		}
		return then(p)
	})
}

// dials a number that is not answered, and hangs up.
func (c oneCall) dials(number callcontrol.Number) error {
	if err := c.do(callcontrol.KindDial, number); err != nil {
		return err
	}
	return c.do(callcontrol.KindHangup, "")
}

// handedOver waits until customer and target are by themselves, and lets the customer end.
func (c oneCall) handedOver(p *sim.Party) error {
	err := c.waits("customer and target talk", func(s callcontrol.Snapshot) bool {
		return slices.ContainsFunc(s.Calls, func(v callcontrol.CallView) bool { return v.Agent == c.agent() && v.Phase == callcontrol.PhaseBridged })
	})
	p.Hangup()
	return err
}

// dies is a customer who is not there any more. His BYE is repeated for 32 s, so there are not many of them.
func (c oneCall) dies() error {
	if !c.dead || c.round%10 > 1 {
		return c.dials("2100")
	}
	p, err := sim.CallRaw(sim.RawConfig{Addr: loopback, Server: c.daemon.stack.Addr("udp"), Line: user(c.i), From: "<sip:380441234567@pbx.test>"})
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Wait(c.ctx, func(s sim.RawSeen) bool { return s.Rings > 0 }); err != nil {
		return err
	}
	if err := c.do(callcontrol.KindAnswer, ""); err != nil {
		return err
	}
	if err := p.Wait(c.ctx, func(s sim.RawSeen) bool { return s.Status == 200 }); err != nil {
		return err
	}
	p.Die()
	return c.do(callcontrol.KindHangup, "")
}

// do gives a command as soon as the state allows it. A call that has ended by itself meanwhile needs no hang-up.
func (c oneCall) do(kind callcontrol.Kind, number callcontrol.Number) error {
	var last error
	err := c.waits(string(kind), func(s callcontrol.Snapshot) bool {
		cmd := callcontrol.Command{Kind: kind, Agent: c.agent(), Number: number}
		i := slices.IndexFunc(s.Calls, func(v callcontrol.CallView) bool { return v.Agent == cmd.Agent })
		if kind == callcontrol.KindHangup && i < 0 {
			return true
		}
		if kind != callcontrol.KindDial {
			if i < 0 {
				return false
			}
			cmd.Call = s.Calls[i].ID
		}
		ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
		defer cancel()
		_, last = c.daemon.board.Do(ctx, cmd)
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}

// waits until a snapshot is so.
func (c oneCall) waits(what string, ok func(callcontrol.Snapshot) bool) error {
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); {
		s, err := c.daemon.board.Snapshot(c.ctx)
		if err != nil {
			return err
		}
		if ok(s) {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
	return fmt.Errorf("not so: %s", what)
}
