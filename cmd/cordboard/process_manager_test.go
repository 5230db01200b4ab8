package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"cordboard/sim"
)

// serviceManager is systemd's end of NOTIFY_SOCKET, and asks for the watchdog.
type serviceManager struct {
	t     *testing.T
	conn  *net.UnixConn
	heard []string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "2000000")
	t.Setenv("WATCHDOG_PID", "")
	return &serviceManager{t: t, conn: c}
}

// until reads what the service says up to a message that fits.
func (m *serviceManager) until(pattern string) {
	m.t.Helper()
	want := regexp.MustCompile(`(?s)^` + pattern + `$`)
	buf := make([]byte, 4096)
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		m.t.Fatal(err)
	}
	for {
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("no message like %s: %v; heard %q", pattern, err, m.heard)
		}
		m.heard = append(m.heard, string(buf[:n]))
		if want.Match(buf[:n]) {
			return
		}
	}
}

// TestProcessUnderManager plays the life of a notify-reload service: it is ready, feeds its watchdog, reloads at SIGHUP with a word before and
// after, says where a mistake in the file is and goes on by the old one, and tells that it stops. The call of that time goes on.
func TestProcessUnderManager(t *testing.T) {
	m := newServiceManager(t)
	p := startProcess(t)
	m.until(`READY=1\nSTATUS=1 agents at 1 trunks\n`)
	m.until(`WATCHDOG=1\n?`)
	customer, device := p.talk()

	config := filepath.Join(p.dir, "cordboard.yaml")
	good, err := os.ReadFile(config)
	p.must(err)
	reload := func(text []byte, outcome string) {
		t.Helper()
		p.must(os.WriteFile(config, text, 0o600))
		p.must(p.cmd.Process.Signal(syscall.SIGHUP))
		m.until(`RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+\n`)
		m.until(`READY=1\nSTATUS=` + outcome + `\n`)
	}
	line := bytes.Count(good, []byte("\n")) + 1
	reload(append(bytes.Clone(good), "clals: {drain: 1s}\n"...), `1 agents at 1 trunks; reload refused: .*cordboard\.yaml:`+strconv.Itoa(line)+`:1\)`)
	reload(append(bytes.Clone(good), "calls: {drain: 4m}\nlog: {level: debug}\n"...), `1 agents at 1 trunks; reloaded: [^;]+`)
	reload(bytes.Replace(good, []byte("state_dir: state"), []byte("state_dir: other"), 1), `1 agents at 1 trunks; reload refused: .*state_dir.*`)
	m.until(`WATCHDOG=1\n?`)

	for _, party := range []*sim.Party{customer, device} {
		if party.State() != sim.StateTalking {
			t.Errorf("%s is %s after the reloads", party.Name, party.State())
		}
	}
	p.signal()
	m.until(`STOPPING=1\nSTATUS=.*EXTEND_TIMEOUT_USEC=270000000\n`) // the drain of the second file, and 30 s
	customer.Hangup()
	p.must(device.Wait(p.ctx, sim.StateEnded))
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}
