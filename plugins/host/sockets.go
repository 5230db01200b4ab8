package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// LongestRuntime is the most that a runtime folder's path may have, in bytes: a socket's path has 107, of
// which go-plugin takes /plugin-dirNNNNNNNNNN/pluginNNNNNNNNNN.
const LongestRuntime = 68

// Sockets makes the folder for adapters' sockets, which belongs to one daemon alone, and removes what a
// killed one left in it.
func Sockets(dir string) error {
	if len(dir) > LongestRuntime {
		return fmt.Errorf("adapters' socket folder %s: the path is longer than %d bytes", dir, LongestRuntime)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("adapters' socket folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "plugin-dir*"))
	if err != nil {
		return fmt.Errorf("adapters' socket folder: %w", err)
	}
	for _, d := range old {
		if err := os.RemoveAll(d); err != nil {
			return fmt.Errorf("adapters' socket folder: %w", err)
		}
	}
	return nil
}
