package sim

import (
	"net"
	"runtime"
	"testing"
	"time"
)

// A packet that waited to be read has the time of its arrival.
func TestArrivalIsTheKernels(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel is not asked")
	}
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := stamped(c); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if _, err := c.WriteToUDP([]byte("x"), c.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	buf, oob := make([]byte, 16), make([]byte, 128)
	_, n, _, _, err := c.ReadMsgUDP(buf, oob)
	if err != nil {
		t.Fatal(err)
	}
	late := time.Now().Add(time.Hour)
	if at := arrival(oob[:n], late); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("arrived at %v, sent at %v", at, before)
	}
	if at := arrival(nil, late); at != late {
		t.Errorf("without a control message %v", at)
	}
}
