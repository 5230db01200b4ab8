package host

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give the process a group of its own, so that it can be ended with its children and a key
// typed at the daemon's terminal does not reach it, and an end with the daemon, however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit waits until the process has ended and leaves it to be reaped, so that its number, which is
// its group's too, is nobody else's yet. False: it could not be waited for.
func awaitExit(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}
