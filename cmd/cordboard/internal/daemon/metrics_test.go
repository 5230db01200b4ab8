package daemon

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"cordboard/callcontrol"
	"cordboard/rtp"
)

// describedMetrics are the daemon's own metrics with their labels, whether they have a value yet or not.
func describedMetrics(t *testing.T) map[string]string {
	t.Helper()
	form := regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: ".+", constLabels: \{\}, variableLabels: \{([a-z_,]*)\}\}$`)
	out := map[string]string{}
	for _, c := range newMetrics(&Daemon{}).own {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			m := form.FindStringSubmatch(d.String())
			if m == nil {
				t.Fatalf("description %s", d)
			}
			if _, twice := out[m[1]]; twice {
				t.Errorf("%s is described twice", m[1])
			}
			out[m[1]] = m[2]
		}
	}
	return out
}

// documented are the rows of the table in docs/operations.md: labels and kind by name.
func documentedMetrics(t *testing.T) map[string][2]string {
	t.Helper()
	doc, err := os.ReadFile("../../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(cordboard_[a-z_]+)(?:\\{([a-z_,]+)\\})?` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(doc), -1) {
		out[m[1]] = [2]string{m[2], m[3]}
	}
	return out
}

// The table in docs/operations.md has every metric with its labels, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	described, documented := describedMetrics(t), documentedMetrics(t)
	if len(described) < 40 {
		t.Errorf("only %d metrics", len(described))
	}
	for name, labels := range described {
		if row, ok := documented[name]; !ok {
			t.Errorf("docs/operations.md does not explain %s", name)
		} else if row[0] != labels {
			t.Errorf("docs/operations.md gives %s the labels {%s}, it has {%s}", name, row[0], labels)
		}
	}
	for name := range documented {
		if _, ok := described[name]; !ok {
			t.Errorf("docs/operations.md explains %s, which there is not", name)
		}
	}
}

// The figures follow a call; names and kinds are by Prometheus' conventions and as documented.
func TestMetrics(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, setup{extra: fmt.Sprintf("metrics: {listen: \"127.0.0.1:%d\"}", port)})
	c, a := w.talk()
	page := func() string {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		w.must(err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		w.must(err)
		return string(b)
	}
	shown := func(wants ...string) {
		for _, want := range wants {
			w.until(want, func() bool { return strings.Contains(page(), "\n"+want+"\n") })
		}
	}
	shown(`cordboard_lines{registered="yes",trunk="pbx"} 1`, `cordboard_devices{reachable="yes"} 1`, "cordboard_agents_busy 1",
		`cordboard_calls{phase="talking"} 1`, `cordboard_calls_started_total{direction="inbound"} 1`, "cordboard_legs 2",
		"cordboard_rtp_streams 2", "cordboard_sip_dialogs 2")
	c.Hangup()
	w.ended(c, a)
	shown(`cordboard_calls_ended_total{cause="normal",direction="inbound"} 1`, `cordboard_leg_mos_count{party="trunk"} 1`,
		`cordboard_leg_loss_ratio_count{party="phone"} 1`, `cordboard_leg_jitter_seconds_count{party="phone"} 1`, "cordboard_legs 0")
	http.DefaultClient.CloseIdleConnections()

	m := w.daemon.metrics // what this call did not touch
	m.calls.event(callcontrol.Event{Kind: callcontrol.EventRefused, Cause: callcontrol.CauseUnavailable})
	m.orphanLegs.WithLabelValues("ended").Inc()
	m.adapters.Asked("crm", "lookup", "ok", time.Millisecond)
	m.adapters.Started("crm")
	m.adapters.Ended("crm")
	m.adapters.acked.WithLabelValues("crm").Observe(0.01)
	families, err := m.registry.Gather()
	w.must(err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	w.must(err)
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "cordboard_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	documented := documentedMetrics(t)
	for _, f := range families {
		if row, ok := documented[f.GetName()]; ok && row[1] != strings.ToLower(f.GetType().String()) {
			t.Errorf("docs/operations.md calls %s a %s, it is a %s", f.GetName(), row[1], strings.ToLower(f.GetType().String()))
		}
	}
}

// Each reason for which a packet is not used is counted by its own name.
func TestLegMetrics(t *testing.T) {
	m := newLegMetrics()
	m.ended(true, rtp.Stats{
		ForeignDropped: 1, Malformed: 2, UnknownPT: 3, QueueDropped: 4, Late: 5, Duplicate: 6, Lost: -7, PacketsReceived: 8, PacketsSent: 9,
	})
	r := prometheus.NewRegistry()
	r.MustRegister(m.all()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, v := range f.GetMetric() {
			label := v.GetLabel()
			got = append(got, fmt.Sprintf("%s %s %v", strings.TrimPrefix(f.GetName(), "cordboard_rtp_packets_"), label[len(label)-1].GetValue(), v.GetCounter().GetValue()))
			if label[0].GetName() == "direction" {
				got[len(got)-1] += " " + label[0].GetValue()
			}
		}
	}
	want := "dropped_total duplicate 6|dropped_total foreign 1|dropped_total late 5|dropped_total malformed 2|" +
		"dropped_total payload_type 3|dropped_total queue_full 4|lost_total phone 0|total phone 8 in|total phone 9 out"
	if strings.Join(got, "|") != want {
		t.Errorf("counted %s", strings.Join(got, "|"))
	}
}
