package daemon

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// need skips the test when a real peer is not installed, and fails it when INTEROP=required.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("INTEROP") == "required" {
				t.Fatalf("INTEROP=required and %s is not installed", p)
			}
			t.Skipf("SKIPPED: %s is not installed", p)
		}
	}
}

// peer is a real SIP program started by a test.
type peer struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  *output
	done chan error
}

// output keeps the last of what a peer printed.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() < 1<<20 {
		o.b.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs a peer until the test ends. The kernel ends it when this process dies.
func start(t *testing.T, dir, name string, args ...string) *peer {
	t.Helper()
	p := &peer{t: t, name: name, cmd: exec.Command(name, args...), out: &output{}, done: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.cmd.WaitDelay = 2 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, tail(p.out.String(), 4000))
		}
	})
	return p
}

// stop signals the peer's own process group and waits for its end.
func (p *peer) stop(sig syscall.Signal) {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, sig)
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		p.done <- <-p.done
	}
}

// wait returns when the peer has ended by itself.
func (p *peer) wait(limit time.Duration) error {
	p.t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(limit):
		return fmt.Errorf("%s still runs after %v", p.name, limit)
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// kamailio is a registrar and proxy with digest: any user X has password pwX.
type kamailio struct {
	peer *peer
	port uint16
	dir  string
}

func startKamailio(t *testing.T, port, outside, trusted uint16) *kamailio {
	t.Helper()
	need(t, "kamailio", "kamcmd")
	k := &kamailio{port: port, dir: t.TempDir()}
	tmpl := template.Must(template.ParseFiles("testdata/kamailio.cfg.tmpl"))
	var b bytes.Buffer
	if err := tmpl.Execute(&b, map[string]any{"Port": port, "OutsidePort": outside, "TrustedPort": trusted, "Dir": k.dir}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, "kamailio.cfg"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k.run(t)
	return k
}

func (k *kamailio) run(t *testing.T) {
	k.peer = start(t, k.dir, "kamailio", "-f", filepath.Join(k.dir, "kamailio.cfg"), "-DD", "-E", "-Y", k.dir)
}

// users is how many addresses of record are registered.
func (k *kamailio) users() int {
	out, err := exec.Command("kamcmd", "-s", "unix:"+filepath.Join(k.dir, "kamailio_ctl"), "ul.dump", "brief").Output()
	if err != nil {
		return -1
	}
	return strings.Count(string(out), "AoR: ")
}
