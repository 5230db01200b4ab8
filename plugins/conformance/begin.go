package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"cordboard/plugins/adapter"
	"cordboard/plugins/host"
)

// command is the adapter as a bare process.
func command(ctx context.Context, t Target, env ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, t.Command[0], t.Command[1:]...)
	c.Dir = t.Dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	for name, value := range t.Env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c
}

// byHand starts the program as a person would: it says what it is and ends with an error.
func byHand(t *testing.T, target Target) {
	ctx, cancel := context.WithTimeout(t.Context(), target.Limit)
	defer cancel()
	out, err := command(ctx, target).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		t.Errorf("started by hand it should end at once with an exit code other than 0: %v", err)
	}
	if len(strings.TrimSpace(string(out))) == 0 {
		t.Error("started by hand it should say what it is")
	}
}

// handshakeVersions starts it as a daemon that speaks another version only would: it says its own.
func handshakeVersions(t *testing.T, target Target) {
	ctx, cancel := context.WithTimeout(t.Context(), target.Limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "conf")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := command(ctx, target, adapter.CookieKey+"="+adapter.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=99", "PLUGIN_UNIX_SOCKET_DIR="+dir)
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	cancel()
	_ = c.Wait() // killed
	fields := strings.Split(strings.TrimSpace(line), "|")
	if err != nil || len(fields) < 5 || fields[0] != "1" || fields[1] != "1" || fields[2] != "unix" || fields[4] != "grpc" {
		t.Errorf("the handshake is %q (%v), and should be 1|1|unix|…|grpc|…", line, err)
	}
}

// info looks at what the adapter says of itself.
func info(t *testing.T, target Target) {
	s := newStage(t, target, 16)
	h, _ := s.running()
	st := h.Status()
	if st.Program == "" || st.Version == "" {
		t.Errorf("Info needs a name and a version: %q, %q", st.Program, st.Version)
	}
	if len(st.Capabilities) == 0 {
		t.Error("the adapter can do nothing")
	}
	if target.Known != "" && !able(h, adapter.CanLookup) {
		t.Error("a number is known, and the adapter looks nobody up")
	}
	if target.Name != "" && !able(h, adapter.CanSearch) {
		t.Error("a name is known, and the adapter searches nothing")
	}
}

// configuration must be refused when it is wrong, with a reason.
func configuration(t *testing.T, target Target) {
	bad := append([]json.RawMessage(nil), target.Bad...)
	var keys map[string]any
	if err := json.Unmarshal(target.Config, &keys); err != nil {
		t.Fatalf("Target.Config: %v", err)
	}
	keys["no_such_key_in_any_adapter"] = 1
	unknown, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range append(bad, unknown) {
		s := newStage(t, target, 16)
		h, end := s.start(func(c *host.Config) { c.Config = config })
		s.until("the configuration is refused", func() error {
			if h.Status().LastError != "" || runs(h) == nil {
				return nil
			}
			return errors.New("it is neither refused nor taken")
		})
		if e := h.Status().LastError; runs(h) == nil || !strings.Contains(e, "config") {
			t.Errorf("%s: taken, or refused without a reason: %q", config, e)
		}
		end()
	}
}
