package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// LongestRuntime is the most that a runtime folder's path may have, in bytes: a socket's path has 107, of
// which go-plugin takes /plugin-dirNNNNNNNNNN/pluginNNNNNNNNNN.
const LongestRuntime = 68

// Sockets makes the folder for adapters' sockets and removes what a killed daemon left in it. The folder is
// this process's alone until release, which removes it when it is empty; that another daemon has it is an
// error.
func Sockets(dir string) (release func(), err error) {
	if len(dir) > LongestRuntime {
		return nil, fmt.Errorf("adapters' socket folder %s: the path is longer than %d bytes", dir, LongestRuntime)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("adapters' socket folder: %w", err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("adapters' socket folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another daemon uses it")
		}
		return nil, errors.Join(fmt.Errorf("adapters' socket folder %s: %w", dir, err), lock.Close())
	}
	if err := sweep(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("adapters' socket folder: %w", err), lock.Close())
	}
	return func() {
		_ = os.Remove(dir)
		_ = lock.Close()
	}, nil
}

// sweep removes adapters' folders.
func sweep(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "plugin-dir*"))
	if err != nil {
		return err
	}
	for _, d := range old {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	return nil
}
