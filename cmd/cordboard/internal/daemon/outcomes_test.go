package daemon

import (
	"testing"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// TestConsultStory walks one consult through all that the agent can do in it, and looks at the streams as a whole. The cells of
// docs/outcomes.md are in the files cells_*_test.go.
func TestConsultStory(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindConsult, Number: "2001"})
	target := w.called("2001", sim.StateTalking)
	w.hears(a, "target", c, "music", target, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindSwap})
	w.hears(a, "customer", c, "agent", target, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindSwap})
	w.hears(a, "target", c, "music", target, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindConference})
	w.hears(a, "customer+target", c, "agent+target", target, "agent+customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindComplete})
	w.hears(c, "target", target, "customer")
	w.ended(a)
	w.free()
	w.until("customer and target are told who they talk to", func() bool {
		return c.Peer().Number == "2001" && target.Peer().Number == "380441234567"
	})
	c.Hangup()
	w.ended(c, target)
	w.whole(c, a, target)
}
