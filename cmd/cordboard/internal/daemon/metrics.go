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
)

// metrics are the daemon's figures for Prometheus; each has its own registry, none is global. Labels are bounded: they are
// names of the configuration, or words of ours.
type metrics struct {
	registry *prometheus.Registry
	own      []prometheus.Collector // all but those of the runtime and the process
	legs     *legMetrics
	calls    *callMetrics
	adapters *adapterMetrics

	orphanCalls prometheus.Counter
	orphanLegs  *prometheus.CounterVec
}

func newMetrics(d *Daemon) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), legs: newLegMetrics(), calls: newCallMetrics(), adapters: newAdapterMetrics(d.invited),
		orphanCalls: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cordboard_orphan_calls_total", Help: "Calls that the last run left alive and this one has ended.",
		}),
		orphanLegs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordboard_orphan_legs_total", Help: "Legs that the last run left at their peers, by whether the peer was reached to end them.",
		}, []string{"outcome"}),
	}
	m.own = append(m.own, newFigures(d), m.orphanCalls, m.orphanLegs)
	m.own = append(m.own, m.legs.all()...)
	m.own = append(m.own, m.calls.all()...)
	m.own = append(m.own, m.adapters.all()...)
	m.registry.MustRegister(m.own...)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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
