package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/plugins/control"
)

// readme gives the shell blocks of README.md, or of one of its sections, line by line without comments.
func readme(t *testing.T, section string) [][]string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if section != "" {
		_, text, _ = strings.Cut(text, "\n## "+section+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
	}
	var blocks [][]string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		var block []string
		for line := range strings.Lines(m[1]) {
			line, _, _ = strings.Cut(line, " #")
			block = append(block, strings.TrimSpace(line))
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// TestReadme: every command of README.md exists, with its arguments, and so does every file that it names.
func TestReadme(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, line := range slices.Concat(readme(t, "")...) {
		commands++
		w := strings.Fields(line)
		switch w[0] {
		case "make":
			if !strings.Contains(string(makefile), "\n"+w[1]+":") {
				t.Errorf("%s: no such target", line)
			}
		case "bin/cordboard":
			var c cli
			parser, err := kong.New(&c, kong.Bind(&app{}), kong.ExplicitGroups(groups))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(w[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		case "cp":
			if _, err := os.Stat(filepath.Join("../..", w[1])); err != nil {
				t.Error(err)
			}
		case "export", "$EDITOR":
		default:
			t.Errorf("%s: what is that?", line)
		}
	}
	if commands < 20 {
		t.Errorf("only %d commands", commands)
	}
}

// TestReadmeVerbs runs the verbs of README.md as they stand there, against what `make demo KEEP=1` leaves running. A block begins
// when its first verb is allowed, which is when what the text before it says has come about; the rest follows at once.
func TestReadmeVerbs(t *testing.T) {
	dir, err := os.MkdirTemp("", "cord") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	keepDemo(t, dir)
	socket := filepath.Join(dir, "control.sock")
	t.Setenv("CORDBOARD_SOCKET", socket)
	client, err := control.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ran := map[string]bool{}
	for _, block := range readme(t, "The verbs") {
		for i, line := range block {
			command, ok := strings.CutPrefix(line, "bin/cordboard ")
			if !ok {
				if line != "export CORDBOARD_SOCKET=$PWD/demo-out/control.sock" {
					t.Errorf("%s: unexpected", line)
				}
				continue
			}
			w := strings.Fields(command)
			ran[w[0]] = true
			if w[0] == "watch" {
				watches(t, client)
				continue
			}
			if i == 0 {
				allowed(ctx, t, client, w)
			}
			if code, out := runLine(t, command); code != exitOK {
				t.Fatalf("%s: exit %d\n%s", line, code, out)
			}
		}
	}
	for _, verb := range strings.Fields("agents dial hold retrieve mute unmute digits consult swap conference complete answer transfer watch") {
		if !ran[verb] {
			t.Errorf("README.md has no %s", verb)
		}
	}
}

// keepDemo runs `cordboard demo --keep` until the test ends, and returns when it has left everything running.
func keepDemo(t *testing.T, dir string) {
	t.Helper()
	out, told := lines(t)
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run([]string{"demo", "--keep", "--out", dir}, &app{out: out, errs: out, now: time.Now, zone: time.UTC, signals: signals, daemon: daemon.Run})
	}()
	t.Cleanup(func() {
		signals <- syscall.SIGTERM
		for {
			select {
			case line := <-told: // whoever writes must not wait
				t.Log(line)
			case <-done:
				return
			}
		}
	})
	for limit := time.After(3 * time.Minute); ; {
		select {
		case line := <-told:
			t.Log(line)
			if strings.HasPrefix(line, "Ctrl-C ends it") {
				return
			}
		case <-done:
			t.Fatal("the demo has ended")
		case <-limit:
			t.Fatal("the demo left nothing running")
		}
	}
}

// allowed waits until a verb is allowed at a call of its agent.
func allowed(ctx context.Context, t *testing.T, client *control.Client, words []string) {
	t.Helper()
	kind := callcontrol.Kind(words[0])
	if kind == "transfer" {
		kind = callcontrol.KindBlind
	}
	if !slices.Contains(callcontrol.Kinds, kind) || kind == callcontrol.KindDial {
		return
	}
	for {
		snap, err := client.Snapshot(ctx)
		if err != nil {
			t.Fatalf("until %v is allowed: %v", words, err)
		}
		for _, c := range snap.Calls {
			if c.Agent == callcontrol.AgentID(words[1]) && slices.ContainsFunc(c.Legs, func(l callcontrol.LegView) bool { return slices.Contains(l.Actions, kind) }) {
				return
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%v is not allowed in time", words)
		}
	}
}

// watches follows events until one comes and a signal ends it.
func watches(t *testing.T, client *control.Client) {
	t.Helper()
	out, told := lines(t)
	signals := make(chan os.Signal, 1)
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"watch"}, &app{out: out, errs: io.Discard, now: time.Now, zone: time.UTC, signals: signals})
	}()
	change := time.NewTicker(200 * time.Millisecond) // events to see: whether watch begins before or after one is not known
	defer change.Stop()
	for n, limit := 0, time.After(30*time.Second); ; n++ {
		select {
		case <-told:
			signals <- syscall.SIGTERM
			if c := <-code; c != exitOK {
				t.Errorf("watch: exit %d", c)
			}
			return
		case <-change.C:
			status := []callcontrol.Status{callcontrol.StatusPause, callcontrol.StatusReady}[n%2]
			if _, err := client.Do(t.Context(), callcontrol.Command{Kind: callcontrol.KindStatus, Agent: "clara", Status: status}); err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatal("watch tells nothing")
		}
	}
}
