package rtp

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// clockedBackend notes when the loop sends each packet of a stream, and sends it for real.
type clockedBackend struct {
	portable

	mu      sync.Mutex
	sockets []*clockedSocket
}

type clockedSocket struct {
	socket
	epoch time.Time
	at    []time.Duration // without pointers: the collector is part of what is measured
}

func (b *clockedBackend) open(addr netip.AddrPort, in inlet) (socket, error) {
	s, err := b.portable.open(addr, in)
	if err != nil {
		return nil, err
	}
	c := &clockedSocket{socket: s, epoch: time.Now(), at: make([]time.Duration, 0, 1<<12)}
	if !in.rtcp {
		b.mu.Lock()
		b.sockets = append(b.sockets, c)
		b.mu.Unlock()
	}
	return c, nil
}

func (s *clockedSocket) send(b []byte, to netip.AddrPort) error {
	s.at = append(s.at, time.Since(s.epoch))
	return s.socket.send(b, to)
}

// BenchmarkPacing200Legs mixes for 200 legs over real sockets, with a forced collection each second, and reports how the intervals
// between the packets of a leg are spread, in ms. An operation is a tick.
func BenchmarkPacing200Legs(b *testing.B) {
	const legs = 200
	e, err := New(Config{Bind: loopback}, nil)
	if err != nil {
		b.Fatal(err)
	}
	clocked := &clockedBackend{portable: portable{log: e.log}}
	e.backend = clocked
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = e.Run(ctx) })
	sink, err := (&portable{log: e.log}).open(netip.AddrPortFrom(loopback, 0), inlet{shard: newShard(time.Now()), stream: new(Stream)})
	if err != nil {
		b.Fatal(err)
	}
	for i := range legs {
		board := newTestBoard()
		board.keep, board.mix = false, mixTone(1)
		s, err := e.Open(OpenParams{Group: string(rune('a' + i)), Board: board})
		if err != nil {
			b.Fatal(err)
		}
		s.Update(Params{Remote: sink.local(), RemoteRTCP: sink.local(), Codec: PCMU, Send: true})
	}
	collect := time.NewTicker(time.Second)
	for range max(1, b.N/50) { // an operation is one tick
		<-collect.C
		runtime.GC()
	}
	collect.Stop()
	cancel()
	running.Wait()
	sink.close()

	var gaps []time.Duration
	for _, s := range clocked.sockets {
		for i := 1; i < len(s.at); i++ {
			gaps = append(gaps, s.at[i]-s.at[i-1])
		}
	}
	slices.Sort(gaps)
	ms := func(q float64) float64 { return float64(gaps[int(q*float64(len(gaps)-1))]) / float64(time.Millisecond) }
	b.ReportMetric(ms(0.01), "p1-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(ms(0.999), "p99.9-ms")
	b.ReportMetric(float64(e.Stats().TicksSkipped), "skipped")
}
