package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/internal/freeport"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// crowd is a daemon as a process with one adapter (tried) and many agents, each with a phone that answers when it is asked to.
type crowd struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	cmd    *exec.Cmd
	log    bytes.Buffer
	pbx    *sim.PBX
	phones []*sim.Phone
	client *control.Client
	numbers

	life   context.Context // of PBX and phones
	around sync.WaitGroup
}

// numbers gives each customer another one: whom an adapter knows is told for each call.
type numbers struct {
	mu    sync.Mutex
	next  int
	first string // of the first one; empty: as the others
}

func (n *numbers) number() (int, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	if n.next == 1 && n.first != "" {
		return n.next, n.first
	}
	return n.next, fmt.Sprint(380440000000 + n.next)
}

// newCrowd starts everything, with the adapter of tried. media is the first of 600 ports for media.
func newCrowd(t *testing.T, agents, media int, limit time.Duration) *crowd {
	t.Helper()
	return newCrowdWith(t, agents, media, limit, func(folder string) string {
		return fmt.Sprintf("command: [%q], env: {%s: %q, GORACE: atexit_sleep_ms=0}, config: {folder: %[3]q}", os.Args[0], asAdapter, folder)
	})
}

// newCrowdWith has another adapter: what stands in its braces, of the configuration's folder.
func newCrowdWith(t *testing.T, agents, media int, limit time.Duration, adapter func(folder string) string) *crowd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	life, end := context.WithCancel(context.Background())
	c := &crowd{t: t, ctx: ctx, dir: t.TempDir(), life: life}
	t.Cleanup(func() { end(); c.around.Wait() })
	here := netip.MustParseAddr("127.0.0.1")
	cfg := sim.PBXConfig{Addr: netip.AddrPortFrom(here, 0)}
	var desks strings.Builder
	for i := range agents {
		for _, kind := range []string{"line", "phone"} {
			c.must(os.WriteFile(filepath.Join(c.dir, kind+user(i)), []byte(kind+user(i)), 0o600))
		}
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: user(i), Password: "line" + user(i)})
		fmt.Fprintf(&desks, "  - {name: a%[1]d, line: {trunk: pbx, user: %[2]q, password: {file: line%[2]s}}, device: {user: phone%[2]s, password: {file: phone%[2]s}}}\n", i, user(i))
	}
	var err error
	c.pbx, err = sim.NewPBX(cfg)
	c.must(err)
	c.background(c.pbx.Run)
	port, err := freeport.Deal()
	c.must(err)
	at := netip.AddrPortFrom(here, port)
	config := filepath.Join(c.dir, "c.yaml")
	c.must(os.WriteFile(config, fmt.Appendf(nil, `sip: {listen: ["udp://%s"]}
rtp: {bind: 127.0.0.1, ports: %d-%d, quarantine: 0s}
control: {socket: s}
state_dir: state
log: {level: warn}
limits: {edge: {per_source: 10000, total: 10000}}
trunks: [{name: pbx, server: "sip:%s;transport=udp"}]
adapters:
  - {name: crm, %s}
agents:
%s`, at, media, media+599, c.pbx.Addr(), adapter(c.dir), strings.ReplaceAll(desks.String(), `file: line"`, "file: line")), 0o600))
	c.start(config)
	c.register(at, agents)
	c.running()
	return c
}

func (c *crowd) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) until(what string, ok func() bool) {
	c.t.Helper()
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-c.ctx.Done():
			c.t.Fatalf("not so in time: %s", what)
		}
	}
}

// background runs f until the test ends; all end together.
func (c *crowd) background(f func(context.Context) error) {
	c.around.Go(func() { _ = f(c.life) })
}

// start runs the daemon until its socket answers.
func (c *crowd) start(config string) {
	c.t.Helper()
	c.cmd = exec.CommandContext(c.ctx, os.Args[0], "serve", config)
	c.cmd.Env = append(os.Environ(), asCommand+"=1")
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.Stderr = &c.log
	c.must(c.cmd.Start())
	c.t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
		if c.t.Failed() {
			c.t.Logf("the daemon's log ends with\n%s", c.log.Bytes()[max(0, c.log.Len()-20_000):])
		}
	})
	c.until("the socket answers", func() bool {
		var err error
		if c.client, err = control.Dial(filepath.Join(c.dir, "s")); err != nil {
			return false
		}
		if _, err = c.client.Snapshot(c.ctx); err != nil {
			c.client.Close()
		}
		return err == nil
	})
	c.t.Cleanup(func() { c.client.Close() })
}

func (c *crowd) register(at netip.AddrPort, agents int) {
	c.t.Helper()
	for i := range agents {
		phone, err := sim.NewPhone(sim.PhoneConfig{Addr: at.Addr(), Server: at, User: "phone" + user(i), Password: "phone" + user(i), AutoAnswer: true})
		c.must(err)
		c.background(phone.Run)
		c.phones = append(c.phones, phone)
	}
	c.until("every agent can work", func() bool {
		s, err := c.client.Snapshot(c.ctx)
		c.must(err)
		for _, a := range s.Agents {
			if !a.Registered || !a.Device.Reachable {
				return false
			}
		}
		return true
	})
}

func (c *crowd) adapter() control.AdapterStatus {
	c.t.Helper()
	s, err := c.client.Status(c.ctx)
	c.must(err)
	return s.Adapters[0]
}

// running is the adapter's process, once it runs again.
func (c *crowd) running() control.AdapterStatus {
	c.t.Helper()
	var s control.AdapterStatus
	c.until("the adapter runs", func() bool {
		s = c.adapter()
		return s.PID != 0 && (s.State == control.AdapterRunning || s.State == control.AdapterDegraded)
	})
	return s
}

// setUp lets a customer call an agent, who answers by command. It gives both ends of the talk and how long the two ways of
// signalling took: from INVITE to ringing, and from the command to the answer.
func (c *crowd) setUp(agent int) (customer, device *sim.Party, took time.Duration, err error) {
	n, number := c.number()
	before := c.phones[agent].Calls()
	begun := time.Now()
	if customer, err = c.pbx.Call(sipua.Identity{Display: strconv.Itoa(n % 4), Number: number}, user(agent), sim.Tone(-20, 1000)); err != nil {
		return nil, nil, 0, err
	}
	if err = customer.Wait(c.ctx, sim.StateRinging); err != nil {
		return nil, nil, 0, fmt.Errorf("call of %s: %w", number, err)
	}
	took = time.Since(begun)
	if _, err = c.phones[agent].Call(c.ctx, before+1); err != nil { // it rings
		return nil, nil, 0, err
	}
	begun = time.Now()
	if _, err = c.client.Do(c.ctx, callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: name(agent)}); err != nil {
		return nil, nil, 0, err
	}
	if err = customer.Wait(c.ctx, sim.StateTalking); err != nil {
		return nil, nil, 0, fmt.Errorf("call of %s: %w", number, err)
	}
	took += time.Since(begun)
	for device == nil || device.State() != sim.StateTalking {
		if device, err = c.phones[agent].Last(); err != nil {
			return nil, nil, 0, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-c.ctx.Done():
			return nil, nil, 0, c.ctx.Err()
		}
	}
	return customer, device, took, nil
}

// talks sets a call up for each of the first agents.
func (c *crowd) talks(agents int) (parties []*sim.Party) {
	c.t.Helper()
	parties = make([]*sim.Party, 2*agents)
	var all errgroup.Group
	all.SetLimit(8)
	for i := range agents {
		all.Go(func() (err error) {
			parties[2*i], parties[2*i+1], _, err = c.setUp(i)
			return err
		})
	}
	c.must(all.Wait())
	return parties
}

// over hangs the customers up and waits until nobody talks.
func (c *crowd) over(parties ...*sim.Party) {
	c.t.Helper()
	for i := 0; i < len(parties); i += 2 {
		parties[i].Hangup()
	}
	for _, p := range parties {
		c.must(p.Wait(c.ctx, sim.StateEnded))
	}
}

// stop ends the daemon in order.
func (c *crowd) stop() {
	c.t.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGTERM))
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the daemon ended with %v", err)
	}
}

// memory is the daemon's resident memory in MiB: now, and the most that it ever was.
func (c *crowd) memory() (now, most int) {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	c.must(err)
	for line := range strings.SplitSeq(string(text), "\n") {
		for prefix, to := range map[string]*int{"VmRSS:": &now, "VmHWM:": &most} {
			if v, ok := strings.CutPrefix(line, prefix); ok {
				kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
				c.must(err)
				*to = kib >> 10
			}
		}
	}
	return now, most
}

// mood changes what the adapter does.
func (c *crowd) mood(m string) {
	c.t.Helper()
	tmp := filepath.Join(c.dir, "mood.new")
	c.must(os.WriteFile(tmp, []byte(m), 0o600))
	c.must(os.Rename(tmp, filepath.Join(c.dir, "mood")))
}

// life is what one process of the adapter recorded.
type life struct {
	from uint64 // it began behind this event
	took []uint64
}

func (c *crowd) lives() (lives []life) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "record"))
	c.must(err)
	for line := range strings.SplitSeq(string(text), "\n") {
		var n uint64
		switch _, err := fmt.Sscanf(line, "start %d", &n); {
		case err == nil:
			lives = append(lives, life{from: n})
		case line != "":
			n, err := strconv.ParseUint(line, 10, 64)
			c.must(err)
			l := &lives[len(lives)-1]
			l.took = append(l.took, n)
		}
	}
	return lives
}
