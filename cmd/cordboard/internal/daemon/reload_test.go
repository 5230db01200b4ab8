package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

// text is the configuration with which the world began; its file may be written anew and reloaded.
func (w *world) text() string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "c.yaml"))
	w.must(err)
	return string(b)
}

// write replaces the configuration file.
func (w *world) write(text string) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.dir, "c.yaml"), []byte(text), 0o600))
}

// load writes a configuration and lets the daemon read it.
func (w *world) load(text string, dry bool) control.Reload {
	w.t.Helper()
	w.write(text)
	w.daemon.file = filepath.Join(w.dir, "c.yaml")
	return w.daemon.Reload(w.ctx, dry)
}

// reload must be taken.
func (w *world) reload(text string) reloadplan.Plan {
	w.t.Helper()
	r := w.load(text, false)
	if !r.Applied {
		w.t.Fatalf("not reloaded: %s %+v", r.Refusal, r.Problems)
	}
	return planOf(w.t, r)
}

func planOf(t *testing.T, r control.Reload) (p reloadplan.Plan) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Plan), &p); err != nil {
		t.Fatalf("%v: %q", err, r.Plan)
	}
	return p
}

// without is a configuration without agent n.
func without(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "name: "+agent(n)+",") }), "\n")
}

func replaced(t *testing.T, text, old, now string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in\n%s", old, text)
	}
	return strings.Replace(text, old, now, 1)
}

// A file with mistakes, or one that needs a restart, changes nothing, and it is told where and why.
func TestReloadRefuses(t *testing.T) {
	w := newWorld(t, setup{})
	base := w.text()
	before := w.daemon.now()
	bad := w.load(strings.Replace(base, "talk: 3s", "talk: soon", 1)+"nonsense: 1\n", false)
	if bad.Applied || len(bad.Problems) != 2 || bad.Problems[0].Line != 2 || bad.Problems[0].Column == 0 || bad.Problems[0].Path != "rtp.timeout.talk" || bad.Problems[1].Path != "nonsense" {
		t.Errorf("got %+v", bad)
	}
	w.must(os.Remove(filepath.Join(w.dir, "line"+user(0))))
	if r := w.load(base, false); r.Applied || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Path, "password") {
		t.Errorf("a secret is gone: %+v", r)
	}
	w.must(os.WriteFile(filepath.Join(w.dir, "line"+user(0)), []byte("line"+user(0)), 0o600))
	r := w.load(strings.Replace(replaced(t, base, "quarantine: 0s", "quarantine: 9s"), "talk: 3s", "talk: 4s", 1), false)
	if p := planOf(t, r); r.Applied || !slices.Equal(p.Restart, []string{"rtp.quarantine"}) || !strings.Contains(r.Refusal, "rtp.quarantine") {
		t.Errorf("got %+v", r)
	}
	if w.daemon.now() != before {
		t.Error("something changed")
	}
	if p := w.reload(base); !p.Empty() || len(p.Lines) != 0 {
		t.Errorf("the same file changes %+v", p)
	}
}

// An agent who leaves in a call ends it as it began; line, phone and desk go with its end. One who comes can work at once.
func TestReloadAgents(t *testing.T) {
	w := newWorld(t, setup{agents: 2, durable: true})
	base := w.text()
	customer, device := w.talk()
	lines := [2]int{w.pbx.Registers(user(0)), w.pbx.Registers(user(1))}
	p := w.reload(without(base, 0))
	if len(p.Calls) != 1 || !strings.Contains(p.Calls[0].Means, "goes on") || len(p.Lines) != 1 || p.Lines[0].Does != "unregister" {
		t.Errorf("plan %+v", p)
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(customer, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(device, "customer", customer, "agent")
	if n := w.pbx.Registers(user(0)); n != lines[0] {
		t.Errorf("%d REGISTERs of a line in a call", n-lines[0])
	}
	customer.Hangup()
	w.until("the agent is gone", func() bool { return len(w.snapshot().Agents) == 1 })
	w.until("the line unregisters", func() bool { return w.pbx.Registered() == 1 })
	if _, err := w.try(callcontrol.Command{Kind: callcontrol.KindDial, Number: "2001"}); err == nil {
		t.Error("an agent who is gone dials")
	}
	w.quiet()
	w.must(os.WriteFile(filepath.Join(w.dir, "phone"+user(0)), []byte("another"), 0o600))
	w.reload(base)
	w.until("the agent is back", func() bool {
		s := w.snapshot()
		return len(s.Agents) == 2 && s.Agents[0].ID == anna && s.Agents[0].Registered
	})
	if n := w.pbx.Registers(user(1)); n != lines[1] {
		t.Errorf("%d REGISTERs of a line that did not change", n-lines[1])
	}
	again, err := sim.NewPhone(sim.PhoneConfig{
		Addr: loopback, Server: w.daemon.stack.Addr("udp"), User: "phone" + user(0), Password: "another", Source: voice("agent"), AutoAnswer: true,
	})
	w.must(err)
	w.background("phone", again.Run)
	w.must(again.WaitRegistered(w.ctx))
	w.phones[0] = again
	w.until("where the phone is outlives a restart", func() bool { // with the password in force, by which that run knows it
		row, ok := w.daemon.bindings.Get("phone" + user(0))
		return ok && row.Secret == w.daemon.phoneSecret("phone"+user(0))
	})
	w.until("the device is known", func() bool { return w.snapshot().Agents[0].Device.Reachable })
	customer, device = w.talk()
	w.hears(device, "customer", customer, "agent")
	customer.Hangup()
	w.free()
}

// An agent whose line is another one keeps the old one for the call that runs, and is reached at the new one at once after it.
// Two who change lines send no REGISTER for it.
func TestReloadLines(t *testing.T) {
	w := newWorld(t, setup{agents: 3})
	base := w.text()
	customer, _ := w.talk()
	line := func(n, at int) string {
		return fmt.Sprintf("name: %s, line: {trunk: pbx, user: %q", agent(n), user(at))
	}
	moved := without(base, 2)
	moved = replaced(t, moved, line(0, 0)+`, password: {file: line1001}`, line(0, 2)+`, password: {file: line1003}`)
	w.reload(moved) // the third line is the first agent's now
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(customer, "music")
	if w.pbx.Registered() != 3 {
		t.Errorf("%d lines registered in the call", w.pbx.Registered())
	}
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.until("the old line is gone, the new one the agent's", func() bool {
		s := w.snapshot()
		return w.pbx.Registered() == 2 && s.Agents[0].Line == "pbx/1003" && s.Agents[0].Registered
	})
	w.quiet()
	p, err := w.pbx.Call(sipua.Identity{Number: "380441234567"}, user(2), voice("customer")())
	w.must(err)
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(p.Wait(w.ctx, sim.StateTalking))
	p.Hangup()
	w.free()
	n := w.pbx.Registers(user(1)) + w.pbx.Registers(user(2))
	swapped := strings.NewReplacer(user(1), user(2), user(2), user(1), "phone"+user(1), "phone"+user(1), "phone"+user(2), "phone"+user(2)).Replace(moved)
	if p := w.reload(swapped); len(p.Lines) != 0 || len(p.Agents) != 2 {
		t.Errorf("plan %+v", p)
	}
	w.until("both have the other's line", func() bool {
		a := w.snapshot().Agents
		return a[0].Line == "pbx/1002" && a[0].Registered && a[1].Line == "pbx/1003" && a[1].Registered
	})
	if more := w.pbx.Registers(user(1)) + w.pbx.Registers(user(2)) - n; more != 0 {
		t.Errorf("%d REGISTERs for lines that changed their agents", more)
	}
}

// A persistent device moves to the agent's other phone: at once, or after the call that runs.
func TestReloadMovesTheDevice(t *testing.T) {
	w := newWorld(t, setup{device: "connect: persistent"})
	w.persistent = true
	base, old := w.text(), w.device()
	w.must(os.WriteFile(filepath.Join(w.dir, "phone"+user(1)), []byte("phone"+user(1)), 0o600))
	other := strings.ReplaceAll(base, "phone"+user(0), "phone"+user(1))
	customer := w.call()
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(customer.Wait(w.ctx, sim.StateTalking))
	w.reload(other)
	w.hears(customer, "agent", old, "customer")
	w.addPhone(1, true)
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.ended(customer, old)
	now := w.deviceOf(1)
	customer = w.call()
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(customer.Wait(w.ctx, sim.StateTalking))
	w.hears(customer, "agent", now, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup})
	w.ended(customer)
	w.free()
	w.reload(strings.Replace(base, "name: agent0,", "name: agent0, wrap_up: 5s,", 1)) // and back, without a call
	w.ended(now)
}

// What the plan foretells is what a reload does: for each line, whether it sends a REGISTER.
func TestReloadKeepsThePlan(t *testing.T) {
	w := newWorld(t, setup{agents: 6, noPhone: true, trunk: "register: {rate: 1000, expires: 24h}"})
	base := w.text()
	for n := range 6 { // the password that the PBX knows, in another file
		w.must(os.WriteFile(filepath.Join(w.dir, "again"+user(n)), []byte("line"+user(n)+"x"), 0o600))
	}
	rng := rand.New(rand.NewPCG(7, 7))
	foretold := 0
	for range 15 {
		text := base
		for n := range 6 {
			switch rng.IntN(6) {
			case 0:
				text = without(text, n)
			case 1:
				text = strings.Replace(text, "name: "+agent(n)+",", "name: "+agent(n)+", wrap_up: 5s,", 1)
			case 2:
				text = strings.Replace(text, "name: "+agent(n)+",", "name: other"+strconv.Itoa(n)+",", 1)
			}
		}
		if rng.IntN(3) == 0 {
			text = strings.Replace(text, "talk: 3s", "talk: 4s", 1)
		}
		dry := planOf(t, w.load(text, true))
		before := map[string]int{}
		for n := range 6 {
			before[user(n)] = w.pbx.Registers(user(n))
		}
		did := w.reload(text)
		if a, b := fmt.Sprint(dry), fmt.Sprint(did); a != b {
			t.Fatalf("foretold %s, done %s", a, b)
		}
		want := maps.Clone(before)
		for _, l := range did.Lines {
			foretold++
			want[l.User]++
		}
		sent := func() map[string]int {
			out := map[string]int{}
			for n := range 6 {
				out[user(n)] = w.pbx.Registers(user(n))
			}
			return out
		}
		w.until("the lines of the plan have sent their REGISTER", func() bool { return maps.Equal(sent(), want) })
		if after := planOf(t, w.load(text, true)); !after.Empty() || len(after.Lines) != 0 {
			t.Fatalf("left after the reload: %+v", after)
		}
	}
	if foretold < 10 {
		t.Errorf("only %d REGISTERs were foretold", foretold)
	}
}

// inUse is the memory in use after a collection, bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Many reloads under calls: none is lost, no line that did not change sends a REGISTER, and nothing is left behind. A bad file is
// among every five. CORDBOARD_RELOADS=1000 is the whole
// bar; from 200 on there are 50 calls and 500 lines.
func TestReloadBar(t *testing.T) {
	reloads, calls, lines := 30, 10, 100
	if n, err := strconv.Atoi(os.Getenv("CORDBOARD_RELOADS")); err == nil && n > 0 {
		reloads = n
		if n >= 200 {
			calls, lines = 50, 500
		}
	}
	w := newWorld(t, setup{agents: lines, noPhone: true, large: true, trunk: "register: {rate: 1000, expires: 24h}"})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute+time.Duration(reloads)*time.Second)
	w.stops = slices.Insert(w.stops, 0, func() { cancel() }) // the last thing that its end does
	w.ctx = ctx                                              // the world's own is for shorter stories
	base := replaced(t, w.text(), "talk: 3s", "talk: 30s")   // as it is by default: the machine may be busy
	w.reload(base)
	var parties []*sim.Party
	for i := range calls {
		w.addPhone(i, true)
		w.until("the device is known", func() bool { return w.snapshot().Agents[i].Device.Reachable })
		c, err := w.pbx.Call(sipua.Identity{Number: "380441234567"}, user(i), voice("customer")())
		w.must(err)
		parties = append(parties, c)
		w.until("the call is offered", func() bool {
			c, ok := w.callOf(callcontrol.AgentID(agent(i)))
			return ok && c.Phase == callcontrol.PhaseOffered
		})
		w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: callcontrol.AgentID(agent(i))})
		w.must(c.Wait(w.ctx, sim.StateTalking))
	}
	w.phase(callcontrol.PhaseTalking, calls)
	registers := map[string]int{}
	for i := range lines - 1 {
		registers[user(i)] = w.pbx.Registers(user(i))
	}
	w.reload(base) // what is made once is made
	heapBefore := inUse()
	routines, files := runtime.NumGoroutine(), len(descriptors(t))
	begun := time.Now()
	refused := 0
	var slowest time.Duration
	for i := range reloads {
		text := without(base, lines-1) // comes and goes
		if i%2 == 0 {
			text = base
		}
		text = strings.Replace(text, "talk: 30s", fmt.Sprintf("talk: %ds", 30+i%3), 1)
		text = strings.Replace(text, "max_calls: 20", fmt.Sprintf("max_calls: %d", 20+i%7), 1)
		text = strings.Replace(text, "name: agent0,", fmt.Sprintf("name: agent0, wrap_up: %ds,", i%9), 1)
		bad := i%5 == 4
		if bad {
			text = strings.Replace(text, "max_calls:", "max_cals:", 1)
		}
		start, before := time.Now(), w.daemon.now()
		r := w.load(text, false)
		slowest = max(slowest, time.Since(start))
		switch {
		case bad && (r.Applied || len(r.Problems) == 0 || w.daemon.now().cfg != before.cfg):
			t.Fatalf("reload %d: a bad file was taken: %+v", i, r)
		case !bad && !r.Applied:
			t.Fatalf("reload %d: %s %+v", i, r.Refusal, r.Problems)
		case bad:
			refused++
		}
	}
	took := time.Since(begun)
	for i, c := range parties {
		if c.State() != sim.StateTalking {
			status, cause, byPeer := c.Outcome()
			t.Errorf("call %d is %v: %d %v by peer %v, %s", i, c.State(), status, cause, byPeer, c.Reason())
		}
	}
	w.phase(callcontrol.PhaseTalking, calls)
	w.hears(parties[0], "agent", parties[calls-1], "agent")
	for u, n := range registers {
		if more := w.pbx.Registers(u) - n; more != 0 {
			t.Errorf("line %s sent %d REGISTERs", u, more)
		}
	}
	w.reload(base)
	w.until("all lines are there", func() bool { return w.pbx.Registered() == lines })
	w.until("goroutines are as before", func() bool { return runtime.NumGoroutine() <= routines+5 })
	if n := len(descriptors(t)); n > files {
		t.Errorf("%d descriptors, %d before", n, files)
	}
	heap := inUse() - heapBefore
	heard := int64(2*calls) * 2 * 8000 * int64(time.Since(begun)/time.Second+1) // what the parties keep of what they heard
	if heap > 64<<20+2*heard {
		t.Errorf("%d MiB more are in use than before", heap>>20)
	}
	t.Logf("%d reloads (%d of a bad file) under %d calls and %d lines in %v: %v each, the slowest %v; 0 calls lost, 0 REGISTER for %d unchanged lines; %d KiB more in use",
		reloads, refused, calls, lines, took.Round(time.Millisecond), (took / time.Duration(reloads)).Round(time.Millisecond/10), slowest.Round(time.Millisecond), len(registers), heap>>10)
	for _, c := range parties {
		c.Hangup()
	}
}
