package sipua

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Sources that come and go leave nothing behind: 20,000 of a trusted /8 are answered, then 20,000 others, and neither
// the pool nor the heap has grown with them. sipgo's own loop keeps each of them for ever.
func TestSourcesAreForgotten(t *testing.T) {
	const sources = 20_000
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet(1, 0, time.Millisecond)
		self := netip.MustParseAddrPort("127.0.0.1:6001")
		s, err := New(Config{
			Listen: []Listen{{Network: "udp", Addr: self}},
			Trunks: []Trunk{{Name: "t", Server: URI{Host: "10.0.0.1"}, Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		}, Deps{Log: logger(), listenPacket: n.listen})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		synctest.Wait()
		begin := runtime.NumGoroutine()
		flood := func(second byte) uint64 {
			answers := n.written.Load()
			for i := range sources {
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, second, byte(i >> 8), byte(i)}), 5060)
				n.conns[self].in <- datagram{from, fmt.Appendf(nil, "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
					"From: <sip:a@x>;tag=1\r\nTo: <sip:x@x>\r\nCall-ID: %v\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", from, i, from)}
				if i%100 == 0 {
					time.Sleep(20 * time.Millisecond)
				}
			}
			time.Sleep(time.Minute) // all transactions are over
			synctest.Wait()
			if got := n.written.Load() - answers; got != sources {
				t.Errorf("%d of %d sources answered", got, sources)
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		first := flood(1)
		grown := int64(flood(2)) - int64(first)
		t.Logf("heap grown by %d bytes for %d further sources, pool of %d", grown, sources, s.tpl.Pool("udp").Size())
		if grown > 400_000 { // an entry of sipgo's took 200 bytes
			t.Errorf("heap grown by %d bytes for %d further sources", grown, sources)
		}
		if size := s.tpl.Pool("udp").Size(); size > 2 {
			t.Errorf("%d addresses in the pool", size)
		}
		if c, sv := s.txns.sizes(); c+sv != 0 {
			t.Errorf("%d client and %d server transactions kept", c, sv)
		}
		if g := runtime.NumGoroutine(); g > begin+10 { // of the runtime and of tests before
			t.Errorf("%d goroutines, %d at the beginning", g, begin)
		}
		cancel()
		wg.Wait()
	})
}
