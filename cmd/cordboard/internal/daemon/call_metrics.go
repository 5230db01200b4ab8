package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"cordboard/callcontrol"
)

// callMetrics count calls as events tell them.
type callMetrics struct {
	started *prometheus.CounterVec
	ended   *prometheus.CounterVec
	refused *prometheus.CounterVec
}

func newCallMetrics() *callMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &callMetrics{
		started: counter("cordboard_calls_started_total", "Calls that began.", "direction"),
		ended:   counter("cordboard_calls_ended_total", "Calls that ended, by cause.", "direction", "cause"),
		refused: counter("cordboard_calls_refused_total", "Calls that were refused before they began, by cause.", "cause"),
	}
}

func (m *callMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.started, m.ended, m.refused}
}

func (m *callMetrics) event(e callcontrol.Event) {
	direction := ""
	if e.Call != nil {
		direction = string(e.Call.Direction)
	}
	switch e.Kind {
	case callcontrol.EventCallStarted:
		m.started.WithLabelValues(direction).Inc()
	case callcontrol.EventCallEnded:
		m.ended.WithLabelValues(direction, string(e.Cause)).Inc()
	case callcontrol.EventRefused:
		m.refused.WithLabelValues(string(e.Cause)).Inc()
	}
}
