package contacts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// hookOf is a hook with a shell script; $1 is a folder of the test.
func hookOf(t *testing.T, script string, change func(*Hook)) (*hook, string, *logged) {
	t.Helper()
	dir := t.TempDir()
	p := planned(t, `{"hook": {"command": ["sh"]}}`)
	p.Hook.Command, p.Hook.Timeout = []string{"sh", "-c", script, "hook", dir}, sdk.Duration(30*time.Second)
	if change != nil {
		change(&p.Hook)
	}
	log := &logged{}
	h := newHook(p, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { stop(t, h) })
	return h, dir, log
}

// stop stops a hook unless the test did.
func stop(t *testing.T, h *hook) {
	select {
	case <-h.closing:
	default:
		h.stop(context.WithoutCancel(t.Context()))
	}
}

type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func calling(seq uint64, from callcontrol.Identity) sdk.Event {
	return sdk.Event{Cursor: journal.Cursor{Epoch: "e", Seq: seq}, Event: callcontrol.Event{
		At: time.Now(), Kind: callcontrol.EventCallStarted, Agent: "anna", CallID: "c-1", Call: &callcontrol.CallView{
			ID: "c-1", Interaction: "i-1", Agent: "anna", Line: "pbx/1001", Direction: callcontrol.Inbound, Phase: callcontrol.PhaseOffered,
			Queue: "Sales", Remote: from, Legs: []callcontrol.LegView{{ID: "l-1"}},
		},
	}}
}

func nobody() []record { return nil }

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The event is on stdin and in the environment; what belongs to the adapter is not.
func TestHookIsTold(t *testing.T) {
	t.Setenv("PLUGIN_CLIENT_CERT", "x")
	t.Setenv("CORDBOARD_ADAPTER", "x")
	t.Setenv("OWN", "kept")
	h, dir, _ := hookOf(t, `cat > "$1/stdin"; env > "$1/env"; echo "$#" > "$1/count"`, nil)
	h.event(calling(7, callcontrol.Identity{Display: "Anna", Number: "0441234567"}), func() []record {
		return []record{{id: "1", name: "Anna Koval", kind: "contact", fields: []field{{"city", "Kyiv"}}}}
	})
	h.stop(t.Context())
	var got struct {
		Cursor   journal.Cursor
		Event    callcontrol.Event
		Contacts []struct {
			ID, Name string
			Fields   map[string]string
		}
	}
	if err := json.Unmarshal([]byte(read(t, dir+"/stdin")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Cursor.Seq != 7 || got.Event.Call.Queue != "Sales" || len(got.Contacts) != 1 || got.Contacts[0].Fields["city"] != "Kyiv" {
		t.Errorf("%+v", got)
	}
	env := strings.Split(read(t, dir+"/env"), "\n")
	for _, want := range []string{
		"OWN=kept", "CORDBOARD_EVENT=call_started", "CORDBOARD_CURSOR=e:7", "CORDBOARD_AGENT=anna", "CORDBOARD_CALL=c-1", "CORDBOARD_INTERACTION=i-1",
		"CORDBOARD_DIRECTION=inbound", "CORDBOARD_PHASE=offered", "CORDBOARD_LINE=pbx/1001", "CORDBOARD_QUEUE=Sales", "CORDBOARD_NUMBER=0441234567",
		"CORDBOARD_DISPLAY=Anna", "CORDBOARD_CONTACT_ID=1", "CORDBOARD_CONTACT_NAME=Anna Koval", "CORDBOARD_CONTACT_KIND=contact", "CORDBOARD_CONTACTS=1", "CORDBOARD_CAUSE=",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, v := range env {
		if strings.HasPrefix(v, "PLUGIN_") || strings.HasPrefix(v, "CORDBOARD_ADAPTER=") {
			t.Errorf("%s is there", v)
		}
	}
	if got := read(t, dir+"/count"); got != "1\n" {
		t.Errorf("%s arguments", got)
	}
}

// What a caller says of himself is text, whatever it looks like.
func TestHookOfAnEvilCaller(t *testing.T) {
	for i, evil := range []string{
		"$(touch pwned)", "`touch pwned`", "; touch pwned", "a\ntouch pwned\n", "() { :;}; touch pwned", "--help", "a\x00b", "x\nCORDBOARD_AGENT=root", strings.Repeat("я", 100_000), "\xff\xfe", "\u202Egnp.exe",
	} {
		h, dir, _ := hookOf(t, `cd "$1" && printf '%s' "$CORDBOARD_DISPLAY" > display && printf '%s' "$CORDBOARD_AGENT" > agent && cat > stdin`, nil)
		h.event(calling(uint64(i), callcontrol.Identity{Display: evil, Number: "1"}), nobody)
		h.stop(t.Context())
		if err := h.trouble(); err != nil {
			t.Errorf("%.20q: %v", evil, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
			t.Errorf("%q was carried out", evil)
		}
		if got := read(t, dir+"/display"); strings.ContainsAny(got, "\n\x00") || len(got) > longestVariable {
			t.Errorf("%.20q: %.100q", evil, got)
		}
		if got := read(t, dir+"/agent"); got != "anna" {
			t.Errorf("%.20q: agent %q", evil, got)
		}
		if !json.Valid([]byte(read(t, dir+"/stdin"))) {
			t.Errorf("%.20q: stdin is no JSON", evil)
		}
	}
}

func TestHookIsForSomeEvents(t *testing.T) {
	h, dir, _ := hookOf(t, `cat >> "$1/runs"`, func(c *Hook) { c.Concurrency = 1 })
	now := time.Now()
	h.now = func() time.Time { return now }
	for _, e := range []struct {
		kind callcontrol.EventKind
		age  time.Duration
	}{{callcontrol.EventCallStarted, 0}, {callcontrol.EventCallEnded, 0}, {callcontrol.EventCallStarted, 31 * time.Second}, {callcontrol.EventCallStarted, 29 * time.Second}} {
		ev := calling(1, callcontrol.Identity{})
		ev.Kind, ev.At = e.kind, now.Add(-e.age)
		h.event(ev, nobody)
	}
	h.event(sdk.Event{Event: callcontrol.Event{At: now, Kind: callcontrol.EventCallStarted}}, nobody) // without its call
	h.stop(t.Context())
	if got := strings.Count(read(t, dir+"/runs"), "\n"); got != 3 {
		t.Errorf("%d runs", got)
	}
}

// A command that hangs is killed with all it started, and said so.
func TestHookTimeout(t *testing.T) {
	h, dir, log := hookOf(t, `sleep 1000 & echo $! > "$1/child"; mv "$1/child" "$1/pid"; wait`, func(c *Hook) { c.Timeout = sdk.Duration(3 * time.Second) })
	h.event(calling(1, callcontrol.Identity{}), nobody)
	eventually(t, "the hook fails", func() bool { return h.trouble() != nil })
	if got := h.trouble().Error(); got != "hook sh: it did not end within 3s and was killed" {
		t.Error(got)
	}
	if !strings.Contains(log.String(), "hook failed") {
		t.Error(log.String())
	}
	child := strings.TrimSpace(read(t, dir+"/pid"))
	eventually(t, "its child is gone", func() bool {
		status, err := os.ReadFile("/proc/" + child + "/stat")
		return err != nil || strings.Contains(string(status), ") Z ")
	})
}

func TestHookFailure(t *testing.T) {
	h, dir, log := hookOf(t, `test -e "$1/good" || { echo "no display" >&2; exit 3; }`, nil)
	h.event(calling(1, callcontrol.Identity{}), nobody)
	eventually(t, "the hook fails", func() bool { return h.trouble() != nil })
	if got := h.trouble().Error(); got != `hook sh: exit status 3: "no display"` {
		t.Error(got)
	}
	h.event(calling(2, callcontrol.Identity{}), nobody)
	mustWrite(t, dir+"/good", "")
	eventually(t, "the hook is well again", func() bool {
		h.event(calling(3, callcontrol.Identity{}), nobody)
		return h.trouble() == nil
	})
	if got := strings.Count(log.String(), "hook failed"); got != 1 {
		t.Errorf("said %d times: %s", got, log)
	}
}

func TestHookMissing(t *testing.T) {
	h, dir, _ := hookOf(t, "", func(c *Hook) { c.Command = []string{filepath.Join(c.Command[4], "pop")} })
	if err := h.trouble(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
	h.event(calling(1, callcontrol.Identity{}), nobody)
	if err := os.WriteFile(dir+"/pop", []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is used once it is there", func() bool {
		h.event(calling(2, callcontrol.Identity{}), nobody)
		return h.trouble() == nil
	})
}

// Slow commands delay no event, are bounded in number, and what they cannot take is left out and told.
func TestHookFlood(t *testing.T) {
	h, dir, _ := hookOf(t, `mkdir "$1/$$" && until test -e "$1/go"; do sleep 0.05; done; rm -r "$1/$$"`, func(c *Hook) {
		c.Concurrency, c.Timeout = 2, sdk.Duration(time.Minute)
	})
	running := func() int {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(all, func(e fs.DirEntry) bool { return !e.IsDir() }))
	}
	begun := time.Now()
	for i := range uint64(200) {
		h.event(calling(i, callcontrol.Identity{}), nobody)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("200 events took %s", took)
	}
	if err := h.trouble(); err == nil || !strings.Contains(err.Error(), "a run was left out") {
		t.Errorf("%v", err)
	}
	eventually(t, "two run", func() bool { return running() == 2 })
	mustWrite(t, dir+"/go", "")
	for range 20 {
		if n := running(); n > 2 {
			t.Fatalf("%d run", n)
		}
	}
}

// A run that was left out is told for its time, whatever others come to, and said once.
func TestHookLeftOut(t *testing.T) {
	h, dir, log := hookOf(t, `until test -e "$1/go"; do sleep 0.05; done; echo x >> "$1/runs"`, func(c *Hook) { c.Concurrency, c.Timeout = 4, sdk.Duration(time.Minute) })
	now := time.Now()
	var later atomic.Int64
	h.now = func() time.Time { return now.Add(time.Duration(later.Load())) }
	flood := func() {
		for i := range uint64(200) {
			h.event(calling(i, callcontrol.Identity{}), nobody)
		}
	}
	flood()
	mustWrite(t, dir+"/go", "")
	eventually(t, "one has run", func() bool { return tryRead(dir+"/runs") != "" })
	eventually(t, "all have run", func() bool { return len(h.jobs) == 0 })
	if err := h.trouble(); err == nil || !strings.Contains(err.Error(), "a run was left out") {
		t.Errorf("%v", err)
	}
	flood()
	if n := strings.Count(log.String(), "hook failed"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
	later.Store(int64(troubleFor))
	if err := h.trouble(); err != nil {
		t.Errorf("after its time: %v", err)
	}
}

// A stop waits as long as it may.
func TestHookStop(t *testing.T) {
	h, dir, _ := hookOf(t, `echo > "$1/begun"; exec sleep 1000`, func(c *Hook) { c.Timeout = sdk.Duration(time.Minute) })
	h.event(calling(1, callcontrol.Identity{}), nobody)
	eventually(t, "it runs", func() bool { _, err := os.Stat(dir + "/begun"); return err == nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.stop(ctx)
}

// What a command leaves running in the background, as a browser, is its own affair.
func TestHookLeavesABrowser(t *testing.T) {
	h, dir, _ := hookOf(t, `sleep 300 & echo $! > "$1/pid"`, nil)
	h.event(calling(1, callcontrol.Identity{}), nobody)
	h.stop(t.Context())
	if err := h.trouble(); err != nil {
		t.Error(err)
	}
	var pid int
	if _, err := fmt.Sscan(read(t, dir+"/pid"), &pid); err != nil {
		t.Fatal(err)
	}
	browser, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Kill(); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// eventually waits with patience.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come", what)
		}
	}
}

// tryRead is a file that may not be there yet.
func tryRead(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}
