package callcontrol

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// meter is a Meter by hand.
type meter struct {
	asked map[LegID]AgentID
	media map[LegID]LegMedia
	hangs bool
}

func (m *meter) Measure(ctx context.Context, legs map[LegID]AgentID) map[LegID]LegMedia {
	m.asked = maps.Clone(legs)
	if m.hangs {
		<-ctx.Done()
		return nil
	}
	return m.media
}

// withMeter puts a meter into a switchboard.
func withMeter(t *testing.T, f func(t *testing.T, sw *Switchboard, w *world, m *meter)) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		m := &meter{}
		sw.deps.Meter = m
		f(t, sw, w, m)
	})
}

// Snapshots have the figures of each leg's media, as they are at that moment; nothing else has.
func TestMediaOfLegs(t *testing.T) {
	withMeter(t, func(t *testing.T, sw *Switchboard, w *world, m *meter) {
		if snapshot(t, sw); m.asked != nil {
			t.Errorf("without a call it was asked for %v", m.asked)
		}
		before := snapshot(t, sw).Cursor
		c := talkOn(t, sw, w)
		device, customer := c.Legs[0].ID, c.Legs[1].ID
		if want := map[LegID]AgentID{device: "anna", customer: "anna"}; !maps.Equal(m.asked, want) {
			t.Errorf("asked for %v, want %v", m.asked, want)
		}
		bad := LegMedia{Codec: "PCMA", PacketsIn: 80, Lost: 20, LossRatio: 0.2, RecentLossRatio: 0.2, MOS: 2.6, RecentMOS: 2.6}
		good := LegMedia{Codec: "PCMA", PacketsIn: 100, MOS: 4.4, RecentMOS: 4.4, Jitter: time.Millisecond}
		m.media = map[LegID]LegMedia{device: good, customer: bad, "another": good}
		first := snapshot(t, sw).Calls[0].Legs
		if d, c := first[0].Media, first[1].Media; d == nil || *d != good || c == nil || *c != bad {
			t.Errorf("device %+v, customer %+v", d, c)
		}
		m.media = map[LegID]LegMedia{customer: good} // the device's went away in this moment
		second := snapshot(t, sw).Calls[0].Legs
		if second[0].Media != nil || second[1].Media == nil || *second[1].Media != good || *first[1].Media != bad {
			t.Errorf("later: device %+v, customer %+v, the first one %+v", second[0].Media, second[1].Media, first[1].Media)
		}
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		told := sw.Subscribe(before)
		for last := snapshot(t, sw).Cursor; ; {
			e, err := told.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v := e.Event.Call; v != nil && slices.ContainsFunc(v.Legs, func(l LegView) bool { return l.Media != nil }) {
				t.Errorf("%s has figures of media", e.Event.Kind)
			}
			if e.Cursor == last {
				break
			}
		}
	})
}

// A media loop that does not answer costs a snapshot its figures, after a while; no desk waits for it, and no other snapshot.
func TestMeterHangs(t *testing.T) {
	withMeter(t, func(t *testing.T, sw *Switchboard, w *world, m *meter) {
		c := talkOn(t, sw, w)
		m.hangs = true
		began := time.Now()
		got := make(chan Snapshot, 1)
		go func() { got <- snapshot(t, sw) }()
		synctest.Wait()
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		if time.Since(began) != 0 || len(got) != 0 {
			t.Errorf("hold took %v, %d snapshots", time.Since(began), len(got))
		}
		if s := <-got; len(s.Calls) != 1 || s.Calls[0].Legs[1].Media != nil || time.Since(began) != meterLimit {
			t.Errorf("after %v: %+v", time.Since(began), s.Calls)
		}
	})
}

// A switchboard without a meter has snapshots all the same.
func TestNoMeter(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		if c := talkOn(t, sw, w); c.Legs[0].Media != nil {
			t.Errorf("figures from nowhere: %+v", c.Legs[0].Media)
		}
	})
}
