//go:build !linux

package rtp

import "errors"

// raisePriority favours the calling thread alone; only Linux has a priority per thread.
func raisePriority() error { return errors.ErrUnsupported }
