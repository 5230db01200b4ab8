package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// figures are collected when they are asked for, from the rooms that have them.
type figures struct {
	d     *Daemon
	descs map[string]figure
}

type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newFigures(d *Daemon) *figures {
	f := &figures{d: d, descs: map[string]figure{}}
	add := func(kind prometheus.ValueType, name, help string, labels ...string) {
		f.descs[name] = figure{prometheus.NewDesc(name, help, labels, nil), kind}
	}
	gauge := func(name, help string, labels ...string) { add(prometheus.GaugeValue, name, help, labels...) }
	counter := func(name, help string, labels ...string) { add(prometheus.CounterValue, name, help, labels...) }

	gauge("cordboard_build_info", "1, with the version.", "version")
	gauge("cordboard_lines", "Agents' lines by trunk and whether they are registered.", "trunk", "registered")
	gauge("cordboard_devices", "Agents' devices by whether they can be reached.", "reachable")
	gauge("cordboard_agents_busy", "Agents with a live leg, an offer or a wrap-up.")
	gauge("cordboard_calls", "Live calls by phase.", "phase")
	gauge("cordboard_legs", "Legs at this moment.")
	gauge("cordboard_draining", "1 while no new calls are taken because the daemon is being stopped.")

	gauge("cordboard_rtp_streams", "Open media streams.")
	gauge("cordboard_rtp_ports_used_ratio", "Share of the port pairs in use or resting; alarm at 0.9.")
	counter("cordboard_rtp_ticks_total", "Ticks of 20 ms that the media loops ran.")
	counter("cordboard_rtp_ticks_late_total", "Ticks that ran when the next one was due already.")
	counter("cordboard_rtp_ticks_skipped_total", "Ticks left out because a media loop was later than that.")
	counter("cordboard_rtp_queue_dropped_total", "Packets dropped because a media loop's queue was full.")

	counter("cordboard_sip_messages_total", "SIP messages that passed the edge filter.")
	counter("cordboard_sip_dropped_total", "What the edge filter dropped, by reason.", "reason")
	gauge("cordboard_sip_sources", "Source addresses in the edge filter's tables.")
	counter("cordboard_sip_faults_total", "Faults of SIP peers after the edge, by kind.", "kind")
	gauge("cordboard_sip_dialogs", "Dialogs that have not ended.")
	gauge("cordboard_sip_requests_pending", "Requests of dialogs, of either side, without their final answer.")

	gauge("cordboard_journal_lag_seconds", "Age of the oldest event that is not stored yet.")
	gauge("cordboard_journal_pending", "Events that wait to be stored.")
	gauge("cordboard_journal_state_pending", "Changes of what a killed run leaves to the next one that wait to be stored.")
	gauge("cordboard_journal_stored_seq", "Number of the newest event that is stored.")
	gauge("cordboard_journal_degraded", "1 while events cannot be stored and are handed out all the same.")
	counter("cordboard_journal_lost_total", "Events that will never be stored.")

	gauge("cordboard_adapter_up", "Whether the adapter runs (1: running or degraded).", "adapter")
	gauge("cordboard_adapter_lag_events", "Events that the adapter has not acknowledged.", "adapter")
	counter("cordboard_adapter_log_lines_dropped_total", "Log lines of the adapter beyond its rate.", "adapter")
	return f
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range f.descs {
		out <- d.desc
	}
}

// put gives out one value.
type put func(name string, v float64, labels ...string)

// Collect implements prometheus.Collector.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	emit := func(name string, v float64, labels ...string) {
		d := f.descs[name]
		out <- prometheus.MustNewConstMetric(d.desc, d.kind, v, labels...)
	}
	emit("cordboard_build_info", 1, Version())
	f.media(emit)
	f.sip(emit)
	f.journal(emit)
	f.adapters(emit)
	f.desks(emit)
}

func (f *figures) media(emit put) {
	s := f.d.engine.Stats()
	emit("cordboard_legs", float64(f.d.legs.Load()))
	emit("cordboard_rtp_streams", float64(s.Streams))
	emit("cordboard_rtp_ports_used_ratio", s.Ports.Ratio())
	emit("cordboard_rtp_ticks_total", float64(s.Ticks))
	emit("cordboard_rtp_ticks_late_total", float64(s.TicksLate))
	emit("cordboard_rtp_ticks_skipped_total", float64(s.TicksSkipped))
	emit("cordboard_rtp_queue_dropped_total", float64(s.QueueDropped))
}

func (f *figures) sip(emit put) {
	edge := f.d.stack.EdgeStats()
	emit("cordboard_sip_messages_total", float64(edge.Accepted))
	for reason, n := range edge.Dropped {
		emit("cordboard_sip_dropped_total", float64(n), reason.String())
	}
	emit("cordboard_sip_sources", float64(edge.Sources))
	faults := f.d.stack.Counters()
	for kind, n := range map[string]uint64{
		"stranger": faults.Strangers, "malformed": faults.Malformed, "merged": faults.Merged,
		"stray_response": faults.StrayResponses, "mailbox_full": faults.MailboxFull,
	} {
		emit("cordboard_sip_faults_total", float64(n), kind)
	}
	emit("cordboard_sip_dialogs", float64(f.d.stack.Dialogs()))
	emit("cordboard_sip_requests_pending", float64(f.d.stack.Pending()))
}

func (f *figures) journal(emit put) {
	j := f.d.events.Status()
	emit("cordboard_journal_lag_seconds", j.Lag.Seconds())
	emit("cordboard_journal_pending", float64(j.Pending))
	emit("cordboard_journal_state_pending", float64(f.d.farewells.Pending()+f.d.living.table.Pending()+f.d.commands.table.Pending()+f.d.bindings.Pending()))
	emit("cordboard_journal_stored_seq", float64(j.Stored.Seq))
	emit("cordboard_journal_degraded", oneIf(j.Degraded != nil))
	emit("cordboard_journal_lost_total", float64(j.Lost))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// desks are the figures of call control; a switchboard that does not answer within a second has none.
func (f *figures) desks(emit put) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	snap, err := f.d.board.Snapshot(ctx)
	if err != nil {
		return
	}
	emit("cordboard_draining", oneIf(snap.Draining))
	type line struct {
		trunk, registered string
	}
	lines, phases, reachable, busy := map[line]int{}, map[callcontrol.Phase]int{}, map[string]int{"yes": 0, "no": 0}, 0
	word := map[bool]string{true: "yes", false: "no"}
	for _, a := range snap.Agents {
		lines[line{a.Trunk, word[a.Registered]}]++
		reachable[word[a.Device.Reachable]]++
		if a.Busy {
			busy++
		}
	}
	for _, c := range snap.Calls {
		phases[c.Phase]++
	}
	for l, n := range lines {
		emit("cordboard_lines", float64(n), l.trunk, l.registered)
	}
	for r, n := range reachable {
		emit("cordboard_devices", float64(n), r)
	}
	for p, n := range phases {
		emit("cordboard_calls", float64(n), string(p))
	}
	emit("cordboard_agents_busy", float64(busy))
}

// adapters are the figures of adapters' processes.
func (f *figures) adapters(emit put) {
	for _, a := range f.d.adapters.Status() {
		emit("cordboard_adapter_up", oneIf(a.State == control.AdapterRunning || a.State == control.AdapterDegraded), a.Name)
		emit("cordboard_adapter_lag_events", float64(a.Lag), a.Name)
		emit("cordboard_adapter_log_lines_dropped_total", float64(a.LinesDropped), a.Name)
	}
}
