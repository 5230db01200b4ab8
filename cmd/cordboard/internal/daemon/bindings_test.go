package daemon

import (
	"maps"
	"testing"

	"cordboard/configs"
	"cordboard/sim"
)

// A phone that was registered before a restart rings after it without another REGISTER; one whose password was changed meanwhile
// does not.
func TestPhonesOverARestart(t *testing.T) {
	w := newWorld(t, setup{durable: true})
	w.until("where the phone is is stored", func() bool {
		rows := maps.Collect(w.daemon.bindings.All())
		return len(rows) == 1 && w.daemon.bindings.Pending() == 0
	})
	before := w.daemon.stack.PhonesRegistered()[0]
	w.quiet()
	w.restart()
	after := w.daemon.stack.PhonesRegistered()[0]
	if !after.Registered || after.Contact != before.Contact || after.Source != before.Source || !after.Expires.Equal(before.Expires) {
		t.Errorf("the phone is at %+v, was at %+v", after, before)
	}
	w.until("the agent can be called", func() bool { return w.snapshot().Agents[0].Device.Reachable })
	c, a := w.talk()
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.must(c.Wait(w.ctx, sim.StateEnded))
	w.free()
	w.quiet()

	last := len(w.stops) - 1 // the daemon's, since the restart
	w.stops[1], w.stops[last] = w.stops[last], func() {}
	w.daemon.cfg.Agents[0].Device.Password = configs.NewSecret("test", "another")
	w.restart()
	if p := w.daemon.stack.PhonesRegistered()[0]; p.Registered {
		t.Errorf("with the old password the phone is at %+v", p)
	}
}
