package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/sim"
	"cordboard/sipua"
)

// kamailio is a registrar and proxy with digest: any user X has password pwX.
type kamailio struct {
	peer    *peer
	port    uint16
	outside uint16 // numbers that begin with 9 are there, and calls from there need no digest
	dir     string
}

func startKamailio(t *testing.T) *kamailio {
	t.Helper()
	need(t, "kamailio", "kamcmd")
	k := &kamailio{port: freePort(t), outside: freePort(t), dir: t.TempDir()}
	tmpl := template.Must(template.ParseFiles("testdata/kamailio.cfg.tmpl"))
	modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	if len(modules) != 1 {
		t.Fatalf("Kamailio's modules: found %v", modules)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, map[string]any{"Modules": modules[0], "Port": k.port, "OutsidePort": k.outside, "Dir": k.dir}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, "kamailio.cfg"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k.run(t)
	return k
}

// run starts Kamailio and returns when it serves.
func (k *kamailio) run(t *testing.T) {
	t.Helper()
	_ = os.Remove(k.ctl()) // of one that was killed
	k.peer = start(t, k.dir, "kamailio", "-f", filepath.Join(k.dir, "kamailio.cfg"), "-DD", "-E", "-Y", k.dir)
	for end := time.Now().Add(15 * time.Second); k.users() < 0; {
		if time.Now().After(end) {
			t.Fatal("Kamailio does not serve after 15 s")
		}
		_ = k.peer.wait(20 * time.Millisecond)
	}
}

func (k *kamailio) ctl() string { return filepath.Join(k.dir, "kamailio_ctl") }

// users is how many addresses of record are registered; -1: it cannot be asked.
func (k *kamailio) users() int {
	out, err := exec.Command("kamcmd", "-s", "unix:"+k.ctl(), "ul.dump", "brief").Output()
	if err != nil || !bytes.Contains(out, []byte("Domain")) {
		return -1
	}
	return bytes.Count(out, []byte("AoR: "))
}

// bare is a daemon from a whole configuration, without the sim around it.
func bare(t *testing.T, config string, secrets map[string]string) *world {
	t.Helper()
	gate(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir()}
	t.Cleanup(w.close)
	for name, text := range secrets {
		w.must(os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
	}
	path := filepath.Join(w.dir, "c.yaml")
	w.must(os.WriteFile(path, []byte(config), 0o600))
	cfg, err := configs.Load(path)
	w.must(err)
	w.daemon, err = New(cfg, w.logger(slog.LevelWarn))
	w.must(err)
	w.background("daemon", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, nil) })
	return w
}

// agentsAt is a configuration of n agents a1001… whose lines register at Kamailio; register has more keys of that.
func (k *kamailio) agentsAt(t *testing.T, network string, n int, register string) (config string, secrets map[string]string) {
	port := freePort(t)
	secrets = map[string]string{}
	var b strings.Builder
	fmt.Fprintf(&b, `sip: {listen: ["udp://127.0.0.1:%[1]d", "tcp://127.0.0.1:%[1]d"]}
rtp: {bind: 127.0.0.1, ports: 23000-23999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
limits: {dial: {allow: ["*"]}}
trunks:
  - {name: pbx, server: "sip:127.0.0.1:%[2]d;transport=%[3]s", domain: peers.test, realm: peers.test, keep_alive: 5s, register: {%[4]s}}
agents:
`, port, k.port, network, register)
	for i := range n {
		u := user(i)
		secrets["line"+u], secrets["phone"+u] = "pw"+u, "phone"+u
		fmt.Fprintf(&b, "  - {name: a%[1]s, line: {trunk: pbx, user: \"%[1]s\", password: {file: line%[1]s}}, device: {user: phone%[1]s, password: {file: phone%[1]s}}}\n", u)
	}
	return b.String(), secrets
}

// TestKamailioRestart: 100 lines register with digest at the pace set; Kamailio is killed, which the daemon notices; it is
// started again, having forgotten all, and all lines are back within the time that retries and pace allow.
func TestKamailioRestart(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			const lines, rate, retryMax = 100, 50, 3 * time.Second
			k := startKamailio(t)
			config, secrets := k.agentsAt(t, network, lines, fmt.Sprintf("expires: 10m, rate: %d, timeout: 2s, retry: 2s, retry_max: %v", rate, retryMax))
			begun := time.Now()
			w := bare(t, config, secrets)
			lineStates := func(want bool, since time.Time) (n int) {
				for _, l := range w.daemon.stack.Lines() {
					if (l.Registered && l.Reason == "") == want && l.Since.After(since) {
						n++
					}
				}
				return n
			}
			w.until("all lines are registered", func() bool { return lineStates(true, time.Time{}) == lines })
			paced := time.Since(begun)
			t.Logf("%d lines registered within %v", lines, paced.Round(10*time.Millisecond))
			if least := (2*lines - 1) * time.Second / rate; paced < least {
				t.Errorf("%d REGISTERs with their challenges within %v, the pace allows no less than %v", lines, paced, least)
			}
			if n := k.users(); n != lines {
				t.Errorf("Kamailio knows %d lines", n)
			}

			killed := time.Now()
			k.peer.stop(syscall.SIGKILL)
			w.within(30*time.Second, "the daemon has noticed for every line", func() bool { return lineStates(false, killed) == lines })
			t.Logf("noticed for all lines after %v", time.Since(killed).Round(10*time.Millisecond))

			back := time.Now()
			k.run(t)
			limit := 2*lines*time.Second/rate + 2*retryMax + 10*time.Second // pace, retries, and the machine's own slowness
			w.within(limit, "all lines are back", func() bool { return lineStates(true, back) == lines })
			t.Logf("all back %v after the restart", time.Since(back).Round(10*time.Millisecond))
			if n := k.users(); n != lines {
				t.Errorf("Kamailio knows %d lines after its restart", n)
			}
		})
	}
}

// TestKamailioCall: a line registered over UDP or TCP is called through Kamailio, and calls through it; sound goes both ways.
func TestKamailioCall(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			k := startKamailio(t)
			config, secrets := k.agentsAt(t, network, 1, "rate: 50, retry: 1s")
			w := bare(t, config, secrets)
			var err error
			w.pbx, err = sim.NewPBX(sim.PBXConfig{
				Addr: netip.AddrPortFrom(loopback, k.outside), Peer: netip.AddrPortFrom(loopback, k.port),
				Plan: map[string]sim.Behaviour{"9001": {Ring: 100 * time.Millisecond, Source: voice("target")}},
			})
			w.must(err)
			w.background("pbx", w.pbx.Run)
			w.addPhone(0, true)
			w.until("the desk can work", func() bool {
				a := w.snapshot().Agents[0]
				return a.Registered && a.Device.Reachable
			})

			c, err := w.pbx.CallPeer(sipua.Identity{Number: "380441234567"}, user(0), voice("customer")())
			w.must(err)
			w.must(c.Wait(w.ctx, sim.StateRinging))
			w.phase(callcontrol.PhaseOffered, 1)
			w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: "a1001"})
			w.must(c.Wait(w.ctx, sim.StateTalking))
			a := w.device()
			w.hears(c, "agent", a, "customer")
			w.whole(c, a)
			c.Hangup()
			w.ended(c)
			w.free()

			w.do(callcontrol.Command{Kind: callcontrol.KindDial, Agent: "a1001", Number: "9001"})
			target := w.called("9001", sim.StateTalking)
			w.phase(callcontrol.PhaseTalking, 1)
			a = w.device()
			w.hears(target, "agent", a, "target")
			w.whole(target, a)
			target.Hangup()
			w.ended(target, a)
		})
	}
}
