package daemon

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// Media ports that run out: told once when nine tenths of the pairs are in use or rest, shown in the metric; with no room
// for a call the caller gets 503 before anything rings, and the agent who dials hears of congestion.
func TestMediaPortsRunOut(t *testing.T) {
	const pairs = 10
	pbx, err := sim.NewPBX(sim.PBXConfig{
		Addr: netip.AddrPortFrom(loopback, 0), Accounts: []sim.Account{{User: user(0), Password: "line"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	page := freePort(t)
	w := bare(t, fmt.Sprintf(`sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: 18300-%d, quarantine: 5m}
control: {socket: c.sock}
state_dir: state
metrics: {listen: "127.0.0.1:%d"}
limits: {dial: {allow: ["*"], per_second: 50}}
trunks: [{name: pbx, server: "sip:%s"}]
agents:
  - {name: agent0, line: {trunk: pbx, user: %q, password: {file: line}}, device: {user: phone%[5]s, password: {file: phone}}}
`, freePort(t), 18300+2*pairs-1, page, pbx.Addr(), user(0)), map[string]string{"line": "line", "phone": "phone" + user(0)})
	w.pbx = pbx
	w.background("pbx", pbx.Run)
	slices.Reverse(w.stops) // the PBX ends last
	w.addPhone(0, false)
	w.until("the desk can work", func() bool { a := w.snapshot().Agents[0]; return a.Registered && a.Device.Reachable })
	const warning = `msg="media ports nearly used up"`
	for n := range pairs / 2 {
		if told := w.logged(warning); told != 0 {
			t.Errorf("told %d times with %d of %d pairs in use or resting", told, 2*n, pairs)
		}
		c := w.call()
		a, err := w.phones[0].Call(w.ctx, n+1)
		w.must(err)
		a.Answer()
		w.must(c.Wait(w.ctx, sim.StateTalking))
		c.Hangup()
		w.ended(c, a)
		w.free()
	}
	if told := w.logged(warning); told != 1 {
		t.Errorf("told %d times that ports are nearly used up", told)
	}
	ratio := func() string {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", page))
		w.must(err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		w.must(err)
		_, after, _ := strings.Cut(string(b), "\ncordboard_rtp_ports_used_ratio ")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	if got := ratio(); got != "1" {
		t.Errorf("used ratio %q", got)
	}
	http.DefaultClient.CloseIdleConnections()

	last, err := w.phones[0].Last()
	w.must(err)
	c := w.dialIn()
	w.ended(c)
	if status, _, _ := c.Outcome(); status != 503 {
		t.Errorf("a call without ports ends with %d", status)
	}
	if again, _ := w.phones[0].Last(); again != last {
		t.Error("the phone rang for a call that could not be taken")
	}
	if n := w.logged(`msg="call refused"`); n != 1 {
		t.Errorf("%d calls refused by the log", n)
	}
	from := w.daemon.events.Last()
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"})
	if e := w.event(from, callcontrol.EventCallEnded); e.Cause != callcontrol.CauseCongestion {
		t.Errorf("a call dialled without ports ends as %s", e.Cause)
	}
	w.free()
}
