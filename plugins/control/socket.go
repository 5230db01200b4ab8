package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// maxPath is the longest path of a unix socket (sun_path without its NUL, unix(7)).
const maxPath = 107

// SocketInUseError says that a daemon listens at the socket already.
type SocketInUseError struct{ Path string }

// Error implements error.
func (e *SocketInUseError) Error() string {
	return "control socket " + e.Path + ": another daemon listens there"
}

// listen opens the socket. A socket that nobody listens at is left over from a killed daemon and is
// removed; anything else at the path is left alone. The folder is locked meanwhile, so that of two
// daemons started at once one finds the other listening.
func listen(cfg Config) (net.Listener, error) {
	path := cfg.Socket
	if len(path) > maxPath {
		return nil, fmt.Errorf("control socket %s: the path is longer than %d bytes", path, maxPath)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("control socket: lock %s: %w", dir, err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := restrict(cfg); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("control socket %s: there is something else at that path; it is left alone", path)
	}
	conn, err := net.DialTimeout("unix", path, 2*time.Second)
	switch {
	case err == nil:
		return errors.Join(&SocketInUseError{path}, conn.Close())
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("control socket: is another daemon there? %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("control socket: left over from an earlier daemon: %w", err)
	}
	return nil
}

// restrict sets group and permissions. Until then the umask's permissions hold, which give only the
// owner the right to write, and connecting needs that.
func restrict(cfg Config) error {
	if cfg.Group != "" {
		gid, err := groupID(cfg.Group)
		if err != nil {
			return err
		}
		if err := os.Lchown(cfg.Socket, -1, gid); err != nil {
			return fmt.Errorf("control socket: group %s: %w", cfg.Group, err)
		}
	}
	mode := cfg.Mode.Perm()
	if mode == 0 {
		mode = 0o600
	}
	if err := os.Chmod(cfg.Socket, mode); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

func groupID(group string) (int, error) {
	if n, err := strconv.Atoi(group); err == nil {
		return n, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, fmt.Errorf("control socket: %w", err)
	}
	return strconv.Atoi(g.Gid)
}
