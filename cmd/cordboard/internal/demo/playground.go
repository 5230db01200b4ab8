package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

// callEvery is how often a customer calls in when the demo is left running.
const callEvery = 30 * time.Second

// talkFor is how long those customers stay once they are answered.
const talkFor = 5 * time.Minute

// playground is what a demo leaves running: every agent has a phone, and customers call in.
type playground struct {
	world *world
	say   func(format string, args ...any)
	wg    sync.WaitGroup
}

func newPlayground(w *world, o Options) *playground {
	var mu sync.Mutex
	return &playground{world: w, say: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(o.Say, format, args...)
	}}
}

// open registers the phones of the agents that the story left out, and tells what to try.
func (p *playground) open(ctx context.Context, run func(func(context.Context) error)) error {
	for i := 1; i < agents; i++ {
		phone, err := p.world.newPhone(i)
		if err != nil {
			return err
		}
		run(phone.Run)
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		err = phone.WaitRegistered(wait)
		cancel()
		if err != nil {
			return err
		}
	}
	p.say(`
Left running: anna, boris and clara with their phones, which answer when the daemon asks them to. In another terminal:

  export CORDBOARD_SOCKET=%s
  bin/cordboard agents
  bin/cordboard adapters
  bin/cordboard watch

anna makes her own calls: 2001, 2002 and 2004 answer, 2003 is busy, 1003 is clara.

  bin/cordboard dial anna 2004

Once it is answered:

  bin/cordboard hold anna            bin/cordboard retrieve anna
  bin/cordboard consult anna 2001

Once that is answered too:

  bin/cordboard swap anna            bin/cordboard conference anna
  bin/cordboard complete anna        bin/cordboard cancel anna

A customer calls in from queue Sales every %.0f s, for boris or clara. Take the call or refuse it:

  bin/cordboard answer boris         bin/cordboard reject clara
  bin/cordboard transfer boris 2002  bin/cordboard hangup boris

Ctrl-C ends it.

`, filepath.Join(p.world.dir, "control.sock"), callEvery.Seconds())
	return nil
}

// customers call one agent after another until ctx ends; an agent who is busy is left alone, and so is anna: while a call rings at
// her desk she could not dial.
func (p *playground) customers(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer p.wg.Wait()
	for n := 0; ; n++ {
		if agent := 1 + n%(agents-1); p.free(ctx, agent) {
			p.call(ctx, agent, n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *playground) free(ctx context.Context, agent int) bool {
	snap, err := p.world.client.Snapshot(ctx)
	if err != nil {
		return false
	}
	for _, a := range snap.Agents {
		if a.ID == callcontrol.AgentID(agentName(agent)) {
			return !a.Busy
		}
	}
	return false
}

func (p *playground) call(ctx context.Context, agent, n int) {
	from := sipua.Identity{Display: fmt.Sprintf("Customer %d", n+1), Number: fmt.Sprintf("38044%07d", 2000000+n)}
	c, err := p.world.pbx.Call(from, lineUser(agent), voice("customer")(),
		sipua.Header{Name: "X-Queue", Value: "Sales"}, sipua.Header{Name: "X-Ivr-Choice", Value: fmt.Sprint(1 + n%3)})
	if err != nil {
		p.say("%s cannot call: %v\n", from.Display, err)
		return
	}
	p.say("%s calls %s\n", from.Display, agentName(agent))
	p.wg.Go(func() {
		if c.Wait(ctx, sim.StateTalking) == nil {
			p.say("%s is answered\n", from.Display)
			stay, cancel := context.WithTimeout(ctx, talkFor)
			_ = c.Wait(stay, sim.StateEnded)
			cancel()
		}
		if c.State() != sim.StateEnded {
			c.Hangup()
			return
		}
		if status, _, _ := c.Outcome(); status != 0 {
			p.say("%s was not answered (status %d)\n", from.Display, status)
			return
		}
		p.say("%s's call has ended\n", from.Display)
	})
}
