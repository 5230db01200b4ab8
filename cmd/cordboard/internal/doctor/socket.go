package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// socket finds out whether a daemon runs already, and if not, whether the socket can be made.
func (v *visit) socket(ctx context.Context) {
	path := string(v.cfg.Control.Socket)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.socketFolder(filepath.Dir(path))
		return
	case err != nil:
		v.fail("socket", err.Error(), "run doctor as the daemon's user, or change control.socket")
		return
	case info.Mode().Type() != fs.ModeSocket:
		v.fail("socket", path+" is not a socket", "move it away, or change control.socket")
		return
	}
	snap, err := v.snapshot(ctx)
	switch {
	case err == nil:
		v.running = true
		v.ok("socket", fmt.Sprintf("a daemon runs at %s with %d agents and %d calls; its ports and registrations are left alone", path, len(snap.Agents), len(snap.Calls)))
	case errors.Is(unix.Access(path, unix.W_OK), unix.EACCES):
		v.warn("socket", path+" is not for this user", "run doctor as the daemon's user, or as a member of control.group")
	default:
		v.ok("socket", path+" is left over from an earlier daemon; the next one replaces it")
	}
}

func (v *visit) snapshot(ctx context.Context) (callcontrol.Snapshot, error) {
	c, err := control.Dial(string(v.cfg.Control.Socket))
	if err != nil {
		return callcontrol.Snapshot{}, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return c.Snapshot(ctx)
}

func (v *visit) socketFolder(dir string) {
	if at, err := writable(dir); err != nil {
		v.fail("socket", fmt.Sprintf("the control socket cannot be made: %s: %v", at, err),
			"let the daemon's user write there (RuntimeDirectory=cordboard in its unit), or change control.socket")
		return
	}
	v.ok("socket", "no daemon runs; the control socket can be made in "+dir)
}

// writable says whether this user can make files in dir, or make dir itself. It returns the folder that
// decides.
func writable(dir string) (string, error) {
	for {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			dir = filepath.Dir(dir)
		case err != nil:
			return dir, err
		case !info.IsDir():
			return dir, errors.New("not a folder")
		default:
			return dir, unix.Access(dir, unix.W_OK|unix.X_OK)
		}
	}
}
