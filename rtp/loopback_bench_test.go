package rtp

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkLoopbackRelay100Calls relays 100 calls, both ways, over real sockets at 50 packets a second and reports the processor time of
// the whole process per relayed packet: generator and sink, a send and a receive, are in it. An operation is 20 ms.
func BenchmarkLoopbackRelay100Calls(b *testing.B) {
	const calls = 100
	e, err := New(Config{Bind: loopback}, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = e.Run(ctx) })
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		b.Fatal(err)
	}
	running.Go(func() {
		buf := make([]byte, 2000)
		for {
			if _, _, err := conn.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
		}
	})
	var legs []*Stream
	for i := range calls {
		board := newTestBoard()
		board.keep = false
		board.relay[0], board.relay[1] = 1, 0
		for slot := range 2 {
			s, err := e.Open(OpenParams{Group: strconv.Itoa(i), Board: board, Slot: slot})
			if err != nil {
				b.Fatal(err)
			}
			s.Update(Params{Remote: localAddr(conn), Codec: PCMU, Send: true, Recv: true})
			legs = append(legs, s)
		}
	}
	before := processorTime(b)
	data := rtpPacket(0, 0, 0, 0, false, make([]byte, FrameSamples))
	beat := time.NewTicker(frameTime)
	for n := range b.N {
		<-beat.C
		for i, s := range legs {
			putHeader(data, 0, stamp{seq: uint16(n), ts: uint32(n) * FrameSamples}, uint32(i+1))
			if _, err := conn.WriteToUDPAddrPort(data, s.Local()); err != nil {
				b.Fatal(err)
			}
		}
	}
	beat.Stop()
	total, relayed := uint64(b.N*len(legs)), uint64(0)
	for deadline := time.Now().Add(time.Second); relayed < total && time.Now().Before(deadline); {
		relayed = 0
		for _, l := range legs {
			relayed += l.Stats().PacketsRelayed
		}
	}
	used := processorTime(b) - before
	b.ReportMetric(float64(used.Microseconds())/float64(max(relayed, 1)), "cpu-µs/packet")
	b.ReportMetric(100*(1-float64(relayed)/float64(total)), "lost-%")
	cancel()
	conn.Close()
	running.Wait()
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
