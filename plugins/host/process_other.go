//go:build !linux

package host

import "syscall"

// attributes give the process a group of its own. Where the daemon is killed hard, adapters outlive it
// here.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit cannot wait without reaping here.
func awaitExit(int) bool { return false }
