package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cordboard/internal/freeport"
	"cordboard/plugins/control"
)

// password of every line and phone, given to the daemon by environment.
const (
	password    = "bench-secret"
	passwordEnv = "CORDBOARD_BENCH_PASSWORD"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// child is the daemon that is measured.
type child struct {
	cmd    *exec.Cmd
	client *control.Client
	sip    netip.AddrPort
	dir    string
	log    *os.File
}

// start runs the daemon with agents lines at the PBX and returns once its control socket answers.
func start(ctx context.Context, o options, pbx netip.AddrPort, agents int, extra string) (*child, error) {
	c, err := newChild(o, pbx, agents, extra)
	if err == nil {
		err = c.launch(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// newChild makes the folder of a daemon with its configuration.
func newChild(o options, pbx netip.AddrPort, agents int, extra string) (*child, error) {
	dir, err := os.MkdirTemp("", "cordboard-bench-")
	if err != nil {
		return nil, err
	}
	c := &child{dir: dir}
	port, err := freeport.Deal()
	if err != nil {
		return c, err
	}
	c.sip = netip.AddrPortFrom(loopback, port)
	if err = os.WriteFile(c.path("cordboard.yaml"), configuration(pbx, c.sip, agents, o.rate, extra), 0o644); err != nil {
		return c, err
	}
	c.log, err = os.Create(filepath.Join(o.out, "daemon.log"))
	return c, err
}

// path is a file in the daemon's folder.
func (c *child) path(name string) string { return filepath.Join(c.dir, name) }

// launch starts the daemon's process.
func (c *child) launch(ctx context.Context, o options) error {
	cmd := exec.Command(o.bin, "serve", c.path("cordboard.yaml"))
	cmd.Env = append(os.Environ(), passwordEnv+"="+password)
	cmd.Stderr, cmd.Stdout = c.log, c.log
	if err := cmd.Start(); err != nil {
		return err
	}
	c.cmd = cmd
	return c.connect(ctx)
}

// kill ends the daemon as kill -9 does.
func (c *child) kill() error {
	_ = c.client.Close()
	err := c.cmd.Process.Kill()
	_ = c.cmd.Wait() // which tells of the signal
	c.client, c.cmd = nil, nil
	return err
}

func (c *child) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	if c.client, err = control.Dial(c.path("control.sock")); err != nil {
		return err
	}
	for {
		if _, err = c.client.Snapshot(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the daemon did not come up (see daemon.log): %w", err)
		}
	}
}

// stop ends the daemon as an operator would. It must end by itself and with status 0.
func (c *child) stop() error {
	if c == nil {
		return nil
	}
	defer os.RemoveAll(c.dir)
	if c.client != nil {
		_ = c.client.Close()
	}
	if c.log != nil {
		defer c.log.Close()
	}
	if c.cmd == nil {
		return nil
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the daemon's end: %w", err)
	}
	return nil
}

// clockTick is the unit of times in /proc/PID/stat, USER_HZ: 100 a second on every Linux port that Go has.
const clockTick = 10 * time.Millisecond

// cpu is the processor time that the daemon has used, user and system, in steps of 10 ms.
func (c *child) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // from field 3 on: see proc(5)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has %d fields", len(f))
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// rss is the daemon's resident memory in bytes.
func (c *child) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc/PID/status")
}

// during is the processor time that the daemon uses while f runs.
func (c *child) during(f func() error) (time.Duration, error) {
	before, err := c.cpu()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := c.cpu()
	return after - before, err
}

// rest waits and then reads the memory.
func (c *child) rest(ctx context.Context, d time.Duration) (float64, error) {
	if err := pause(ctx, d); err != nil {
		return 0, err
	}
	return c.rss()
}

// free waits until no desk has a call: parties know the end of a call a little before the desk does.
func (c *child) free(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		snap, err := c.client.Snapshot(ctx)
		if err != nil {
			return err
		}
		busy := 0
		for _, a := range snap.Agents {
			if a.Busy {
				busy++
			}
		}
		if busy == 0 && len(snap.Calls) == 0 {
			return nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("%d agents are still busy, with %d calls", busy, len(snap.Calls))
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
