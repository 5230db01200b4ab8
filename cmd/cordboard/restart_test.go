package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// phases are what the daemon is killed in, one agent in each.
var phases = []struct {
	name string
	act  func(p *killing, agent int, customer *sim.Party)
}{
	{"talk", func(*killing, int, *sim.Party) {}},
	{"hold", func(p *killing, agent int, _ *sim.Party) { p.do(agent, callcontrol.KindHold, "") }},
	{"consult", func(p *killing, agent int, _ *sim.Party) { p.consult(agent) }},
	{"consult, back with the customer", func(p *killing, agent int, _ *sim.Party) {
		p.consult(agent)
		p.do(agent, callcontrol.KindSwap, "")
	}},
	{"conference", func(p *killing, agent int, _ *sim.Party) {
		p.consult(agent)
		p.do(agent, callcontrol.KindConference, "")
	}},
	{"bridged", func(p *killing, agent int, _ *sim.Party) {
		p.consult(agent)
		p.do(agent, callcontrol.KindComplete, "")
	}},
	{"consult that rings", func(p *killing, agent int, _ *sim.Party) { p.ring(agent, callcontrol.KindConsult) }},
	{"blind transfer that rings", func(p *killing, agent int, _ *sim.Party) { p.ring(agent, callcontrol.KindBlind) }},
	{"ringing", nil},  // the customer's call is not answered
	{"dialling", nil}, // the agent has called, and it rings
}

// killing is a daemon that is killed and started again, with all that talks to it.
type killing struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	sip    netip.AddrPort
	figure netip.AddrPort // where its metrics are
	pbx    *sim.PBX
	cmd    *exec.Cmd
	gone   <-chan struct{} // closed when it has ended
	client *control.Client
	log    bytes.Buffer

	mu      sync.Mutex
	parties []*sim.Party // of the run that is under way, at the PBX
	phones  []*sim.Phone
}

// Killed with kill -9 in every phase at once, the daemon ends all that it left when it is started again: at every peer, in its
// own tables, and to those who follow its events, once.
func TestProcessKilled(t *testing.T) {
	p := newKilling(t)
	whole := os.Getenv("KILLS") != ""
	if whole {
		p.kill()
		p.client.Close()
		p.fill(100_000)
		p.start()
	}
	var followed journal.Cursor
	var ups, ends []time.Duration
	for run := range rounds(t, 2) {
		stopPhones := p.run()
		p.phasesUp()
		alive, err := p.client.Snapshot(p.ctx)
		p.must(err)
		if len(alive.Calls) < len(phases) {
			t.Fatalf("%d calls", len(alive.Calls))
		}
		_, err = p.once(run, "back")
		p.must(err)
		p.stored()
		p.kill()
		p.client.Close()

		begin := time.Now()
		p.start()
		up := time.Since(begin)
		p.partiesEnd()
		ups, ends = append(ups, up), append(ends, time.Since(begin))
		if s, err := p.client.Snapshot(p.ctx); err != nil || len(s.Calls)+len(s.Transfers) != 0 {
			t.Errorf("after the restart: %+v, %v", s.Calls, err)
		}
		followed = p.follow(followed, alive)
		p.closed(alive)
		p.remembered(run)
		p.until("the calls are counted", func() bool { return p.metric(fmt.Sprint("cordboard_orphan_calls_total ", len(alive.Calls))) })
		stopPhones()
	}
	for _, all := range [][]time.Duration{ups, ends} {
		slices.Sort(all)
	}
	t.Logf("%d kills in each of %d phases: up after %v, all ended after %v (median; longest %v and %v)", len(ups), len(phases),
		ups[len(ups)/2], ends[len(ends)/2], ups[len(ups)-1], ends[len(ends)-1])
	if slowest := ups[len(ups)-1]; whole && slowest > 2*time.Second {
		t.Errorf("with 100,000 events a start takes up to %v", slowest)
	}
	if slowest := ends[len(ends)-1]; whole && slowest > restartLimit {
		t.Errorf("from the restart until nothing is left at any peer: up to %v", slowest)
	}
	stopPhones := p.run()
	p.answered(0)
	p.stop()
	stopPhones()
	p.nothingLeft()
}

func newKilling(t *testing.T) *killing { return newKillingWith(t, "") }

// newKillingWith adds to the configuration.
func newKillingWith(t *testing.T, more string) *killing {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+time.Duration(rounds(t, 0))*20*time.Second)
	t.Cleanup(cancel)
	here := netip.MustParseAddr("127.0.0.1")
	p := &killing{t: t, ctx: ctx, dir: t.TempDir(), sip: netip.AddrPortFrom(here, freePort(t)), figure: netip.AddrPortFrom(here, freePort(t))}
	cfg := sim.PBXConfig{
		Addr: netip.MustParseAddrPort("127.0.0.1:0"),
		Plan: map[string]sim.Behaviour{"2001": {}, "2100": {Silent: true}},
	}
	for i := range dialled {
		cfg.Plan[fmt.Sprint(firstDialled+i)] = sim.Behaviour{Silent: i%2 > 0}
	}
	var agents strings.Builder
	for i := range phases {
		for _, kind := range []string{"line", "phone"} {
			p.must(os.WriteFile(filepath.Join(p.dir, kind+user(i)), []byte(kind+user(i)), 0o600))
		}
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: user(i), Password: "line" + user(i)})
		fmt.Fprintf(&agents, "  - {name: a%[1]d, line: {trunk: pbx, user: %[2]q, password: {file: line%[3]s}}, device: {user: phone%[3]s, password: {file: phone%[3]s}}}\n", i, user(i), user(i))
	}
	var err error
	p.pbx, err = sim.NewPBX(cfg)
	p.must(err)
	stop := p.background(p.pbx.Run)
	t.Cleanup(stop)
	p.must(os.WriteFile(filepath.Join(p.dir, "c.yaml"), fmt.Appendf(nil, `sip: {listen: ["udp://%s"]}
rtp: {bind: 127.0.0.1, ports: 18100-18399, quarantine: 0s}
control: {socket: s}
state_dir: state
log: {level: warn}
metrics: {listen: %s}
trunks: [{name: pbx, server: "sip:%s;transport=udp"}]
limits: {dial: {allow: ["*"]}}
agents:
%s%s`, p.sip, p.figure, p.pbx.Addr(), agents.String(), more), 0o600))
	p.start()
	t.Cleanup(func() {
		p.kill()
		p.client.Close()
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

func user(i int) string { return fmt.Sprint(1001 + i) }

// freePort is a port for SIP over UDP that stays free over a restart: those of sockets bound to any port are elsewhere.
func freePort(t *testing.T) uint16 {
	t.Helper()
	for range 100 {
		port := uint16(10000 + rand.IntN(8000))
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
		if err == nil {
			c.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (p *killing) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *killing) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = f(ctx) }()
	return func() { cancel(); <-done }
}

// start runs the daemon until its socket answers. On a host that is too busy it may give up, and is started again, as a
// service manager does.
func (p *killing) start() {
	p.t.Helper()
	p.spawn()
	p.until("the socket answers", func() bool {
		select {
		case <-p.gone:
			p.spawn()
		default:
		}
		var err error
		if p.client, err = control.Dial(filepath.Join(p.dir, "s")); err != nil {
			return false
		}
		if _, err = p.client.Snapshot(p.ctx); err != nil {
			p.client.Close()
		}
		return err == nil
	})
}

func (p *killing) spawn() {
	p.t.Helper()
	cmd, gone := exec.CommandContext(p.ctx, os.Args[0], "serve", filepath.Join(p.dir, "c.yaml")), make(chan struct{})
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = &p.log
	p.must(cmd.Start())
	p.cmd, p.gone = cmd, gone
	go func() { defer close(gone); _ = cmd.Wait() }()
}

func (p *killing) until(what string, ok func() bool) {
	p.t.Helper()
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-p.ctx.Done():
			p.t.Fatalf("not so in time: %s", what)
		}
	}
}

// metric reports whether the daemon's figures have all these lines.
func (p *killing) metric(lines ...string) bool {
	p.t.Helper()
	res, err := http.Get("http://" + p.figure.String() + "/metrics")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	p.must(err)
	for _, line := range lines {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			return false
		}
	}
	return true
}

// run brings the agents' phones up and waits until every agent can work.
func (p *killing) run() (stop func()) {
	p.t.Helper()
	var stops []func()
	p.phones, p.parties = nil, nil
	for i := range phases {
		phone, err := sim.NewPhone(sim.PhoneConfig{Addr: p.sip.Addr(), Server: p.sip, User: "phone" + user(i), Password: "phone" + user(i), AutoAnswer: true})
		p.must(err)
		stops = append(stops, p.background(phone.Run))
		p.phones = append(p.phones, phone)
	}
	p.until("every agent can work", func() bool {
		s, err := p.client.Snapshot(p.ctx)
		p.must(err)
		for _, a := range s.Agents {
			if !a.Registered || !a.Device.Reachable {
				return false
			}
		}
		return true
	})
	return func() {
		var all sync.WaitGroup
		for _, s := range stops {
			all.Go(s)
		}
		all.Wait()
	}
}

// phasesUp brings every agent into its phase.
func (p *killing) phasesUp() {
	p.t.Helper()
	var all errgroup.Group
	for i, phase := range phases {
		all.Go(func() error {
			switch {
			case phase.act != nil:
				phase.act(p, i, p.answered(i))
			case phase.name == "ringing":
				p.call(i)
			default:
				p.ring(i, callcontrol.KindDial)
			}
			return nil
		})
	}
	p.must(all.Wait())
}

// call is a customer's call that rings.
func (p *killing) call(agent int) *sim.Party {
	customer, err := p.pbx.Call(sipua.Identity{Number: fmt.Sprint(380440000000 + agent)}, user(agent), sim.Tone(-20, 1000))
	p.must(err)
	p.must(customer.Wait(p.ctx, sim.StateRinging))
	p.keep(customer)
	return customer
}

// answered is a customer's call that the agent has answered.
func (p *killing) answered(agent int) *sim.Party {
	customer := p.call(agent)
	p.do(agent, callcontrol.KindAnswer, "")
	p.must(customer.Wait(p.ctx, sim.StateTalking))
	return customer
}

func (p *killing) keep(party *sim.Party) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parties = append(p.parties, party)
}

func name(agent int) callcontrol.AgentID { return callcontrol.AgentID(fmt.Sprintf("a%d", agent)) }

// do carries a command out, as soon as the agent's state allows it.
func (p *killing) do(agent int, kind callcontrol.Kind, number callcontrol.Number) {
	p.until(string(kind), func() bool {
		c := callcontrol.Command{Kind: kind, Agent: name(agent), Number: number}
		if kind != callcontrol.KindDial {
			s, err := p.client.Snapshot(p.ctx)
			p.must(err)
			for _, v := range s.Calls {
				if v.Agent == c.Agent {
					c.Call = v.ID // the customer's comes first
					break
				}
			}
		}
		_, err := p.client.Do(p.ctx, c)
		return err == nil
	})
}

// consult is a consultation in which the target talks.
func (p *killing) consult(agent int) {
	p.do(agent, callcontrol.KindConsult, "2001")
	p.phase(agent, callcontrol.PhaseTalking, "2001")
}

// ring calls a number that rings.
func (p *killing) ring(agent int, kind callcontrol.Kind) {
	p.do(agent, kind, "2100")
	p.until("2100 rings", func() bool {
		s, err := p.client.Snapshot(p.ctx)
		p.must(err)
		for _, c := range s.Calls {
			for _, l := range c.Legs {
				if c.Agent == name(agent) && l.State == callcontrol.LegAlerting {
					return true
				}
			}
		}
		return false
	})
}

func (p *killing) phase(agent int, phase callcontrol.Phase, remote callcontrol.Number) {
	p.until(fmt.Sprint(phase, " with ", remote), func() bool {
		s, err := p.client.Snapshot(p.ctx)
		p.must(err)
		for _, c := range s.Calls {
			if c.Agent == name(agent) && c.Phase == phase && c.Remote.Number == remote {
				return true
			}
		}
		return false
	})
}

// allParties are customers, numbers that were called, and phones.
func (p *killing) allParties() []*sim.Party {
	p.t.Helper()
	parties := p.parties
	numbers := []string{"2001", "2100"}
	for i := range dialled {
		numbers = append(numbers, fmt.Sprint(firstDialled+i))
	}
	for _, number := range numbers {
		for n := range p.pbx.Calls(number) {
			party, err := p.pbx.Called(p.ctx, number, n+1)
			p.must(err)
			parties = append(parties, party)
		}
	}
	for _, phone := range p.phones {
		for n := range phone.Calls() {
			party, err := phone.Call(p.ctx, n+1)
			p.must(err)
			parties = append(parties, party)
		}
	}
	return parties
}

// partiesEnd waits for the end of every party's call.
func (p *killing) partiesEnd() {
	p.t.Helper()
	late, cancel := context.WithTimeout(p.ctx, restartLimit)
	defer cancel()
	for _, party := range p.allParties() {
		if err := party.Wait(late, sim.StateEnded); err != nil {
			p.t.Error(err)
		}
	}
}

// follow reads the events that an adapter reads that was at a cursor: each call that was alive when the daemon was killed ends
// once, and nothing is left out.
func (p *killing) follow(from journal.Cursor, alive callcontrol.Snapshot) journal.Cursor {
	p.t.Helper()
	s, err := p.client.Snapshot(p.ctx)
	p.must(err)
	ends, legs, live := map[callcontrol.CallID][]callcontrol.Cause{}, map[callcontrol.LegID]int{}, callcontrol.Live{}
	sub := p.client.Subscribe(from)
	for from.Epoch != s.Cursor.Epoch || from.Seq < s.Cursor.Seq {
		e, err := sub.Next(p.ctx)
		p.must(err)
		if e.Gap != nil {
			p.t.Fatalf("gap %+v", *e.Gap)
		}
		from = e.Cursor
		live.Apply(&e.Event)
		switch e.Event.Kind {
		case callcontrol.EventCallEnded:
			ends[e.Event.CallID] = append(ends[e.Event.CallID], e.Event.Cause)
		case callcontrol.EventLegEnded:
			legs[e.Event.Leg]++
		}
	}
	for _, c := range alive.Calls {
		if got := ends[c.ID]; len(got) != 1 || got[0] != callcontrol.CauseGatewayRestart {
			p.t.Errorf("call %s of %s (%s) ended by the events: %v", c.ID, c.Agent, c.Phase, got)
		}
		for _, l := range c.Legs {
			if legs[l.ID] != 1 {
				p.t.Errorf("leg %s of %s ended %d times by the events", l.ID, c.Agent, legs[l.ID])
			}
		}
	}
	p.recorded(alive)
	if len(live.Calls)+len(live.Transfers) != 0 {
		p.t.Errorf("by the events there are still %+v", live)
	}
	return from
}

// stop ends the daemon by two signals, the second of which hangs up.
func (p *killing) stop() {
	p.t.Helper()
	p.must(p.cmd.Process.Signal(syscall.SIGTERM))
	p.until("it drains", func() bool {
		s, err := p.client.Snapshot(p.ctx)
		return err == nil && s.Draining
	})
	p.must(p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.gone
	p.client.Close()
}

// stored waits until the journal has everything: after a kill in between, followers would be told of a gap.
func (p *killing) stored() {
	p.t.Helper()
	p.until("everything is stored", func() bool {
		return p.metric("cordboard_journal_pending 0", "cordboard_journal_degraded 0", "cordboard_journal_state_pending 0")
	})
}

// kill ends the daemon as the kernel does it.
func (p *killing) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// nothingLeft looks into the tables of a daemon that was stopped.
func (p *killing) nothingLeft() {
	p.t.Helper()
	store, err := journal.Open(p.ctx, journal.Config{Dir: filepath.Join(p.dir, "state", "journal"), Log: slog.New(slog.DiscardHandler)})
	p.must(err)
	defer store.Close()
	for _, name := range []string{"legs", "living"} {
		table, err := journal.OpenTable[json.RawMessage](p.ctx, store, name, 0)
		p.must(err)
		for key, row := range table.All() {
			if key != "at" {
				p.t.Errorf("left in %s: %s %s", name, key, row)
			}
		}
	}
}
