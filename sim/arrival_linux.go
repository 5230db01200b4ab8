package sim

import (
	"net"
	"syscall"
	"time"
	"unsafe"
)

// stamped asks the kernel to tell when each packet arrived, so that a busy machine that reads it late does not make its
// sender look late.
func stamped(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1) })
	if err != nil {
		return err
	}
	return set
}

// arrival is when a packet arrived, by its control messages; now when they do not say.
func arrival(oob []byte, now time.Time) time.Time {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			t := *(*syscall.Timespec)(unsafe.Pointer(unsafe.SliceData(m.Data)))
			return time.Unix(t.Unix())
		}
	}
	return now
}
