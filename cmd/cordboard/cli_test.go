package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/journal"
)

func TestExitCodesAndErrors(t *testing.T) {
	f := newFake(t)
	serve(t, f)
	nobody := filepath.Join(t.TempDir(), "none.sock")
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"":                                 {exitUsage, "cordboard --help"},
		"fly anna":                         {exitUsage, "unexpected argument fly"},
		"sim --loss 101":                   {exitUsage, "--loss: 0 to 100 per cent"},
		"sim --jitter 1h":                  {exitUsage, "--jitter: 0s to 10s"},
		"sim --speech no.wav":              {exitUsage, "--speech: "},
		"fly anna --json":                  {exitUsage, `"code": "usage"`},
		"hold":                             {exitUsage, "<agent>"},
		"hold anna extra":                  {exitUsage, "unexpected argument extra"},
		"status anna busy":                 {exitUsage, "ready"},
		"dial anna 1 --var x":              {exitUsage, "NAME=VALUE"},
		"dial anna 1 --var =x":             {exitUsage, "NAME=VALUE"},
		"watch --from 17":                  {exitUsage, "EPOCH:SEQ"},
		"watch --all --from e1:1":          {exitUsage, "can't be used together"},
		"hold anna --timeout x":            {exitUsage, "duration"},
		"bind clara":                       {exitUsage, "--pick"},
		"bind clara 7 --pick 1":            {exitUsage, "one of"},
		"bind borys --pick 3":              {exitUsage, "2 candidates"},
		"bind zoe 7":                       {exitRefused, "no call and no agent zoe"},
		"bind c2 8":                        {exitUsage, "--kind"},
		"bind anna --none --var a=1":       {exitUsage, "two commands"},
		"hold nobody":                      {exitRefused, "no_such_agent"},
		"hold dmytro":                      {exitRefused, "dmytro has no call"},
		"hold anna --call c2":              {exitRefused, "not_owner"},
		"hold anna --call c99":             {exitRefused, "no_such_call"},
		"hold borys":                       {exitRefused, "the call is offered"},
		"agents nobody":                    {exitRefused, "no_such_agent"},
		"calls nobody":                     {exitRefused, "no_such_agent"},
		"agents --socket " + nobody:        {exitFailed, "no such file"},
		"hold anna --socket " + nobody:     {exitFailed, "is the daemon running"},
		"watch --socket " + nobody:         {exitFailed, "no such file"},
		"check no-such-file.yaml":          {exitFailed, "no-such-file.yaml"},
		"doctor no-such-file.yaml":         {exitFailed, "no-such-file.yaml"},
		"doctor no-such-file.yaml --json":  {exitFailed, `"problems"`},
		"--help":                           {exitOK, "Transfers"},
		"hold --help":                      {exitOK, "--call=CALL"},
		"hold anna --id again":             {exitOK, "(done before)"},
		"swap clara --call c3":             {exitOK, "transfer t1"},
		"dial anna 1002 --var a=1 --var b": {exitUsage, "NAME=VALUE"},
	} {
		code, out := runLine(t, line)
		if code != want.code || !strings.Contains(out, want.says) {
			t.Errorf("%q: exit %d, want %d with %q in\n%s", line, code, want.code, want.says, out)
		}
	}
}

func TestAmbiguousListsTheCalls(t *testing.T) {
	f := newFake(t)
	for i := range f.snap.Calls {
		if f.snap.Calls[i].Agent == "clara" {
			f.snap.Calls[i].Phase, f.snap.Calls[i].Transfer = callcontrol.PhaseHeld, ""
		}
	}
	serve(t, f)
	code, out := runLine(t, "hangup clara --json")
	var got struct {
		OK    bool
		Verb  string
		Error struct{ Code, Message, Hint string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if code != exitUsage || got.Error.Code != "ambiguous" || got.Verb != "hangup" ||
		!strings.Contains(got.Error.Message, "c3 (held, 2001), c4 (held, 1002)") || !strings.Contains(got.Error.Hint, "--call") {
		t.Errorf("exit %d, %+v", code, got)
	}
}

func TestFlagsReachTheDaemon(t *testing.T) {
	f := newFake(t)
	serve(t, f)
	for line, want := range map[string]callcontrol.Command{
		"digits anna 4*,D --duration 80ms --gap 60ms --leg l2 --id i": {
			ID: "i", Kind: callcontrol.KindDigits, Agent: "anna", Call: "c1", Leg: "l2", Digits: "4*,D", DigitDuration: 80 * time.Millisecond, DigitGap: 60 * time.Millisecond,
		},
		"dial borys 1002 --var a=1,2 --var b= --id i": {
			ID: "i", Kind: callcontrol.KindDial, Agent: "borys", Number: "1002", Variables: []callcontrol.Variable{{Name: "a", Value: "1,2"}, {Name: "b"}},
		},
		"bind anna 7 --name 'Ann K' --kind contact --id i": {
			ID: "i", Kind: callcontrol.KindBind, Agent: "anna", Call: "c1", Contact: callcontrol.Contact{ID: "7", Name: "Ann K", Kind: "contact"},
		},
		"bind c1 --none --id i": {ID: "i", Kind: callcontrol.KindBind, Agent: "anna", Call: "c1"},
		"bind c2 --pick 2 --var a=1 --id i": {
			ID: "i", Kind: callcontrol.KindBind, Agent: "borys", Call: "c2", Contact: callcontrol.Contact{ID: "8", Name: "Maria Bondar", Kind: "contact"},
			Variables: []callcontrol.Variable{{Name: "a", Value: "1"}},
		},
		"bind borys 8 --kind account --id i": {
			ID: "i", Kind: callcontrol.KindBind, Agent: "borys", Call: "c2", Contact: callcontrol.Contact{ID: "8", Name: "Bondar & Co", Kind: "account"},
		},
		"status borys pause --reason lunch --id i": {ID: "i", Kind: callcontrol.KindStatus, Agent: "borys", Status: callcontrol.StatusPause, Reason: "lunch"},
		"transfer anna 1003 --call c1 --id i":      {ID: "i", Kind: callcontrol.KindBlind, Agent: "anna", Call: "c1", Number: "1003"},
	} {
		if code, out := runLine(t, line); code != exitOK {
			t.Errorf("%s: exit %d\n%s", line, code, out)
		}
		got, _ := json.Marshal(f.command())
		if w, _ := json.Marshal(want); !bytes.Equal(got, w) {
			t.Errorf("%s:\n got  %s\n want %s", line, got, w)
		}
	}
	runLine(t, "hold anna")
	first := f.command().ID
	runLine(t, "hold anna")
	if second := f.command().ID; first == "" || first == second {
		t.Errorf("command ids %q and %q", first, second)
	}
}

// What a peer wrote into a name must not reach the terminal as control.
func TestTablesArePrintable(t *testing.T) {
	f := newFake(t)
	f.snap.Calls[0].Remote.Display = "\x1b[2JIvan\r\n\u202e"
	serve(t, f)
	_, out := runLine(t, "calls anna --legs")
	if strings.ContainsAny(out, "\x1b\r\u202e") || !strings.Contains(out, "?[2JIvan??? <") {
		t.Errorf("%q", out)
	}
}

// lines gives what is written line by line.
func lines(t *testing.T) (io.Writer, <-chan string) {
	t.Helper()
	r, w := io.Pipe()
	out := make(chan string, 64)
	t.Cleanup(func() { _ = w.Close() })
	go func() {
		defer close(out)
		var rest []byte
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			rest = append(rest, buf[:n]...)
			for {
				i := bytes.IndexByte(rest, '\n')
				if i < 0 {
					break
				}
				out <- string(rest[:i])
				rest = rest[i+1:]
			}
			if err != nil {
				return
			}
		}
	}()
	return w, out
}

func expect(t *testing.T, from <-chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if !strings.Contains(got, want) {
			t.Fatalf("got %q, want %q in it", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("nothing came, want %q", want)
	}
}

// watch goes on over a restart of the daemon, tells the gap, and ends with 0 at a signal.
func TestWatchOverARestart(t *testing.T) {
	f := newFake(t)
	socket, stop := serve(t, f)
	out, told := lines(t)
	errs, complained := lines(t)
	signals := make(chan os.Signal, 1)
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"watch", "--from", "e1:4"}, &app{out: out, errs: errs, now: time.Now, zone: time.UTC, signals: signals})
	}()
	expect(t, told, "leg_failed")
	stop()
	expect(t, complained, "cannot be reached")

	again := newFake(t)
	again.log = journal.NewMemory[callcontrol.Event]("e2", 8)
	if _, err := again.log.Append(t.Context(), callcontrol.Event{Kind: callcontrol.EventCallEnded, Agent: "anna", CallID: "c1", Cause: callcontrol.CauseNormal}); err != nil {
		t.Fatal(err)
	}
	serveAt(t, socket, again)
	expect(t, told, "events lost")
	expect(t, told, "call_ended")
	signals <- syscall.SIGTERM
	if c := <-code; c != exitOK {
		t.Errorf("exit %d", c)
	}
}

func TestWatchTellsGapsInJSON(t *testing.T) {
	f := newFake(t)
	serve(t, f)
	code, out := runLine(t, "watch --from e0:7 --count 2 --json")
	if code != exitOK || !strings.HasPrefix(out, `{"cursor":{"epoch":"e1","seq":0},"gap":{"from":{"epoch":"e0","seq":7},"to":{"epoch":"e1","seq":0}}}`+"\n"+`{"cursor":{"epoch":"e1","seq":1},"event":{`) {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// sim tells what happens line by line, for people and for programs.
func TestSimTells(t *testing.T) {
	const args = "sim --listen 127.0.0.1:0 --lines 2 --call-every 50ms"
	for _, json := range []bool{false, true} {
		out, told := lines(t)
		signals := make(chan os.Signal, 1)
		code := make(chan int, 1)
		wants := []string{"PBX at sip:127.0.0.1:", "Numbers: 2001", "380440001000 calls line 1001", "380440001000 reached nobody"}
		line := args
		if json {
			line += " --json"
			wants = []string{
				`{"kind":"pbx","address":"127.0.0.1:`, `{"kind":"call","from":"380440001000","line":"1001"}`,
				`{"kind":"outcome","from":"380440001000","line":"1001","state":"ended"}`,
			}
		}
		go func() {
			code <- run(words(line), &app{out: out, errs: out, now: time.Now, zone: time.UTC, signals: signals})
		}()
		limit := time.After(30 * time.Second)
		for _, want := range wants {
			for got := ""; !strings.Contains(got, want); {
				select {
				case got = <-told:
				case <-limit:
					t.Fatalf("%q was not told", want)
				}
				if json && (!strings.HasPrefix(got, `{"kind":"`) || !strings.HasSuffix(got, "}")) {
					t.Fatalf("%q is no line of JSON", got)
				}
			}
		}
		signals <- syscall.SIGTERM
		for done := false; !done; {
			select {
			case <-told: // whoever writes must not wait
			case c := <-code:
				if done = true; c != exitOK {
					t.Errorf("exit %d", c)
				}
			}
		}
	}
}

func TestServeExitCodes(t *testing.T) {
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		daemon  func(ctx context.Context, config string, o daemon.Options) error
		signals int
		code    int
	}{
		"asked to stop": {func(ctx context.Context, _ string, o daemon.Options) error { o.Ready(); <-ctx.Done(); return nil }, 1, exitOK},
		"not started":   {func(context.Context, string, daemon.Options) error { return boom }, 0, exitFailed},
		"forced": {func(ctx context.Context, _ string, o daemon.Options) error {
			o.Ready()
			<-ctx.Done()
			<-o.Force
			return nil
		}, 2, exitForced},
		"unclean": {func(_ context.Context, _ string, o daemon.Options) error { o.Ready(); return boom }, 0, exitUnclean},
	} {
		signals := make(chan os.Signal, 4)
		for range tc.signals {
			signals <- syscall.SIGTERM
		}
		var out bytes.Buffer
		code := run([]string{"serve", "x.yaml"}, &app{out: &out, errs: &out, now: time.Now, zone: time.UTC, signals: signals, daemon: tc.daemon})
		if code != tc.code || (code == exitFailed || code == exitUnclean) != strings.Contains(out.String(), "boom") {
			t.Errorf("%s: exit %d, want %d\n%s", name, code, tc.code, out.String())
		}
	}
}
