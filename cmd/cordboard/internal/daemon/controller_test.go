package daemon

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// controller is a program at the control socket that reads events and gives commands: an adapter, as far as a desk can tell.
type controller struct {
	w      *world
	client *control.Client
	read   chan error
}

func (w *world) controller() *controller {
	w.t.Helper()
	client, err := control.Dial(filepath.Join(w.dir, "c.sock"))
	w.must(err)
	c := &controller{w: w, client: client, read: make(chan error, 1)}
	go func() {
		for s := client.Subscribe(journal.Cursor{}); ; {
			if _, err := s.Next(w.ctx); err != nil {
				c.read <- err
				return
			}
		}
	}()
	return c
}

func (c *controller) do(k callcontrol.Kind, number callcontrol.Number) {
	c.w.t.Helper()
	_, err := c.client.Do(c.w.ctx, callcontrol.Command{Kind: k, Agent: anna, Number: number})
	c.w.must(err)
}

// dies goes away in the middle of everything: its events and a command that has no answer yet.
func (c *controller) dies() {
	c.w.t.Helper()
	pending := make(chan error, 1)
	go func() {
		_, err := c.client.Snapshot(context.WithoutCancel(c.w.ctx))
		pending <- err
	}()
	c.w.must(c.client.Close())
	if err := <-c.read; err == nil || errors.Is(err, context.DeadlineExceeded) {
		c.w.t.Errorf("the events ended with %v", err)
	}
	<-pending
}

// TestControllerDies is the column "adapter dies" of the consult transfer's table: whoever drove the consult goes away, and
// nothing changes for those who talk. Another one goes on with it.
func TestControllerDies(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	first := w.controller()
	first.do(callcontrol.KindConsult, "2100")
	target := w.called("2100", sim.StateRinging)
	w.hears(a, "ring_back", c, "music")
	first.dies()
	w.hears(a, "ring_back", c, "music")

	target.Answer()
	w.must(target.Wait(w.ctx, sim.StateTalking))
	second := w.controller()
	w.hears(a, "target", c, "music", target, "agent")
	second.dies()
	w.hears(a, "target", c, "music", target, "agent")

	third := w.controller()
	third.do(callcontrol.KindConference, "")
	w.hears(a, "customer+target", c, "agent+target", target, "agent+customer")
	third.dies()
	w.hears(a, "customer+target", c, "agent+target", target, "agent+customer")

	last := w.controller()
	last.do(callcontrol.KindComplete, "")
	w.hears(c, "target", target, "customer")
	w.ended(a)
	w.free()
	last.dies()
	w.hears(c, "target", target, "customer")
	c.Hangup()
	w.ended(c, target)
	w.whole(c, a, target)
}
