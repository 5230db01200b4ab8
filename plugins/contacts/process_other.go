//go:build !linux

package contacts

import "syscall"

// attributes give a command a group of its own, so that it can be ended with what it started.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
