package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// errInUse is what Open says of a folder that another process has open.
var errInUse = errors.New("another process has the journal open")

// prepareDir makes the folder of a store and sees that it can be written.
func prepareDir(dir string) error {
	const remedy = "make the folder writable for the daemon, or name another with journal.dir"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("journal: %w: %s", err, remedy)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("journal: %w: %s", err, remedy)
	}
	_ = probe.Close()
	return os.Remove(probe.Name())
}

// lockDir takes the folder for this process. The lock ends with the process, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := make([]byte, 16)
		n, _ := f.Read(holder)
		_ = f.Close()
		return nil, fmt.Errorf("journal: %s: %w (process %s): stop it, or give this daemon a state_dir or journal.dir of its own",
			dir, errInUse, strings.TrimSpace(string(holder[:n])))
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("journal: lock %s: %w", f.Name(), err)
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0) // for the message above only
	return f, nil
}
