package daemon

import (
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// TestLostDeviceCells is the section of docs/outcomes.md about a device that goes away in a call.
func TestLostDeviceCells(t *testing.T) {
	// gone lets the phone restart and then refuse every call.
	gone := func(w *cellWorld) {
		w.restarts(w.a)
		for n := range 3 {
			w.phone(n + 2).Reject(480)
		}
	}
	conference := func(w *cellWorld) *cellWorld {
		w.talk().consult("2001", sim.StateTalking).cmd(callcontrol.KindConference)
		w.phaseSome(callcontrol.PhaseConference)
		return w
	}
	persistent := setup{device: "connect: persistent"}
	runSIPCells(t, "TestLostDeviceOutcomes", []sipCell{
		{id: "talking/no_rtp", run: func(w *cellWorld) {
			w.talk().a.Sound.Mute(true)
			w.ended(w.a) // the dead leg is released
			w.phone(2)
			w.hears(w.c, "music")
			w.over(w.c)
		}},
		{id: "talking/leg_ended", run: func(w *cellWorld) {
			w.talk().restarts(w.a)
			w.phone(2)
			w.hears(w.c, "music")
			w.over(w.c)
		}},
		{id: "talking/comes_back", run: func(w *cellWorld) {
			w.talk().restarts(w.a)
			back := w.phone(2)
			back.Answer()
			w.hears(w.c, "agent", back, "customer")
			w.over(w.c)
			w.ended(back)
			w.whole(w.c)
		}},
		{id: "talking/second_try", run: func(w *cellWorld) {
			w.talk().restarts(w.a)
			w.phone(2).Reject(480)
			back := w.phone(3)
			back.Answer()
			w.hears(w.c, "agent", back, "customer")
			w.over(w.c)
			w.ended(back)
		}},
		{id: "talking/unreachable_then_back", tune: func(c *callcontrol.DeskConfig) { c.LostInterval = 10 * time.Second }, run: func(w *cellWorld) {
			w.persistent = true // a BYE to a phone that is switched off takes its 32 s
			w.talk().a.Forget()
			w.stops[2]()
			w.stops[2] = func() {}
			w.until("the phone is lost", func() bool { d := w.snapshot().Agents[0].Device; return d.Lost && !d.Reachable })
			w.hears(w.c, "music")
			w.phones = nil
			w.addPhone(0, false)
			back := w.phone(1)
			back.Answer()
			w.hears(w.c, "agent", back, "customer")
			w.over(w.c)
			w.ended(back)
		}},
		{id: "talking/gone", run: func(w *cellWorld) {
			gone(w.talk())
			w.hears(w.c, "busy")
			w.free()
			w.ended(w.c)
		}},
		{id: "talking/no_tries", s: setup{extra: "calls: {device_lost: {tries: 0}}"}, run: func(w *cellWorld) {
			w.talk().restarts(w.a)
			w.hears(w.c, "busy")
			w.free()
			w.ended(w.c)
			if n := w.phones[0].Calls(); n != 1 {
				w.t.Errorf("the phone was called %d times", n)
			}
		}},
		{id: "held/gone", run: func(w *cellWorld) {
			w.talk().cmd(callcontrol.KindHold)
			w.phaseSome(callcontrol.PhaseHeld)
			gone(w)
			w.hears(w.c, "busy")
			w.free()
			w.ended(w.c)
		}},
		{id: "talking/customer", run: func(w *cellWorld) {
			w.talk().restarts(w.a)
			back := w.phone(2)
			w.over(w.c)
			w.ended(back)
			w.free()
		}},
		{id: "consult_alerting/leg_ended", run: func(w *cellWorld) {
			w.talk().consult("2100", sim.StateRinging).restarts(w.a)
			w.phone(2)
			w.hears(w.c, "music")
			w.transfer(callcontrol.TransferAlerting)
			w.must(w.target.Wait(w.ctx, sim.StateRinging))
			w.over(w.c)
			w.ended(w.target)
		}},
		{id: "consult_alerting/gone", run: func(w *cellWorld) {
			gone(w.talk().consult("2100", sim.StateRinging))
			w.ended(w.target)
			w.hears(w.c, "busy")
			w.transfer(callcontrol.TransferFailed)
			w.ended(w.c)
		}},
		{id: "consult_talking/leg_ended", run: func(w *cellWorld) {
			w.talk().consult("2001", sim.StateTalking).restarts(w.a)
			w.phone(2)
			w.hears(w.c, "music", w.target, "music")
			w.over(w.c, w.target)
		}},
		{id: "consult_talking/gone", run: func(w *cellWorld) {
			gone(w.talk().consult("2001", sim.StateTalking))
			w.ended(w.target)
			w.hears(w.c, "busy")
			w.transfer(callcontrol.TransferFailed)
			w.ended(w.c)
		}},
		{id: "conference/leg_ended", run: func(w *cellWorld) {
			conference(w).restarts(w.a)
			w.phone(2)
			w.hears(w.c, "target", w.target, "customer")
			w.over(w.c, w.target)
		}},
		{id: "conference/comes_back", run: func(w *cellWorld) {
			conference(w).restarts(w.a)
			back := w.phone(2)
			back.Answer()
			w.hears(back, "customer+target", w.c, "agent+target", w.target, "agent+customer")
			w.over(w.c, w.target)
			w.ended(back)
		}},
		{id: "conference/gone", run: func(w *cellWorld) {
			gone(conference(w))
			w.transfer(callcontrol.TransferCompleted)
			w.hears(w.c, "target", w.target, "customer")
			w.free()
			w.over(w.c)
			w.ended(w.target)
		}},
		{id: "dialling/leg_ended", run: func(w *cellWorld) {
			w.cmdDial("2100")
			w.restarts(w.a)
			back := w.phone(2)
			w.must(w.target.Wait(w.ctx, sim.StateRinging))
			back.Answer()
			w.hears(back, "ring_back")
			w.cmd(callcontrol.KindHangup)
			w.ended(back, w.target)
		}},
		{id: "persistent_idle/leg_ended", s: persistent, run: func(w *cellWorld) {
			w.persistent = true
			a := w.phone(1)
			a.Answer()
			w.until("the device is connected", func() bool { return w.snapshot().Agents[0].Device.State == callcontrol.LegConnected })
			w.restarts(a)
			w.phone(2).Answer()
			w.until("the device is connected", func() bool { return w.snapshot().Agents[0].Device.State == callcontrol.LegConnected })
			w.free()
		}},
		{id: "persistent_talking/hang_up", s: persistent, run: func(w *cellWorld) {
			w.a = w.phone(1)
			w.a.Answer()
			w.until("the device is connected", func() bool { return w.snapshot().Agents[0].Device.State == callcontrol.LegConnected })
			w.c = w.call()
			w.cmd(callcontrol.KindAnswer)
			w.hears(w.c, "agent", w.a, "customer")
			w.a.Hangup()
			w.ended(w.a, w.c)
			w.free()
		}},
	})
}

// cmdDial dials number for the agent, whose phone is picked up; the target rings.
func (w *cellWorld) cmdDial(number string) {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: callcontrol.Number(number)})
	w.a = w.phone(1)
	w.a.Answer()
	w.target = w.called(number, sim.StateRinging)
}
