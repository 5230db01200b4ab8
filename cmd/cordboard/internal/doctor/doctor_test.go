package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/internal/freeport"
	"cordboard/journal"
	"cordboard/plugins/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// config is a configuration on loopback, with what is given in place of its defaults.
func config(t *testing.T, extra string) *configs.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "cord")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	text := fmt.Sprintf("control: {socket: %[1]s/c.sock}\nstate_dir: %[1]s/state\n%[2]s\n", dir, extra)
	if !strings.Contains(extra, "sip: {") {
		text += "sip: {listen: [udp://127.0.0.1:" + freePort(t) + "]}\n"
	}
	cfg, err := configs.Parse(filepath.Join(dir, "cordboard.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Deal()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(port)
}

func examine(t *testing.T, cfg *configs.Config, checks ...func(*visit, context.Context)) []Finding {
	t.Helper()
	var all []Finding
	v := &visit{cfg: cfg, tell: func(f Finding) { all = append(all, f) }, registerWait: 20 * time.Second, clockWait: 100 * time.Millisecond}
	for _, check := range checks {
		check(v, t.Context())
	}
	for _, f := range all {
		if f.Level != OK && f.Advice == "" {
			t.Errorf("%s without advice: %s", f.Check, f.Message)
		}
	}
	return all
}

func has(t *testing.T, all []Finding, check string, level Level, says string) {
	t.Helper()
	for _, f := range all {
		if f.Check == check && f.Level == level && strings.Contains(f.Message, says) {
			return
		}
	}
	t.Errorf("no %s %s with %q in %+v", check, level, says, all)
}

func TestSocket(t *testing.T) {
	cfg := config(t, "")
	has(t, examine(t, cfg, (*visit).socket), "socket", OK, "no daemon runs")
	if err := os.WriteFile(string(cfg.Control.Socket), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, examine(t, cfg, (*visit).socket), "socket", Fail, "is not a socket")
	cfg.Control.Socket = configs.Path(string(cfg.Control.Socket) + "/below/c.sock")
	has(t, examine(t, cfg, (*visit).socket), "socket", Fail, "not a directory")
}

func TestPorts(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := config(t, fmt.Sprintf("sip: {listen: [udp://%s, udp://203.0.113.77:5060, tcp://127.0.0.1:%s]}", taken.LocalAddr(), freePort(t)))
	all := examine(t, cfg, (*visit).ports)
	has(t, all, "ports", Fail, "address already in use")
	has(t, all, "ports", Fail, "203.0.113.77")
	has(t, all, "ports", OK, "tcp://127.0.0.1")
}

func TestMedia(t *testing.T) {
	first := 19000 + os.Getpid()%30*100 // another process may run this test at the same time
	cfg := config(t, fmt.Sprintf("rtp: {bind: 127.0.0.1, ports: %d-%d}", first, first+99))
	cfg.Limits.MaxLegs = 3000
	all := examine(t, cfg, (*visit).media)
	has(t, all, "media", Warn, "room for 50 legs, limits.max_legs is 3000")
	has(t, all, "media", OK, "can be used")

	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port &^ 1
	cfg.RTP.Ports = configs.PortRange{Min: uint16(port - 2), Max: uint16(port + 1)}
	has(t, examine(t, cfg, (*visit).media), "media", Warn, "are in use, first")
	cfg.RTP.Ports = configs.PortRange{Min: 40000, Max: 40003}
	has(t, examine(t, cfg, (*visit).media), "media", Warn, "hands out itself")
	cfg = config(t, "rtp: {bind: 203.0.113.77, ports: 18200-18299}")
	has(t, examine(t, cfg, (*visit).media), "media", Fail, "203.0.113.77")
}

func TestAddress(t *testing.T) {
	has(t, examine(t, config(t, ""), (*visit).address), "address", OK, "127.0.0.1 is this host's")
	for advertise, want := range map[string]struct {
		level Level
		says  string
	}{
		"192.0.2.77":  {Warn, "on no interface"},
		"10.99.98.97": {Fail, "nor a public address"},
	} {
		cfg := config(t, "sip: {listen: [udp://127.0.0.1:5060], advertise: "+advertise+"}")
		has(t, examine(t, cfg, (*visit).address), "address", want.level, want.says)
	}
	cfg := config(t, "")
	cfg.SIP.Listen[0].Addr = netipAddrPort("0.0.0.0:5060")
	has(t, examine(t, cfg, (*visit).address), "address", Fail, "would be told 0.0.0.0")
	cfg.SIP.Advertise = netipAddrPort("224.0.0.1:1").Addr()
	has(t, examine(t, cfg, (*visit).address), "address", Fail, "multicast")
}

func TestMusicFilesStateClock(t *testing.T) {
	cfg := config(t, "")
	bad := filepath.Join(t.TempDir(), "bad.wav")
	if err := os.WriteFile(bad, []byte("RIFF no"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Music.Queues = map[string]configs.Path{"Sales": configs.Path(bad)}
	all := examine(t, cfg, (*visit).music, (*visit).files, (*visit).state, (*visit).clock)
	has(t, all, "music", OK, "built-in melody")
	has(t, all, "music", Fail, "music.queues.Sales")
	has(t, all, "state", OK, "can be written")
	if f := all[len(all)-1]; f.Check != "clock" || !strings.Contains(f.Message, "ticks of 20 ms") {
		t.Errorf("clock: %+v", f)
	}
	cfg.Limits.MaxLegs = 1 << 30
	has(t, examine(t, cfg, (*visit).files), "files", Fail, "are needed")
	cfg.StateDir = configs.Path(bad + "/below")
	has(t, examine(t, cfg, (*visit).state), "state", Fail, "cannot be written")
}

func TestJournal(t *testing.T) {
	has(t, examine(t, config(t, ""), (*visit).journal), "journal", OK, "takes 320MiB at most")
	has(t, examine(t, config(t, "journal: {memory: true}"), (*visit).journal), "journal", Warn, "in memory only")
	has(t, examine(t, config(t, "journal: {max_bytes: 1TiB}"), (*visit).journal), "journal", Warn, "may take 1280GiB")
	cfg := config(t, "journal: {url: \"nats://127.0.0.1:1\"}")
	has(t, examine(t, cfg, (*visit).journal), "journal", Fail, "is it running")
	cfg = config(t, "")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Journal.Dir = configs.Path(file + "/below")
	has(t, examine(t, cfg, (*visit).journal), "journal", Fail, "cannot be written")
}

// running is a daemon by hand.
type running struct{ snap callcontrol.Snapshot }

func (r running) Do(context.Context, callcontrol.Command) (callcontrol.Result, error) {
	return callcontrol.Result{}, nil
}
func (r running) Snapshot(context.Context) (callcontrol.Snapshot, error) { return r.snap, nil }
func (r running) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return journal.NewMemory[callcontrol.Event]("e", 1).Subscribe(from)
}

const trunks = `
trunks:
  - {name: pbx, server: "sip:%s", realm: pbx.test}
  - {name: other, server: "sip:127.0.0.1:9"}
agents:
  - {name: anna, line: {trunk: pbx, user: "1001", password: {env: DOCTOR_TEST_PASSWORD}}, device: {contact: "sip:127.0.0.1:5070"}}
`

// Beside a running daemon neither ports nor registrations are taken.
func TestBesideARunningDaemon(t *testing.T) {
	t.Setenv("DOCTOR_TEST_PASSWORD", "secret-1001")
	cfg := config(t, fmt.Sprintf(trunks, "127.0.0.1:5099"))
	agents := []callcontrol.AgentView{{ID: "anna", Trunk: "pbx", Registered: true}, {ID: "b", Trunk: "pbx", Line: "pbx/1002", LineReason: "403 Forbidden"}}
	s, err := control.NewServer(control.Config{Socket: string(cfg.Control.Socket)}, running{callcontrol.Snapshot{Agents: agents}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	taken, err := net.ListenPacket("udp", cfg.SIP.Listen[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	all := examine(t, cfg, (*visit).socket, (*visit).ports, (*visit).register)
	has(t, all, "socket", OK, "a daemon runs")
	has(t, all, "ports", OK, "in use by the running daemon")
	has(t, all, "register", Warn, "trunk pbx: 1 of 2 lines are registered; line pbx/1002: 403 Forbidden")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWorst(t *testing.T) {
	for want, all := range map[Level][]Finding{
		OK:   {{Level: OK}},
		Warn: {{Level: OK}, {Level: Warn}, {Level: OK}},
		Fail: {{Level: Fail}, {Level: Warn}, {Level: OK}},
	} {
		if got := Worst(all); got != want {
			t.Errorf("%v: %s", all, got)
		}
	}
}

func netipAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
