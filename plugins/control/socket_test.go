package control

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
)

func TestSocketPermissions(t *testing.T) {
	for mode, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o660: 0o660} {
		path := socketPath(t)
		s, err := NewServer(Config{Socket: path, Mode: mode, Group: "0"}, newFake(1), quiet())
		if errors.Is(err, fs.ErrPermission) {
			s, err = NewServer(Config{Socket: path, Mode: mode}, newFake(1), quiet()) // not root: no group to give away
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := socketPath(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Close(fd); err != nil { // as after kill -9: the file stays
		t.Fatal(err)
	}
	serve(t, path, newFake(1))
	if _, err := dial(t, path).Snapshot(patient(t)); err != nil {
		t.Error(err)
	}
}

func TestSocketInUse(t *testing.T) {
	path := socketPath(t)
	f := newFake(1)
	serve(t, path, f)
	_, err := NewServer(Config{Socket: path}, newFake(1), quiet())
	var inUse *SocketInUseError
	if !errors.As(err, &inUse) || inUse.Path != path {
		t.Errorf("second daemon: %v", err)
	}
	if _, err := dial(t, path).Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c"}); err != nil || f.count() != 1 {
		t.Errorf("the first one: %v", err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	path := socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewServer(Config{Socket: path}, newFake(1), quiet()); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
	for name, bad := range map[string]Config{
		"long path": {Socket: "/tmp/" + strings.Repeat("x", maxPath)},
		"folder":    {Socket: path + "/control.sock"},
		"group":     {Socket: socketPath(t), Group: "no-such-group-here"},
	} {
		if s, err := NewServer(bad, newFake(1), quiet()); err == nil {
			t.Errorf("%s: taken", name)
			_ = s.listener.Close()
		}
	}
}

// Run ends although a client keeps a stream, a command and a silent connection open.
func TestRunEnds(t *testing.T) {
	f := newFake(1)
	started := make(chan struct{})
	f.answer = func(ctx context.Context, _ callcontrol.Command) (callcontrol.Result, error) {
		close(started)
		<-ctx.Done()
		return callcontrol.Result{}, ctx.Err()
	}
	path := socketPath(t)
	s, err := NewServer(Config{Socket: path, Grace: 100 * time.Millisecond}, f, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	silent, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := dial(t, path)
	down := make(chan error, 1)
	e := c.Follow(f.log.Last(), func(err error) {
		select {
		case down <- err:
		default:
		}
	})
	f.append(t, digit("1"))
	next(t, e)
	result := make(chan error, 1)
	go func() {
		_, err := c.Do(context.Background(), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c"})
		result <- err
	}()
	<-started
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := <-result; err == nil {
		t.Error("the command was answered")
	}
	nctx, ncancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer ncancel()
	if _, err := e.Next(nctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("next: %v", err)
	}
}
