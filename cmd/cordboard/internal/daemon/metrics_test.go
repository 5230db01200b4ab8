package daemon

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Every metric of the page is explained in docs/operations.md, and the figures follow a call.
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
	for _, want := range []string{
		`cordboard_lines{registered="yes",trunk="pbx"} 1`, "cordboard_agents_busy 1", `cordboard_calls{phase="talking"} 1`, "cordboard_legs 2",
		"cordboard_rtp_streams 2", "cordboard_sip_dialogs 2",
	} {
		w.until(want, func() bool { return strings.Contains(page(), "\n"+want+"\n") })
	}
	c.Hangup()
	w.ended(c, a)
	w.until("the call's packets are counted", func() bool { return strings.Contains(page(), `cordboard_rtp_packets_total{direction="in"}`) })
	doc, err := os.ReadFile("../../../../docs/operations.md")
	w.must(err)
	for line := range strings.Lines(page()) {
		if name, ok := strings.CutPrefix(line, "# HELP "); ok && strings.HasPrefix(name, "cordboard_") {
			if name, _, _ = strings.Cut(name, " "); !strings.Contains(string(doc), "`"+name) {
				t.Errorf("docs/operations.md does not explain %s", name)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
