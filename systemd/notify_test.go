package systemd

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

// manager is a service manager's end of NOTIFY_SOCKET.
func manager(t *testing.T) func() string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		buf := make([]byte, 4096)
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("no message: %v", err)
		}
		return string(buf[:n])
	}
}

func TestMessages(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	read := manager(t)
	n, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"ready", func() error { return n.Ready("5 lines") }, `READY=1\nSTATUS=5 lines\n`},
		{"ready without status", func() error { return n.Ready("") }, `READY=1\n`},
		{"status", func() error { return n.Status("12 calls") }, `STATUS=12 calls\n`},
		{"a status is one line", func() error { return n.Status("a\nREADY=1\tb") }, `STATUS=a READY=1 b\n`},
		{"reloading", n.Reloading, `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+\n`},
		{"stopping", func() error { return n.Stopping("3 calls left", 90*time.Second) }, `STOPPING=1\nSTATUS=3 calls left\nEXTEND_TIMEOUT_USEC=90000000\n`},
		{"stopping at once", func() error { return n.Stopping("", 0) }, `STOPPING=1\n`},
		{"stopping soon", func() error { return n.Stopping("", time.Millisecond) }, `STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000\n`},
	} {
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := read(); !regexp.MustCompile(`^` + c.want + `$`).MatchString(got) {
			t.Errorf("%s: sent %q", c.name, got)
		}
	}
	if err := n.Status(""); err != nil {
		t.Errorf("empty status: %v", err)
	}
}

func TestWithoutSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	n, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	if n.Interval() != 0 {
		t.Errorf("interval %v", n.Interval())
	}
	if err := n.Ready("x"); err != nil {
		t.Errorf("ready: %v", err)
	}
}

func TestManagerGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "")
	n, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready(""); err == nil || !strings.HasPrefix(err.Error(), "notify systemd: ") {
		t.Errorf("error %v", err)
	}
}

func TestWatchdogEnvironment(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", "")
	if n, err := New(quiet); err != nil || n.Interval() != 30*time.Second {
		t.Errorf("%v, %v", n, err)
	}
	t.Setenv("WATCHDOG_PID", "1") // meant for another process
	if n, err := New(quiet); err != nil || n.Interval() != 0 {
		t.Errorf("%v, %v", n, err)
	}
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := New(quiet); err == nil {
		t.Error("no error for an interval that is no number")
	}
}
