package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"cordboard/rtp"
)

// legMetrics are figures of the media of legs that have ended.
type legMetrics struct {
	packets *prometheus.CounterVec
	lost    *prometheus.CounterVec
	dropped *prometheus.CounterVec
	mos     *prometheus.HistogramVec
	loss    *prometheus.HistogramVec
	jitter  *prometheus.HistogramVec
}

func newLegMetrics() *legMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"party"})
	}
	return &legMetrics{
		packets: counter("cordboard_rtp_packets_total", "RTP packets of ended legs.", "party", "direction"),
		lost:    counter("cordboard_rtp_packets_lost_total", "RTP packets that ended legs never received.", "party"),
		dropped: counter("cordboard_rtp_packets_dropped_total", "Packets that came to ended legs and were not used, by reason.", "reason"),
		mos: histogram("cordboard_leg_mos", "Estimated quality of what was received, by the E-model (ITU-T G.107), per ended leg.",
			1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.3, 4.4),
		loss: histogram("cordboard_leg_loss_ratio", "Share of the packets that were never received, per ended leg.",
			0, .001, .005, .01, .02, .05, .1, .2, .5),
		jitter: histogram("cordboard_leg_jitter_seconds", "Interarrival jitter (RFC 3550) at the end, per ended leg.",
			.001, .002, .005, .01, .02, .03, .05, .1, .2),
	}
}

func (m *legMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.packets, m.lost, m.dropped, m.mos, m.loss, m.jitter}
}

// ended takes the figures of a leg that has ended.
func (m *legMetrics) ended(device bool, s rtp.Stats) {
	party := "trunk"
	if device {
		party = "phone"
	}
	m.packets.WithLabelValues(party, "in").Add(float64(s.PacketsReceived))
	m.packets.WithLabelValues(party, "out").Add(float64(s.PacketsSent))
	m.lost.WithLabelValues(party).Add(float64(max(s.Lost, 0)))
	for reason, n := range map[string]uint64{
		"foreign": s.ForeignDropped, "malformed": s.Malformed, "payload_type": s.UnknownPT, "queue_full": s.QueueDropped,
		"late": s.Late, "duplicate": s.Duplicate,
	} {
		m.dropped.WithLabelValues(reason).Add(float64(n))
	}
	if s.MOS > 0 {
		m.mos.WithLabelValues(party).Observe(s.MOS)
		m.loss.WithLabelValues(party).Observe(s.LossRatio)
		m.jitter.WithLabelValues(party).Observe(s.Jitter.Seconds())
	}
}
