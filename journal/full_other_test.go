//go:build !linux

package journal

import "errors"

// fullDisk needs a file system of its own, which only Linux makes without a privilege.
func fullDisk() error { return errors.ErrUnsupported }
