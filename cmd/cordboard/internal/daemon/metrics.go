package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cordboard/rtp"
)

// metrics are the daemon's figures for Prometheus; each has its own registry, none is global.
type metrics struct {
	registry *prometheus.Registry
	packets  *prometheus.CounterVec
	lost     prometheus.Counter
	foreign  prometheus.Counter
	mos      prometheus.Histogram
	adapters *adapterMetrics

	orphanCalls prometheus.Counter
	orphanLegs  *prometheus.CounterVec
}

func newMetrics(d *Daemon) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		packets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordboard_rtp_packets_total", Help: "RTP packets of ended legs.",
		}, []string{"direction"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cordboard_rtp_packets_lost_total", Help: "RTP packets that ended legs never received.",
		}),
		foreign: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cordboard_rtp_foreign_packets_total", Help: "Packets dropped because they came from another source than the peer.",
		}),
		mos: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cordboard_leg_mos", Help: "Estimated quality of what was received, by the E-model (ITU-T G.107), per ended leg.",
			Buckets: []float64{1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.3, 4.4},
		}),
	}
	m.adapters = newAdapterMetrics(m.registry)
	m.orphanCalls = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cordboard_orphan_calls_total", Help: "Calls that the last run left alive and this one has ended.",
	})
	m.orphanLegs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cordboard_orphan_legs_total", Help: "Legs that the last run left at their peers, by whether the peer was reached to end them.",
	}, []string{"outcome"})
	m.registry.MustRegister(m.orphanCalls, m.orphanLegs)
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	m.registry.MustRegister(m.packets, m.lost, m.foreign, m.mos, newFigures(d),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("cordboard_legs", "Legs at this moment.", func() float64 { return float64(d.legs.Load()) }),
		gauge("cordboard_rtp_streams", "Open media streams.", func() float64 { return float64(d.engine.Stats().Streams) }),
		gauge("cordboard_rtp_ports_used_ratio", "Share of the port pairs in use or resting; alarm at 0.9.", func() float64 { return d.engine.Usage().Ratio() }),
		gauge("cordboard_rtp_ticks_skipped", "Ticks left out because a media loop was late.", func() float64 { return float64(d.engine.Stats().TicksSkipped) }),
	)
	return m
}

func (m *metrics) legEnded(s rtp.Stats) {
	m.packets.WithLabelValues("in").Add(float64(s.PacketsReceived))
	m.packets.WithLabelValues("out").Add(float64(s.PacketsSent))
	m.lost.Add(float64(max(s.Lost, 0)))
	m.foreign.Add(float64(s.ForeignDropped))
	if s.MOS > 0 {
		m.mos.Observe(s.MOS)
	}
}

// run serves /metrics until ctx ends, and tells when its socket is there; without an address it only waits.
func (m *metrics) run(ctx context.Context, addr netip.AddrPort, bound chan<- struct{}) error {
	if !addr.IsValid() {
		bound <- struct{}{}
		<-ctx.Done()
		return nil
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	bound <- struct{}{}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = srv.Shutdown(stop)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
