package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/internal/freeport"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// asCommand makes the test binary the command itself: see TestMain.
const asCommand = "CORDBOARD_TEST_AS_COMMAND"

// process is `cordboard serve` as a process of its own, with a PBX and a phone around it.
type process struct {
	t      *testing.T
	ctx    context.Context
	dir    string // of the configuration
	cmd    *exec.Cmd
	pbx    *sim.PBX
	phone  *sim.Phone
	client *control.Client
}

func startProcess(t *testing.T) *process { return startProcessWith(t, "", nil) }

// startProcessWith adds to the configuration, and files beside it.
func startProcessWith(t *testing.T, more string, files map[string]string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a start on a busy host takes its time
	t.Cleanup(cancel)
	p := &process{t: t, ctx: ctx}
	local := netip.MustParseAddrPort("127.0.0.1:0")
	var err error
	p.pbx, err = sim.NewPBX(sim.PBXConfig{Addr: local, Accounts: []sim.Account{{User: "1001", Password: "line"}}})
	p.must(err)
	p.background(p.pbx.Run)
	port, err := freeport.Deal()
	p.must(err)
	sip := netip.AddrPortFrom(local.Addr(), port)
	dir := t.TempDir()
	p.dir = dir
	for name, text := range files {
		p.must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	}
	for _, f := range []string{"line", "phone"} {
		p.must(os.WriteFile(filepath.Join(dir, f), []byte(f), 0o600))
	}
	config := filepath.Join(dir, "cordboard.yaml")
	p.must(os.WriteFile(config, fmt.Appendf(nil, `sip: {listen: ["udp://%s"]}
rtp: {bind: 127.0.0.1, ports: 18000-18099}
control: {socket: s}
state_dir: state
trunks: [{name: pbx, server: "sip:%s;transport=udp"}]
agents: [{name: anna, line: {trunk: pbx, user: "1001", password: {file: line}}, device: {user: phone, password: {file: phone}}}]
%s`, sip, p.pbx.Addr(), more), 0o600))
	p.cmd = exec.CommandContext(ctx, os.Args[0], "serve", config)
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	p.cmd.Stderr = &log
	p.must(p.cmd.Start())
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil { // the test failed before its end; the log is whole when it has gone
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	p.until("the socket answers", func() bool {
		p.client, err = control.Dial(filepath.Join(dir, "s"))
		if err != nil {
			return false
		}
		if _, err = p.client.Snapshot(ctx); err != nil {
			p.client.Close()
		}
		return err == nil
	})
	t.Cleanup(func() { p.client.Close() })
	p.phone, err = sim.NewPhone(sim.PhoneConfig{Addr: local.Addr(), Server: sip, User: "phone", Password: "phone", AutoAnswer: true})
	p.must(err)
	p.background(p.phone.Run)
	p.must(p.phone.WaitRegistered(ctx))
	p.must(p.pbx.WaitRegistered(ctx, 1))
	p.until("the desk knows that it can work", func() bool {
		s, err := p.client.Snapshot(ctx)
		return err == nil && s.Agents[0].Registered && s.Agents[0].Device.Reachable
	})
	return p
}

func (p *process) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) background(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = f(ctx) }()
	p.t.Cleanup(func() { cancel(); <-done })
}

func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.ctx.Done():
			p.t.Fatalf("not so in time: %s", what)
		}
	}
}

// talk is a customer and anna in a call.
func (p *process) talk() (customer, device *sim.Party) {
	p.t.Helper()
	customer, err := p.pbx.Call(sipua.Identity{Number: "380441234567"}, "1001", sim.Tone(-20, 1000))
	p.must(err)
	p.must(customer.Wait(p.ctx, sim.StateRinging))
	p.until("the call is answered", func() bool {
		_, err := p.client.Do(p.ctx, callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: "anna"})
		return err == nil
	})
	p.must(customer.Wait(p.ctx, sim.StateTalking))
	device, err = p.phone.Last()
	p.must(err)
	return customer, device
}

func (p *process) signal() { p.must(p.cmd.Process.Signal(syscall.SIGTERM)) }

func (p *process) draining() bool {
	s, err := p.client.Snapshot(p.ctx)
	return err == nil && s.Draining
}

func (p *process) exit() int {
	p.t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// One signal lets the call end by itself; then the process is gone with code 0.
func TestProcessDrains(t *testing.T) {
	p := startProcess(t)
	customer, device := p.talk()
	p.signal()
	p.until("it drains", p.draining)
	if customer.State() != sim.StateTalking {
		t.Errorf("the customer is %s while the daemon drains", customer.State())
	}
	customer.Hangup()
	p.must(device.Wait(p.ctx, sim.StateEnded))
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

// The second signal sends BYE to all.
func TestProcessForced(t *testing.T) {
	p := startProcess(t)
	customer, device := p.talk()
	p.signal()
	p.until("it drains", p.draining)
	p.signal()
	for _, party := range []*sim.Party{customer, device} {
		p.must(party.Wait(p.ctx, sim.StateEnded))
		if _, cause, byPeer := party.Outcome(); cause != sipua.CauseHangup || !byPeer {
			t.Errorf("%s ended with %s, want a BYE of the daemon", party.Name, cause)
		}
	}
	if code := p.exit(); code != exitForced {
		t.Errorf("exit code %d, want %d", code, exitForced)
	}
}
