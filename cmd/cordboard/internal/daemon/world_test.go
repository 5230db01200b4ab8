package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/internal/freeport"
	"cordboard/mediamix"
	"cordboard/sim"
	"cordboard/sipua"
)

// tones of the parties, and of the daemon in region us. All on exact bins.
var tones = sim.Tones{
	"agent": {600}, "customer": {1000}, "target": {1400}, "other": {1650},
	"music": {780, 1170}, "ring_back": {440, 480}, "busy": {480, 620},
}

func voice(name string) func() func([]int16) {
	return func() func([]int16) { return sim.Tone(-20, tones[name]...) }
}

var loopback = netip.MustParseAddr("127.0.0.1")

// world is a daemon in this process with a PBX and phones around it, all on loopback and real sockets.
type world struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	pbx    *sim.PBX
	daemon *Daemon
	phones []*sim.Phone
	stops  []func()
	force  chan struct{}   // closed: the second signal
	said   strings.Builder // the daemon's log
	saying sync.Mutex

	persistent bool // devices stay connected, which is no leak
	mute       bool // a party leaves a request without its answer, for which timer F waits 32 s
}

// setup of a world; the zero value is one agent, anna, with a phone that answers by itself when asked to.
type setup struct {
	agents   int
	parallel bool                     // with others: the caller has the gate
	manual   bool                     // phones ring instead of answering by themselves
	noPhone  bool                     // phones do not register
	large    bool                     // media ports for 1,000 legs, and only warnings logged; one such world at a time
	durable  bool                     // with a journal on disk
	many     bool                     // thousands of calls one after the other, in a run by itself
	patient  bool                     // streams may be silent for as long as a busy host keeps their senders from sending
	trunk    string                   // more keys of the trunk, YAML flow pairs
	agent    string                   // more keys of each agent
	device   string                   // more keys of each device
	extra    string                   // more top-level YAML
	plan     map[string]sim.Behaviour // added to the usual numbers
	info     sipua.InfoPolicy         // of the PBX
	noKeys   bool                     // customers offer no telephone-event
	music    string                   // more keys of music
	tones    string                   // more keys of tones
	wavs     map[string][]int16       // more music files
	says     []string                 // voices of the phones; the zero value: "agent" of all
}

// plan of the PBX: 20xx ring for a moment and answer; 21xx fail.
func plan(extra map[string]sim.Behaviour) map[string]sim.Behaviour {
	p := map[string]sim.Behaviour{
		"2001": {Ring: 300 * time.Millisecond, Source: voice("target")},
		"2002": {Ring: 300 * time.Millisecond, Source: voice("other")},
		"2100": {Silent: true, Source: voice("target")},
		"2101": {Status: 486}, "2102": {Ring: 300 * time.Millisecond, Status: 603}, "2103": {Status: 503},
	}
	for n, b := range extra {
		p[n] = b
	}
	return p
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	if s.agents == 0 {
		s.agents = 1
	}
	if s.parallel {
		t.Parallel()
	} else {
		gate(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir(), force: make(chan struct{})}
	t.Cleanup(w.close)
	cfg := sim.PBXConfig{Addr: netip.AddrPortFrom(loopback, 0), Plan: plan(s.plan), Info: s.info, NoEvents: s.noKeys}
	for i := range s.agents {
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: user(i), Password: "line" + user(i)})
	}
	var err error
	w.pbx, err = sim.NewPBX(cfg)
	w.must(err)
	w.background("pbx", w.pbx.Run)
	w.daemon = w.newDaemon(s)
	w.background("daemon", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, w.force) })
	if !s.noPhone {
		for i := range s.agents {
			w.addPhone(i, !s.manual, s.says...)
		}
	}
	w.must(w.pbx.WaitRegistered(w.ctx, s.agents))
	w.until("every desk knows that it can work", func() bool {
		return !slices.ContainsFunc(w.snapshot().Agents, func(a callcontrol.AgentView) bool {
			return !a.Registered || !a.Device.Reachable && !s.noPhone
		})
	})
	return w
}

func user(i int) string  { return fmt.Sprint(1001 + i) }
func agent(i int) string { return fmt.Sprintf("agent%d", i) }

const anna = callcontrol.AgentID("agent0")

func (w *world) newDaemon(s setup) *Daemon {
	w.t.Helper()
	music := make([]int16, 5*8000)
	sim.Tone(-20, tones["music"]...)(music)
	w.must(mediamix.WriteWAV(filepath.Join(w.dir, "hold.wav"), music))
	for name, pcm := range s.wavs {
		w.must(mediamix.WriteWAV(filepath.Join(w.dir, name), pcm))
	}
	first := 30000 + mediaPorts*(nextWorld.Add(1)%(2000/mediaPorts)) // late packets of one world do not reach another
	last, level := first+mediaPorts-1, slog.LevelInfo
	if s.large {
		first, last, level = 28000, 29999, slog.LevelWarn
	}
	legs := ""
	if s.many { // eight times as many ended dialogs are kept for late messages
		first, legs = 18000, "max_legs: 6000, "
	}
	silence := "3s"
	if s.patient {
		silence = "1m"
	}
	port := freePort(w.t)
	for uint32(port) >= uint32(first) && uint32(port) <= uint32(last) {
		port = freePort(w.t)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: %d-%d, quarantine: 0s, timeout: {talk: %s}}
control: {socket: c.sock}
state_dir: state
journal: {memory: %t}
music: {default: hold.wav%s}
tones: {region: us%s}
limits: {%sdial: {allow: ["*"], per_second: 50, max_calls: 20}, edge: {per_source: 10000, total: 10000}}
trunks:
  - {name: pbx, server: "sip:%s;transport=udp", realm: pbx.test, headers: {queue: X-Queue, variables: {X-Ivr-Choice: ivr}}%s}
%s
agents:
`, port, first, last, silence, !s.durable, more(s.music), more(s.tones), legs, w.pbx.Addr(), more(s.trunk), s.extra)
	for i := range s.agents {
		for _, kind := range []string{"line", "phone"} {
			w.must(os.WriteFile(filepath.Join(w.dir, kind+user(i)), []byte(kind+user(i)), 0o600))
		}
		fmt.Fprintf(&b, "  - {name: %s, line: {trunk: pbx, user: %q, password: {file: line%[2]s}}, device: {user: phone%[2]s, password: {file: phone%[2]s}%[4]s}%[3]s}\n",
			agent(i), user(i), more(s.agent), more(s.device))
	}
	text := strings.ReplaceAll(b.String(), `file: line"`, `file: line`)
	path := filepath.Join(w.dir, "c.yaml")
	w.must(os.WriteFile(path, []byte(text), 0o600))
	cfg, err := configs.Load(path)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, text)
	}
	d, err := New(cfg, w.logger(level))
	w.must(err)
	return d
}

func more(s string) string {
	if s == "" {
		return ""
	}
	return ", " + s
}

func (w *world) addPhone(i int, auto bool, says ...string) {
	w.t.Helper()
	says = append(says, slices.Repeat([]string{"agent"}, i+1)...)
	p, err := sim.NewPhone(sim.PhoneConfig{
		Addr: loopback, Server: w.daemon.stack.Addr("udp"), User: "phone" + user(i), Password: "phone" + user(i),
		Source: voice(says[i]), AutoAnswer: auto,
	})
	w.must(err)
	w.background("phone", p.Run)
	w.must(p.WaitRegistered(w.ctx))
	w.phones = append(w.phones, p)
}

// background runs f until the world closes; worlds close in reverse order of start.
func (w *world) background(name string, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				w.t.Errorf("%s: %v", name, err)
			}
		case <-time.After(30 * time.Second):
			w.t.Errorf("%s did not end", name)
		}
	}
	w.stops = append(w.stops, stop)
	return stop
}

// close is the leak gate of the daemon: no leg, stream, port, dialog or request may be left once calls have ended, and none
// whatever once the daemon has.
func (w *world) close() {
	if w.daemon != nil && !w.t.Failed() && !w.persistent {
		w.quiet()
		w.until("no request waits for its answer", func() bool { return w.mute || w.daemon.stack.Pending() == 0 })
	}
	for _, stop := range slices.Backward(w.stops) {
		stop()
	}
	if w.daemon != nil && !w.idle() {
		w.t.Errorf("left when the daemon has ended: %s", w.counts())
	}
}

// quiet waits until nothing of a call is left.
func (w *world) quiet() {
	w.t.Helper()
	w.until("no leg, stream, port or dialog is left", w.idle)
}

func (w *world) idle() bool {
	return w.daemon.legs.Load() == 0 && w.daemon.engine.Stats().Streams == 0 && w.daemon.engine.Usage().Used == 0 && w.daemon.stack.Dialogs() == 0
}

func (w *world) counts() string {
	return fmt.Sprintf("legs %d streams %d ports %d dialogs %d requests %d", w.daemon.legs.Load(), w.daemon.engine.Stats().Streams,
		w.daemon.engine.Usage().Used, w.daemon.stack.Dialogs(), w.daemon.stack.Pending())
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	w.within(15*time.Second, what, ok)
}

func (w *world) within(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if ok() {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-w.ctx.Done():
			w.t.Fatalf("timed out until %s", what)
		}
	}
	w.t.Fatalf("not so after %v: %s\n%s", limit, what, w.describe())
}

func (w *world) describe() string {
	var b strings.Builder
	s := w.snapshot()
	for _, c := range s.Calls {
		fmt.Fprintf(&b, "call %s %s %s cause=%s legs:", c.ID, c.Agent, c.Phase, c.Cause)
		for _, l := range c.Legs {
			fmt.Fprintf(&b, " %s/%s/%s", l.Role, l.State, l.Cause)
		}
		b.WriteByte('\n')
	}
	for _, t := range s.Transfers {
		fmt.Fprintf(&b, "transfer %s %s %s\n", t.Kind, t.Status, t.Cause)
	}
	b.WriteString(w.counts())
	return b.String()
}

func (w *world) snapshot() callcontrol.Snapshot {
	w.t.Helper()
	s, err := w.daemon.board.Snapshot(w.ctx)
	w.must(err)
	return s
}

func (w *world) do(c callcontrol.Command) callcontrol.Result {
	w.t.Helper()
	r, err := w.try(c)
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", c.Kind, err, w.describe())
	}
	return r
}

func (w *world) try(c callcontrol.Command) (callcontrol.Result, error) {
	if c.Agent == "" && c.Call == "" {
		c.Agent = anna
	}
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	return w.daemon.board.Do(ctx, c)
}

// call lets a customer call agent0's line and waits until it rings there.
func (w *world) call(headers ...sipua.Header) *sim.Party {
	w.t.Helper()
	p := w.dialIn(headers...)
	w.must(p.Wait(w.ctx, sim.StateRinging))
	w.until("the call is offered", func() bool {
		return slices.ContainsFunc(w.snapshot().Calls, func(c callcontrol.CallView) bool { return c.Phase == callcontrol.PhaseOffered })
	})
	return p
}

func (w *world) dialIn(headers ...sipua.Header) *sim.Party {
	w.t.Helper()
	p, err := w.pbx.Call(sipua.Identity{Display: "Olena", Number: "380441234567"}, user(0), voice("customer")(), headers...)
	w.must(err)
	return p
}

// talk is a customer and agent0 in a call, answered by command.
func (w *world) talk() (customer, device *sim.Party) {
	w.t.Helper()
	customer = w.call(sipua.Header{Name: "X-Queue", Value: "Sales"})
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(customer.Wait(w.ctx, sim.StateTalking))
	w.phase(callcontrol.PhaseTalking, 1)
	return customer, w.device()
}

// phase waits until n calls of the desk are in a phase: a party may know it before the desk does.
func (w *world) phase(p callcontrol.Phase, n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d calls are %s", n, p), func() bool {
		got := 0
		for _, c := range w.snapshot().Calls {
			if c.Phase == p {
				got++
			}
		}
		return got == n
	})
}

func (w *world) free() {
	w.t.Helper()
	w.until("the agent is free", func() bool { return !w.snapshot().Agents[0].Busy })
}

// device is the agent's side of the newest call that is talking.
func (w *world) device() *sim.Party {
	w.t.Helper()
	return w.deviceOf(0)
}

// deviceOf is the side of agent n.
func (w *world) deviceOf(n int) *sim.Party {
	w.t.Helper()
	var p *sim.Party
	w.until("the agent's phone talks", func() bool {
		last, err := w.phones[n].Last()
		if err != nil {
			return false
		}
		p = last
		return p.State() == sim.StateTalking
	})
	return p
}

func (w *world) called(number string, states ...sim.State) *sim.Party {
	w.t.Helper()
	p, err := w.pbx.Called(w.ctx, number, 1)
	w.must(err)
	if len(states) > 0 {
		w.must(p.Wait(w.ctx, states...))
	}
	return p
}

// hears checks what each party hears: pairs of party and names joined by "+". It listens until it is so, for the cadence of
// tones, and then once more, so that it is so for good.
func (w *world) hears(pairs ...any) {
	w.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		p, want := pairs[i].(*sim.Party), split(pairs[i+1].(string))
		var got []string
		deadline := time.Now().Add(20 * time.Second)
		for {
			var err error
			got, err = p.Tones(w.ctx, 400*time.Millisecond, tones)
			w.must(err)
			if slices.Equal(got, want) || time.Now().After(deadline) {
				break
			}
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("%s hears %v, want %v\n%s", p.Name, got, want, w.describe())
		}
	}
}

func split(s string) []string {
	if s == "" {
		return []string{}
	}
	out := strings.Split(s, "+")
	slices.Sort(out)
	return out
}

func (w *world) ended(parties ...*sim.Party) {
	w.t.Helper()
	for _, p := range parties {
		w.must(p.Wait(w.ctx, sim.StateEnded))
	}
}

// whole checks the streams that parties received. On a host that did not let the media loop keep its time, which it counts, timestamps
// may have been late; source and sequence never break.
func (w *world) whole(parties ...*sim.Party) {
	w.t.Helper()
	onTime := w.daemon.engine.Stats().TicksSkipped == 0
	for _, p := range parties {
		if wire := p.Sound.Wire(); wire.Packets == 0 || wire.SSRCChanges+wire.SequenceGaps > 0 || onTime && wire.TimestampErrors > 0 {
			w.t.Errorf("%s received %+v", p.Name, wire)
		}
	}
}

// logger is the daemon's: to the test's log, and kept.
func (w *world) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(testLog{w}, &slog.HandlerOptions{Level: level}))
}

type testLog struct{ w *world }

func (l testLog) Write(p []byte) (int, error) {
	l.w.t.Log(strings.TrimRight(string(p), "\n"))
	l.w.saying.Lock()
	defer l.w.saying.Unlock()
	return l.w.said.Write(p)
}

// logged is how often the daemon said something.
func (w *world) logged(what string) int {
	w.saying.Lock()
	defer w.saying.Unlock()
	return strings.Count(w.said.String(), what)
}

// mediaPorts is how many ports each world has for media.
const mediaPorts = 200

var nextWorld atomic.Uint32

// freePort is a port that is free for UDP and TCP. No other world of this process is dealt the same.
func freePort(t *testing.T) uint16 {
	t.Helper()
	port, err := freeport.Deal()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
