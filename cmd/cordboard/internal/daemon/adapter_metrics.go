package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cordboard/callcontrol"
)

// adapterMetrics are figures of adapters as they arise. The labels are bounded: adapters are named in the configuration.
type adapterMetrics struct {
	acked  *prometheus.HistogramVec
	asked  *prometheus.HistogramVec
	starts *prometheus.CounterVec
	ends   *prometheus.CounterVec
}

func newAdapterMetrics(r prometheus.Registerer) *adapterMetrics {
	m := &adapterMetrics{
		acked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cordboard_adapter_call_acknowledged_seconds", Help: "From the begin of a call to the adapter's acknowledgement of its first event.",
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
	r.MustRegister(m.acked, m.asked, m.starts, m.ends)
	return m
}

// Acknowledged implements host.Metrics.
func (m *adapterMetrics) Acknowledged(adapter string, kind callcontrol.EventKind, after time.Duration) {
	if kind == callcontrol.EventCallStarted {
		m.acked.WithLabelValues(adapter).Observe(after.Seconds())
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
