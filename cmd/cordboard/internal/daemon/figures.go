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
	descs map[string]*prometheus.Desc
}

func newFigures(d *Daemon) *figures {
	f := &figures{d: d, descs: map[string]*prometheus.Desc{}}
	for _, m := range []struct {
		name, help string
		labels     []string
	}{
		{"cordboard_lines", "Agents' lines by trunk and whether they are registered.", []string{"trunk", "registered"}},
		{"cordboard_agents_busy", "Agents with a live leg, an offer or a wrap-up.", nil},
		{"cordboard_calls", "Live calls by phase.", []string{"phase"}},
		{"cordboard_sip_messages_total", "SIP messages that passed the edge filter.", nil},
		{"cordboard_sip_dropped_total", "What the edge filter dropped, by reason.", []string{"reason"}},
		{"cordboard_sip_sources", "Source addresses in the edge filter's tables.", nil},
		{"cordboard_sip_faults_total", "Faults of SIP peers after the edge, by kind.", []string{"kind"}},
		{"cordboard_journal_lag_seconds", "Age of the oldest event that is not stored yet.", nil},
		{"cordboard_journal_pending", "Events that wait to be stored.", nil},
		{"cordboard_journal_state_pending", "Changes of what a killed run leaves to the next one that wait to be stored.", nil},
		{"cordboard_journal_stored_seq", "Number of the newest event that is stored.", nil},
		{"cordboard_journal_degraded", "1 while events cannot be stored and are handed out all the same.", nil},
		{"cordboard_journal_lost_total", "Events that will never be stored.", nil},
		{"cordboard_sip_dialogs", "Dialogs that have not ended.", nil},
		{"cordboard_adapter_up", "Whether the adapter runs (1: running or degraded).", []string{"adapter"}},
		{"cordboard_adapter_lag_events", "Events that the adapter has not acknowledged.", []string{"adapter"}},
		{"cordboard_adapter_log_lines_dropped_total", "Log lines of the adapter beyond its rate.", []string{"adapter"}},
		{"cordboard_sip_requests_pending", "Requests of dialogs, of either side, without their final answer.", nil},
	} {
		f.descs[m.name] = prometheus.NewDesc(m.name, m.help, m.labels, nil)
	}
	return f
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range f.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	gauge := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(f.descs[name], prometheus.GaugeValue, v, labels...)
	}
	counter := func(name string, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(f.descs[name], prometheus.CounterValue, float64(v), labels...)
	}
	edge := f.d.stack.EdgeStats()
	counter("cordboard_sip_messages_total", edge.Accepted)
	for reason, n := range edge.Dropped {
		counter("cordboard_sip_dropped_total", n, reason.String())
	}
	gauge("cordboard_sip_sources", float64(edge.Sources))
	faults := f.d.stack.Counters()
	for kind, n := range map[string]uint64{
		"stranger": faults.Strangers, "malformed": faults.Malformed, "merged": faults.Merged,
		"stray_response": faults.StrayResponses, "mailbox_full": faults.MailboxFull,
	} {
		counter("cordboard_sip_faults_total", n, kind)
	}
	gauge("cordboard_sip_dialogs", float64(f.d.stack.Dialogs()))
	j := f.d.events.Status()
	gauge("cordboard_journal_lag_seconds", j.Lag.Seconds())
	gauge("cordboard_journal_pending", float64(j.Pending))
	gauge("cordboard_journal_state_pending", float64(f.d.farewells.Pending()+f.d.living.pending()+f.d.commands.table.Pending()))
	gauge("cordboard_journal_stored_seq", float64(j.Stored.Seq))
	degraded := 0.0
	if j.Degraded != nil {
		degraded = 1
	}
	gauge("cordboard_journal_degraded", degraded)
	counter("cordboard_journal_lost_total", j.Lost)
	f.adapters(gauge, counter)
	gauge("cordboard_sip_requests_pending", float64(f.d.stack.Pending()))
	f.desks(gauge)
}

// desks are the figures of call control; a switchboard that does not answer within a second has none.
func (f *figures) desks(gauge func(string, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	snap, err := f.d.board.Snapshot(ctx)
	if err != nil {
		return
	}
	type line struct {
		trunk, registered string
	}
	lines, phases, busy := map[line]int{}, map[callcontrol.Phase]int{}, 0
	for _, a := range snap.Agents {
		up := "no"
		if a.Registered {
			up = "yes"
		}
		lines[line{a.Trunk, up}]++
		if a.Busy {
			busy++
		}
	}
	for _, c := range snap.Calls {
		phases[c.Phase]++
	}
	for l, n := range lines {
		gauge("cordboard_lines", float64(n), l.trunk, l.registered)
	}
	for p, n := range phases {
		gauge("cordboard_calls", float64(n), string(p))
	}
	gauge("cordboard_agents_busy", float64(busy))
}

// adapters are the figures of adapters' processes.
func (f *figures) adapters(gauge func(string, float64, ...string), counter func(string, uint64, ...string)) {
	for _, a := range f.d.adapters.Status() {
		up := 0.0
		if a.State == control.AdapterRunning || a.State == control.AdapterDegraded {
			up = 1
		}
		gauge("cordboard_adapter_up", up, a.Name)
		gauge("cordboard_adapter_lag_events", float64(a.Lag), a.Name)
		counter("cordboard_adapter_log_lines_dropped_total", a.LinesDropped, a.Name)
	}
}
