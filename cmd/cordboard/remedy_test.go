package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/cmd/cordboard/internal/demo"
	"cordboard/plugins/control"
)

// TestRemedies makes the commands fail as they do in practice: what to do is always said, and names what to change.
func TestRemedies(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const config = "sip: {listen: [%q]}\ncontrol: {socket: %s}\nstate_dir: %s\n"
	write("file", "")
	write("taken.yaml", fmt.Sprintf(config, "udp://"+taken.LocalAddr().String(), "s", "state"))
	write("elsewhere.yaml", fmt.Sprintf(config, "udp://203.0.113.9:5060", "s", "state"))
	write("state.yaml", fmt.Sprintf(config, "udp://127.0.0.1:0", "s", "file/state"))
	write("socket.yaml", fmt.Sprintf(config, "udp://127.0.0.1:0", "file/s", "state"))
	write("metrics.yaml", fmt.Sprintf(config, "udp://127.0.0.1:0", "s", "state")+"metrics: {listen: \"203.0.113.9:9464\"}\n")
	for line, wants := range map[string][]string{
		"serve taken.yaml":                           {"address already in use", "ss -lunpt", "sip.listen"},
		"serve taken.yaml --json":                    {`"hint": "another program has the port`},
		"serve elsewhere.yaml":                       {"cannot assign requested address", "ip addr", "sip.listen"},
		"serve state.yaml":                           {"not a directory", "state_dir"},
		"serve socket.yaml":                          {"not a directory", "control.socket"},
		"sim --listen " + taken.LocalAddr().String(): {"address already in use", "ss -lunpt", "--listen"},
		"serve metrics.yaml":                         {"metrics: listen tcp", "metrics.listen"},
		"sim --listen 203.0.113.9:5060":              {"cannot assign requested address", "ip addr", "--listen"},
		"demo --out file":                            {"not a directory", "--out"},
		"demo --out " + filepath.Join("file", "x"):   {"not a directory", "--out"},
	} {
		var out bytes.Buffer
		code := run(words(line), &app{out: &out, errs: &out, now: time.Now, zone: time.UTC, signals: make(chan os.Signal), daemon: daemon.Run})
		if code != exitFailed {
			t.Errorf("%s: exit %d", line, code)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", line, want, out.String())
			}
		}
	}
}

// TestEveryFailureHasARemedy: also those that take another user, a full disk or bad luck to see.
func TestEveryFailureHasARemedy(t *testing.T) {
	file := func(e error) error { return fmt.Errorf("x: %w", &fs.PathError{Op: "open", Path: "/x", Err: e}) }
	port := func(e error) error { return fmt.Errorf("x: %w", &net.OpError{Op: "listen", Net: "udp", Err: e}) }
	socket := func(e error) error { return &net.OpError{Op: "listen", Net: "unix", Err: e} }
	for _, verb := range []string{"serve", "sim", "demo", "check", "agents"} {
		place, known := places[verb]
		for _, c := range []struct {
			err    error
			change string
		}{
			{port(syscall.EADDRINUSE), place.ports}, {port(syscall.EADDRNOTAVAIL), place.ports}, {port(syscall.EACCES), place.ports},
			{file(syscall.EACCES), place.files}, {socket(syscall.EACCES), place.files}, {file(syscall.ENOENT), place.files},
			{file(syscall.ENOTDIR), place.files}, {file(syscall.EISDIR), place.files}, {file(syscall.ENOSPC), place.files},
			{file(syscall.EROFS), place.files}, {file(syscall.EEXIST), place.files},
			{port(syscall.EMFILE), ""}, {demo.ErrNotOK, ""}, {demo.ErrTooSlow, ""}, {&control.SocketInUseError{Path: "/x"}, ""}, {errors.New("boom"), ""},
		} {
			f := explain(verb, c.err)
			if f.Code != "failed" || f.Hint == "" || known && !strings.Contains(f.Hint, c.change) {
				t.Errorf("%s, %v: %+v, want %q in it", verb, c.err, f, c.change)
			}
		}
	}
}
