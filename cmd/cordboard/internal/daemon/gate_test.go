package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// gate fails a test at whose end something is left that was not there now: goroutines, sockets, files. It is called before
// the test starts anything, so that its look comes last. What lives in a daemon is the world's own gate: world.close.
func gate(t *testing.T) {
	t.Helper()
	leaks, before := goleak.IgnoreCurrent(), descriptors(t)
	t.Cleanup(func() {
		if t.Failed() {
			return // whatever ended it may have left things behind
		}
		goleak.VerifyNone(t, leaks)
		if left := opened(t, before, 5*time.Second); len(left) > 0 {
			t.Errorf("file descriptors left open: %v", left)
		}
	})
}

// opened are the descriptors that are open now and were not before; some time is given to what is just closing.
func opened(t *testing.T, before map[string]string, patience time.Duration) (left []string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		left = nil
		for fd, what := range descriptors(t) {
			if before[fd] != what {
				left = append(left, fd+" "+what)
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			slices.Sort(left)
			return left
		}
		<-time.After(10 * time.Millisecond)
	}
}

// descriptors are the open files and sockets of this process, by number. The runtime's own, which it opens when it first
// needs them and keeps, are left out.
func descriptors(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	if runtime.GOOS != "linux" {
		return out
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		what, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // that of the listing itself, or just closed
		case err != nil:
			t.Fatal(err)
		case strings.HasPrefix(what, "anon_inode:[event"):
		default:
			out[e.Name()] = what
		}
	}
	return out
}

// A gate that cannot close is none: each kind of leak is seen.
func TestGateSeesLeaks(t *testing.T) {
	before := descriptors(t)
	if runtime.GOOS == "linux" && len(before) < 3 {
		t.Fatalf("only %v is open", before)
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	left := opened(t, before, 0)
	if runtime.GOOS == "linux" && (len(left) != 2 || !strings.Contains(fmt.Sprint(left), "socket:") || !strings.Contains(fmt.Sprint(left), os.Args[0])) {
		t.Errorf("a socket and a file are open, seen is %v", left)
	}
	_, _ = c.Close(), f.Close()
	if left := opened(t, before, 5*time.Second); len(left) > 0 {
		t.Errorf("nothing is open, seen is %v", left)
	}
}
