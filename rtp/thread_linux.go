package rtp

import "golang.org/x/sys/unix"

// mediaNice is the niceness asked for the threads of the loops, so that a busy machine delays something else.
const mediaNice = -10

// raisePriority favours the calling thread alone. It needs CAP_SYS_NICE or a nice limit; without, nothing changes.
func raisePriority() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, mediaNice) }
