package daemon

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cordboard/configs"
)

// contactKey makes the Contact users of lines unguessable yet the same after a restart. It is kept in the state folder.
func contactKey(c *configs.Config) ([]byte, error) {
	file := filepath.Join(string(c.StateDir), "contact.key")
	key, err := os.ReadFile(file)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	if err := os.MkdirAll(string(c.StateDir), 0o750); err != nil {
		return nil, fmt.Errorf("state_dir: %w: make the folder writable for the daemon or name another", err)
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, key, 0o600); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	return key, nil
}
