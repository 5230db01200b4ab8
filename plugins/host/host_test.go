package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

func running(h *Host) func() bool {
	return func() bool { s := h.Status().State; return s == control.AdapterRunning || s == control.AdapterDegraded }
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestLife(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DAEMON", "hunter2")
	b := newBench(t)
	record := filepath.Join(t.TempDir(), "events")
	h, stop := b.run(t, b.config(t, "crm", "adapter", childConfig{Record: record, Forkers: true}))
	until(t, "it runs", running(h))
	b.control.append(t, make([]callcontrol.Event, 100)...)
	until(t, "all is acknowledged", func() bool { return h.Status().Acknowledged.Seq == 100 })
	s := h.Status()
	if s.Program != "child" || s.Version != "1.2.3" || s.PID == 0 || s.Restarts != 0 || s.Lag != 0 || s.LastError != "" ||
		strings.Join(s.Capabilities, " ") != "lookup search events" {
		t.Errorf("status %+v", s)
	}
	if c, ok, _ := b.cursors.Cursor(t.Context(), "crm"); !ok || c != (journal.Cursor{Epoch: "e1", Seq: 100}) {
		t.Errorf("cursor %v, %v", c, ok)
	}
	until(t, "its log arrives", func() bool {
		return b.log.count("level=WARN", "msg=configured", "answer=42", "adapter=crm") == 1 && b.log.count("level=INFO", "printed to stdout", "adapter=crm") == 1
	})
	// Of the daemon's environment the adapter has nothing that it was not given.
	answers := lookup(t, h, adapter.Query{Number: "pid"})
	if len(answers) != 1 || len(answers[0].Contacts) != 1 || answers[0].Contacts[0].Name != "mine/" {
		t.Errorf("environment: %+v", answers)
	}
	grandchild := 0
	for _, line := range b.log.lines {
		if _, n, ok := strings.Cut(line, "msg=forked adapter=crm child="); ok {
			grandchild, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	stop()
	if s := h.Status(); s.State != control.AdapterStopped || s.PID != 0 {
		t.Errorf("stopped: %+v", s)
	}
	if grandchild == 0 {
		t.Error("no grandchild was seen")
	}
	for _, pid := range []int{s.PID, grandchild} {
		until(t, "process "+strconv.Itoa(pid)+" is gone", func() bool { return !alive(pid) })
	}
	text, err := os.ReadFile(record)
	if err != nil || !strings.HasPrefix(string(text), "start 0\n1\n2\n") || !strings.HasSuffix(string(text), "\n100\nstop\n") {
		t.Errorf("%v: %.60q … %q", err, text, text[max(0, len(text)-20):])
	}
}

func lookup(t *testing.T, h *Host, q adapter.Query) []Answer {
	t.Helper()
	s := &Set{members: []*member{{host: h}}}
	return s.Lookup(t.Context(), q, nil)
}

// Each kill costs one second and the start, however many there were before.
func TestBackToLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, _ := b.run(t, b.config(t, "crm", "adapter", childConfig{}))
	until(t, "it runs", running(h))
	for range 2 {
		pid := h.Status().PID
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		until(t, "it waits", func() bool { s := h.Status(); return s.State == control.AdapterBackoff && !s.NextStart.IsZero() })
		if s := h.Status(); s.NextStart.Sub(s.LastErrorAt).Round(100*time.Millisecond) != time.Second {
			t.Errorf("%+v", s)
		}
		until(t, "it is back", func() bool { return h.Status().PID != pid && running(h)() })
		t.Logf("back after %s", time.Since(begun))
	}
}

// Whatever happens to adapters: descriptors, goroutines (TestMain) and files are back.
func TestNothingIsLeft(t *testing.T) {
	b := newBench(t)
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("needs /proc")
		}
		return len(all)
	}
	before := -1
	for range 2 {
		for _, mode := range []string{"adapter", "other", "nothing", "exit"} {
			cfg := b.config(t, mode, mode, childConfig{})
			cfg.Backoff = 20 * time.Millisecond
			h, stop := b.run(t, cfg)
			until(t, "it came to something", func() bool { return running(h)() || h.Status().LastError != "" })
			if mode == "adapter" {
				if err := syscall.Kill(h.Status().PID, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				until(t, "its end is seen", func() bool { return h.Status().Restarts > 0 && running(h)() })
			}
			stop()
			if mode == "nothing" && !strings.Contains(h.Status().LastError, "its connection is broken") {
				t.Errorf("%+v", h.Status())
			}
		}
		if before < 0 {
			before = descriptors() // pollers and the like are open now
		}
	}
	until(t, "descriptors are as before", func() bool { runtime.GC(); return descriptors() <= before })
}

// kill -9 in mid-stream: it is back, goes on behind its acknowledged cursor, and of what
// it then gets nothing is missing or there twice.
func TestKilledInMidStream(t *testing.T) {
	t.Parallel()
	const kills = 5 // the conformance suite does it twenty times
	b := newBench(t)
	record := filepath.Join(t.TempDir(), "events")
	cfg := b.config(t, "crm", "adapter", childConfig{Record: record})
	cfg.Backoff = 20 * time.Millisecond // TestBackToLife waits the second
	h, stop := b.run(t, cfg)
	until(t, "it runs", running(h))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	feeding := make(chan struct{})
	go func() {
		defer close(feeding)
		for ctx.Err() == nil {
			b.control.append(t, callcontrol.Event{Kind: callcontrol.EventDigit})
			time.Sleep(500 * time.Microsecond) // 2,000 a second at most
		}
	}()
	var slowest time.Duration
	for i := range kills {
		from := h.Status().Acknowledged.Seq
		until(t, "events flow", func() bool { return h.Status().Acknowledged.Seq > from+5 })
		pid := h.Status().PID
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		until(t, "it is back", func() bool { s := h.Status(); return s.PID != 0 && s.PID != pid && running(h)() })
		slowest = max(slowest, time.Since(killed))
		if s := h.Status(); s.Restarts != i+1 || !strings.Contains(s.LastError, "ended from outside (signal: killed)") {
			t.Errorf("kill %d: %+v", i, s)
		}
	}
	cancel()
	<-feeding
	last := b.control.log.Last()
	until(t, "all is acknowledged", func() bool { return h.Status().Acknowledged == last })
	stop()
	lives := readLives(t, record)
	if len(lives) != kills+1 {
		t.Fatalf("%d lives", len(lives))
	}
	seen := uint64(0)
	for i, l := range lives {
		at := l.from
		if at > seen {
			t.Errorf("life %d begins behind %d, and %d was the last taken", i, at, seen)
		}
		for _, seq := range l.seqs {
			if seq != at+1 {
				t.Fatalf("life %d: %d after %d", i, seq, at)
			}
			at = seq
		}
		seen = max(seen, at)
	}
	if seen != last.Seq {
		t.Errorf("%d of %d events arrived", seen, last.Seq)
	}
	t.Logf("%d events, slowest return %s", last.Seq, slowest)
}

type lifeOf struct {
	from uint64
	seqs []uint64
}

func readLives(t *testing.T, name string) (lives []lifeOf) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var n uint64
		if _, err := fmt.Sscanf(s.Text(), "start %d", &n); err == nil {
			lives = append(lives, lifeOf{from: n})
		} else if n, err := strconv.ParseUint(s.Text(), 10, 64); err == nil {
			l := &lives[len(lives)-1]
			l.seqs = append(l.seqs, n)
		}
	}
	return lives
}

// What cannot be an adapter is told with its reason.
func TestWhatIsNoAdapter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	missing := b.config(t, "missing", "adapter", childConfig{})
	missing.Command = []string{"/no/such/program"}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	odd := b.config(t, "text", "adapter", childConfig{})
	odd.Command = []string{text}
	unfit := b.config(t, "unfit", "adapter", childConfig{})
	unfit.Config = json.RawMessage(`{"record": 7}`)
	unknown := b.config(t, "unknown", "adapter", childConfig{})
	unknown.Config = json.RawMessage(`{"recrod": "x"}`)
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{missing, "no such file"},
		{odd, "exec format error"},
		{unfit, "its config does not fit: "},
		{unknown, "recrod"},
		{b.config(t, "garbage", "garbage", childConfig{}), `first line is not an adapter's handshake (it should be 1|1|unix|SOCKET|grpc|CERTIFICATE): "hello, I am no adapter"`},
		{b.config(t, "binary", "binary", childConfig{}), "too long"},
		{b.config(t, "exit", "exit", childConfig{}), "before the handshake it ended (exit status 3): no licence found"},
		{b.config(t, "panic", "panic", childConfig{}), "panic: at once"},
		{b.config(t, "silent", "silent", childConfig{}), "no handshake in time"},
		{b.config(t, "closed", "closed", childConfig{}), "before the handshake"},
		{b.config(t, "elsewhere", "elsewhere", childConfig{}), "the socket is not in $PLUGIN_UNIX_SOCKET_DIR"},
		{b.config(t, "nocert", "nocert", childConfig{}), "there is no certificate"},
		{b.config(t, "nothing", "nothing", childConfig{}), "its connection is broken"},
		{b.config(t, "version", "version", childConfig{}), "it speaks version 7 of the adapter contract, and this daemon version 1"},
		{b.config(t, "other", "other", childConfig{}), "it does not say what it is"},
		{b.config(t, "refuses", "adapter", childConfig{Refuse: "url is missing"}), "it refuses its configuration: url is missing"},
		{b.config(t, "hangs", "adapter", childConfig{Hang: "configure"}), "it was not ready within 6s"},
		{b.config(t, "sleeps", "adapter", childConfig{Hang: "health"}), "it was not ready within 6s"},
	} {
		t.Run(c.cfg.Name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			c.cfg.RuntimeDir = b.dir
			c.cfg.StartTimeout = 6 * time.Second // for those that use it up
			if c.want != "no handshake in time" && !strings.HasPrefix(c.want, "it was not ready") {
				c.cfg.StartTimeout = 20 * time.Second
			}
			h, stop := b.run(t, c.cfg)
			until(t, "its fault is told", func() bool { return h.Status().LastError != "" })
			if s := h.Status(); !strings.Contains(s.LastError, c.want) || s.NextStart.IsZero() || s.LastErrorAt.IsZero() {
				t.Errorf("%+v\nwant %q", s, c.want)
			}
			stop()
		})
	}
}

// Lines that are odd JSON, no text or endless cost nothing but themselves.
func TestOddLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, stop := b.run(t, b.config(t, "crm", "oddlog", childConfig{}))
	until(t, "it runs", running(h))
	if got := lookup(t, h, adapter.Query{Number: "+380441234567"}); len(got) != 1 || got[0].Err != nil || got[0].Contacts[0].Name != "Anna Koval" {
		t.Errorf("%+v", got)
	}
	stop()
	if b.log.count("level=INFO", "msg=[1]") != 1 || b.log.count("long long") != 1 {
		t.Errorf("lines: %q", b.log.lines)
	}
}

// A stopped adapter delays neither the question nor another adapter, is found out and replaced.
func TestStoppedAdapter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cfg := b.config(t, "sleepy", "adapter", childConfig{})
	cfg.HealthEvery, cfg.HealthTimeout, cfg.LookupTimeout = 300*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond
	wide := b.config(t, "awake", "adapter", childConfig{})
	wide.LookupTimeout = 10 * time.Second
	sleepy, _ := b.run(t, cfg)
	awake, _ := b.run(t, wide)
	until(t, "both run", func() bool { return running(sleepy)() && running(awake)() })
	pid := sleepy.Status().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range 200 { // more than its slots
		lookup(t, sleepy, adapter.Query{Number: "1"})
		if sleepy.Status().PID != pid {
			break
		}
	}
	got := lookup(t, awake, adapter.Query{Number: "1"})
	if len(got) != 1 || got[0].Err != nil {
		t.Errorf("the other: %+v", got)
	}
	b.control.append(t, make([]callcontrol.Event, 1000)...)
	until(t, "the other takes events", func() bool { return awake.Status().Lag == 0 })
	until(t, "it is replaced", func() bool { s := sleepy.Status(); return s.PID != 0 && s.PID != pid && running(sleepy)() })
	if alive(pid) {
		t.Error("the old process lives")
	}
	if e := sleepy.Status().LastError; !strings.Contains(e, "health checks") {
		t.Errorf("last error %q", e)
	}
	until(t, "it takes events", func() bool { return sleepy.Status().Lag == 0 })
	if sleepy.Status().CallsFailed == 0 {
		t.Error("no failed call was counted")
	}
	t.Logf("replaced after %s", time.Since(begun))
}

// Floods of log lines, output and commands: memory stays, the rate holds, another adapter answers.
func TestFloods(t *testing.T) {
	b := newBench(t)
	patient := b.config(t, "quiet", "adapter", childConfig{})
	patient.LookupTimeout = 20 * time.Second
	quietOne, _ := b.run(t, patient)
	until(t, "it runs", running(quietOne))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	started := time.Now()
	var loud []*Host
	for _, what := range []string{"stderr", "stdout", "control"} {
		h, _ := b.run(t, b.config(t, what, "adapter", childConfig{Flood: what}))
		loud = append(loud, h)
	}
	for _, h := range loud {
		until(t, h.Name()+" runs", running(h))
	}
	until(t, "commands come", func() bool { return b.control.commands.Load() > controlBurst })
	begun := time.Now()
	for time.Since(begun) < time.Second {
		if got := lookup(t, quietOne, adapter.Query{Number: "1"}); len(got) != 1 || got[0].Err != nil {
			t.Errorf("the quiet one: %+v", got)
		}
	}
	commands, most := b.control.commands.Load(), controlBurst+controlRate*time.Since(started).Seconds()
	if float64(commands) > most {
		t.Errorf("%d commands, at most %.0f", commands, most)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	until(t, "lines are dropped", func() bool { return loud[0].Status().LinesDropped > 0 })
	until(t, "what was dropped is told", func() bool { return b.log.count("adapter wrote too much") > 0 })
	for _, h := range loud {
		if !running(h)() {
			t.Errorf("%s: %+v", h.Name(), h.Status())
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cfg := b.config(t, "crm", "adapter", childConfig{})
	cfg.LookupTimeout = 20 * time.Second
	h, _ := b.run(t, cfg)
	until(t, "it runs", running(h))
	ask := func(number string) Answer {
		t.Helper()
		got := lookup(t, h, adapter.Query{Number: callcontrol.Number(number)})
		if len(got) != 1 || got[0].Adapter != "crm" {
			t.Fatalf("%s: %+v", number, got)
		}
		return got[0]
	}
	if a := ask("dirty"); a.Err != nil || len(a.Contacts) != 1 || a.Contacts[0].Name != "A B" {
		t.Errorf("dirty: %+v", a)
	}
	if a := ask("fail"); a.Err == nil || a.Err.Error() != "the CRM said no" {
		t.Errorf("fail: %+v", a)
	}
	if a := ask("huge"); a.Err == nil || !strings.Contains(a.Err.Error(), "larger than max") {
		t.Errorf("huge: %+v", a)
	}
	s := &Set{members: []*member{{host: h}}}
	found := s.Search(t.Context(), adapter.Search{Text: "ann", Limit: 3}, "another")
	if len(found) != 1 || len(found[0].Contacts) != 3 || found[0].Contacts[2].Name != "ann" {
		t.Errorf("search: %+v", found)
	}
	if found := s.Search(t.Context(), adapter.Search{Text: "ann", Limit: 3}, "crm"); len(found) != 0 {
		t.Errorf("who searches was asked: %+v", found)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if found := s.Search(over, adapter.Search{Text: "ann", Limit: 3}, ""); len(found) != 1 || found[0].Adapter != "crm" || found[0].Err != errSilent {
		t.Errorf("in no time: %+v", found)
	}
	if !running(h)() || h.Status().CallsFailed != 2 {
		t.Errorf("status: %+v", h.Status())
	}
}

// An answer after the deadline arrives once, and late.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cfg := b.config(t, "crm", "adapter", childConfig{})
	cfg.LookupTimeout = 20 * time.Millisecond
	h, _ := b.run(t, cfg)
	until(t, "it runs", running(h))
	s := &Set{members: []*member{{host: h}}}
	late := make(chan Answer, 10)
	begun := time.Now()
	if got := s.Lookup(t.Context(), adapter.Query{Number: "1", Display: "400ms"}, func(a Answer) { late <- a }); len(got) != 0 {
		t.Errorf("in time: %+v", got)
	}
	if took := time.Since(begun); took > 300*time.Millisecond {
		t.Errorf("waited %s", took)
	}
	if a := <-late; a.Err != nil || len(a.Contacts) != 1 {
		t.Errorf("late: %+v", a)
	}
	h.asks.wait()
	if len(late) != 0 || h.Status().CallsFailed != 1 {
		t.Errorf("%d more, %+v", len(late), h.Status())
	}
}

func TestSickAdapter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h, _ := b.run(t, b.config(t, "crm", "adapter", childConfig{Sick: "the CRM is away"}))
	until(t, "it runs", running(h))
	until(t, "its trouble is told", func() bool { return h.Status().State == control.AdapterDegraded })
	if s := h.Status(); s.LastError != "the CRM is away" || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
}

// A panic at one event shows at once with its message, and the adapter comes back to the same event.
func TestPoison(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cfg := b.config(t, "crm", "adapter", childConfig{})
	cfg.Backoff = 20 * time.Millisecond
	h, _ := b.run(t, cfg)
	until(t, "it runs", running(h))
	b.control.append(t, callcontrol.Event{Digit: "1"}, callcontrol.Event{Digit: "!"})
	until(t, "it fell", func() bool { return strings.Contains(h.Status().LastError, "panic: poison") })
	until(t, "it falls again", func() bool { return h.Status().Restarts >= 2 })
	if s := h.Status(); s.Acknowledged.Seq > 1 {
		t.Errorf("%+v", s)
	}
	if b.log.count("level=ERROR", "panic: poison", "adapter=crm") == 0 {
		t.Error("the panic is not in the log")
	}
}

func TestStopByForce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cfg := b.config(t, "crm", "adapter", childConfig{Hang: "stop"})
	cfg.Grace = 200 * time.Millisecond
	h, stop := b.run(t, cfg)
	until(t, "it runs", running(h))
	pid := h.Status().PID
	stop()
	if alive(pid) {
		t.Error("it lives")
	}
	if b.log.count("did not stop in order") != 1 {
		t.Error("nothing was said")
	}
}

// The daemon dies by kill -9: so does the adapter.
func TestOrphans(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs PR_SET_PDEATHSIG")
	}
	dir := newBench(t).dir
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), modeKey+"=host")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || pid == 0 {
		t.Fatalf("pid %d, %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	until(t, "the adapter is gone", func() bool { return !alive(pid) })
	release, err := Sockets(dir)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("sockets are left: %v, %v", left, err)
	}
	if _, err := Sockets(dir); err == nil || !strings.Contains(err.Error(), "another daemon uses it") {
		t.Errorf("a second daemon: %v", err)
	}
	release()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the empty folder stays")
	}
}

// hostInChild runs an adapter and prints its process's number.
func hostInChild() {
	b := &bench{control: newFakeControl(10), cursors: NewMemoryCursors(), log: &logged{}, dir: os.Args[1]}
	h, err := New(Config{
		Name: "crm", Command: []string{os.Args[0]}, Env: map[string]string{modeKey: "adapter"}, RuntimeDir: b.dir,
	}, b.deps())
	if err != nil {
		panic(err)
	}
	go func() {
		for !running(h)() {
			time.Sleep(time.Millisecond)
		}
		fmt.Println(h.Status().PID)
	}()
	_ = h.Run(context.Background())
}
