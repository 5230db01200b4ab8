package daemon

import (
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// media are the figures that a snapshot has of the customer's and the device's leg; zero while there are none.
func (w *cellWorld) media() (customer, device callcontrol.LegMedia) {
	w.t.Helper()
	c, ok := w.callOf(anna)
	if !ok {
		w.t.Fatalf("there is no call\n%s", w.describe())
	}
	for _, l := range c.Legs {
		switch {
		case l.Media == nil:
		case l.Role == callcontrol.RoleDevice:
			device = *l.Media
		case l.Role == callcontrol.RoleCustomer:
			customer = *l.Media
		}
	}
	return customer, device
}

// The snapshot tells while a call lives how each leg fares: well on a clean network; worse as soon as the customer's loses a
// fifth, and only that leg; well again some seconds after it stopped.
func qualityShows(w *cellWorld) {
	c, a := w.talking()
	clean := func(m callcontrol.LegMedia) bool {
		return m.Codec != "" && m.Lost == 0 && m.LossRatio == 0 && m.MOS > 4 && m.RecentMOS > 4 && m.PacketsOut > 50 && m.Relayed
	}
	w.until("both legs are well", func() bool {
		customer, device := w.media()
		return customer.PacketsIn > 100 && device.PacketsIn > 100 && clean(customer) && clean(device)
	})
	c.Sound.Faults(sim.Faults{Seed: 7, Loss: 0.2}, sim.Faults{})
	w.until("the loss shows in the last seconds", func() bool {
		customer, _ := w.media()
		return customer.RecentLossRatio > 0.13 && customer.RecentMOS < 3.5
	})
	customer, device := w.media()
	if customer.RecentLossRatio > 0.3 || customer.Lost == 0 || customer.MOS >= device.MOS || !clean(device) {
		w.t.Errorf("with loss: customer %+v, device %+v", customer, device)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	if customer, device = w.media(); customer.Relayed || device.Relayed {
		w.t.Errorf("while music is mixed: customer %+v, device %+v", customer, device)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	c.Sound.Faults(sim.Faults{}, sim.Faults{})
	w.within(40*time.Second, "the last seconds are well again", func() bool {
		customer, _ = w.media()
		return customer.RecentLossRatio == 0 && customer.RecentMOS > 4
	})
	if customer.Lost == 0 || customer.LossRatio == 0 || customer.MOS >= customer.RecentMOS {
		w.t.Errorf("the loss is forgotten: %+v", customer)
	}
	c.Hangup()
	w.ended(c, a)
}
