package daemon

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/sipua"
)

// orphansPerSecond is the pace at which orphaned legs are ended, so that a trunk is not flooded with them.
const orphansPerSecond = 500

// legRow is a leg with what ends it at its peer, for the next run in case that this one is killed.
type legRow struct {
	Agent    callcontrol.AgentID `json:"agent"`
	Device   bool                `json:"device,omitempty"`
	Opened   time.Time           `json:"opened"`
	Farewell sipua.Farewell      `json:"farewell"`
}

// openLegs opens the table of legs and takes those of the last run.
func (d *Daemon) openLegs(ctx context.Context, store *journal.Store) error {
	var err error
	if d.farewells, err = journal.OpenAhead[legRow](ctx, store, "legs", 0); err == nil {
		d.orphans = maps.Collect(d.farewells.All())
	}
	return err
}

// onFarewell keeps what would end the leg.
func (l *leg) onFarewell(f sipua.Farewell) { l.keepFarewell(string(l.id), f) }

// farewellOf keeps what would end the leg at its n-th contact, each of which has a dialog of its own.
func (l *leg) farewellOf(n int) func(sipua.Farewell) {
	key := string(l.id) + "." + strconv.Itoa(n)
	return func(f sipua.Farewell) { l.keepFarewell(key, f) }
}

func (l *leg) keepFarewell(key string, f sipua.Farewell) {
	if f.IsZero() {
		l.d.farewells.Delete(key)
		return
	}
	l.d.farewells.Put(key, legRow{Agent: l.desk.agent, Device: l.device, Opened: l.opened, Farewell: f})
}

// endOrphans ends the legs that the last run left at their peers, all at the same time. Those that are not done when ctx ends
// are left to the next run.
func (d *Daemon) endOrphans(ctx context.Context) error {
	if len(d.orphans) == 0 && d.orphanCalls == 0 {
		return nil
	}
	begin := time.Now()
	var unreached atomic.Int64
	var all sync.WaitGroup
	pace := rate.NewLimiter(orphansPerSecond, orphansPerSecond/5)
	for id, row := range d.orphans {
		if pace.Wait(ctx) != nil {
			break
		}
		all.Go(func() {
			if !d.endOrphan(ctx, id, row) {
				unreached.Add(1)
			}
		})
	}
	all.Wait()
	d.log.Info("legs of the last run ended", "legs", len(d.orphans), "unreached", unreached.Load(), "calls", d.orphanCalls,
		"seconds", time.Since(begin).Seconds())
	return nil
}

// endOrphan ends one leg; false: its peer was not reached.
func (d *Daemon) endOrphan(ctx context.Context, id string, row legRow) bool {
	err := d.stack.EndOrphan(ctx, row.Farewell)
	if ctx.Err() != nil {
		return false
	}
	d.farewells.Delete(id)
	log := d.log.With("agent", row.Agent, "leg", id, "call_id", row.Farewell.CallID, "opened", row.Opened.Format(time.RFC3339))
	if err != nil {
		d.metrics.orphanLegs.WithLabelValues("unreached").Inc()
		log.Warn("leg of the last run not ended", "err", err)
		return false
	}
	d.metrics.orphanLegs.WithLabelValues("ended").Inc()
	log.Debug("leg of the last run ended")
	return true
}
