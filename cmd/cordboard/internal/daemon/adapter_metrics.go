package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cordboard/callcontrol"
)

// adapterMetrics are figures of adapters as they arise. The labels are bounded: adapters are named in the configuration.
type adapterMetrics struct {
	invited func(*callcontrol.CallView) time.Time // when a call's INVITE came; zero: it was dialled here, or is over

	acked  *prometheus.HistogramVec
	asked  *prometheus.HistogramVec
	starts *prometheus.CounterVec
	ends   *prometheus.CounterVec
}

func newAdapterMetrics(invited func(*callcontrol.CallView) time.Time) *adapterMetrics {
	return &adapterMetrics{
		invited: invited,
		acked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cordboard_adapter_invite_acknowledged_seconds", Help: "From a call's INVITE to the adapter's acknowledgement of call_started.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .3, 1, 5, 30},
		}, []string{"adapter"}),
		asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cordboard_adapter_answer_seconds", Help: "Lookups and searches by outcome: ok, late, failed, refused (too many at one time).",
			Buckets: []float64{.001, .005, .02, .05, .1, .3, 1, 3, 10},
		}, []string{"adapter", "question", "outcome"}),
		starts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordboard_adapter_starts_total", Help: "Starts of an adapter's process.",
		}, []string{"adapter"}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordboard_adapter_failures_total", Help: "Ends of an adapter's running process that nobody asked for.",
		}, []string{"adapter"}),
	}
}

func (m *adapterMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.acked, m.asked, m.starts, m.ends}
}

// Acknowledged implements host.Metrics.
func (m *adapterMetrics) Acknowledged(adapter string, e callcontrol.Event) {
	if e.Kind != callcontrol.EventCallStarted || e.Call == nil {
		return
	}
	if at := m.invited(e.Call); !at.IsZero() {
		m.acked.WithLabelValues(adapter).Observe(time.Since(at).Seconds())
	}
}

// Asked implements host.Metrics.
func (m *adapterMetrics) Asked(adapter, what, outcome string, took time.Duration) {
	m.asked.WithLabelValues(adapter, what, outcome).Observe(took.Seconds())
}

// Started implements host.Metrics.
func (m *adapterMetrics) Started(adapter string) { m.starts.WithLabelValues(adapter).Inc() }

// Ended implements host.Metrics.
func (m *adapterMetrics) Ended(adapter string) { m.ends.WithLabelValues(adapter).Inc() }

// invited is when the INVITE with which a call began came, while the call lives.
func (d *Daemon) invited(c *callcontrol.CallView) (first time.Time) {
	for _, v := range c.Legs {
		l := d.leg(c.Agent, v.ID)
		if l == nil {
			continue
		}
		if at := l.received(); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
