package doctor

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// spareFiles are descriptors for all that is not media: SIP, control, logs, adapters.
const spareFiles = 256

// files compares the limit of open files with what limits.max_legs may need: two sockets a leg.
func (v *visit) files(context.Context) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		v.warn("files", "the limit of open files is unknown: "+err.Error(),
			fmt.Sprintf("set LimitNOFILE=%d in the unit, which is enough", 2*v.cfg.Limits.MaxLegs+spareFiles))
		return
	}
	need := uint64(2*v.cfg.Limits.MaxLegs + spareFiles)
	if l.Max < need { // the daemon raises its soft limit to the hard one itself
		v.fail("files", fmt.Sprintf("%d open files are allowed, %d are needed for limits.max_legs %d", l.Max, need, v.cfg.Limits.MaxLegs),
			fmt.Sprintf("LimitNOFILE=%d in the unit (ulimit -Hn), or lower limits.max_legs", need))
		return
	}
	v.ok("files", fmt.Sprintf("%d open files are allowed, %d may be needed", l.Max, need))
}

// state looks at the folder of what is kept over a restart.
func (v *visit) state(context.Context) {
	dir := string(v.cfg.StateDir)
	if at, err := writable(dir); err != nil {
		v.fail("state", fmt.Sprintf("%s cannot be written: %v", at, err), "let the daemon's user write there (StateDirectory=cordboard in its unit), or change state_dir")
		return
	}
	v.ok("state", dir+" can be written")
}
