package line

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// heapPerLine registers lines at a fake registrar and gives the heap that each
// of them holds while idle, in bytes.
func heapPerLine(tb testing.TB, lines int) float64 {
	tb.Helper()
	c := config(lines, func(t *Trunk) { t.Rate = 1e6 })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var registered sync.WaitGroup
	registered.Add(lines)
	m, err := New(c, Deps{
		Log: slog.New(slog.DiscardHandler), Sender: instant{}, Targets: targets(1), InFlight: 16,
		OnState: func(s State) {
			if s.Phase == Registered {
				registered.Done()
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	registered.Wait()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	cancel()
	if err := <-done; err != nil {
		tb.Fatal(err)
	}
	runtime.KeepAlive(c)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(lines)
}

// instant answers at once, after one challenge.
type instant struct{}

func (instant) Register(_ context.Context, r Request) (Response, error) {
	if len(r.Authorization) == 0 {
		return Response{Status: 401, Peer: r.Trunk, WWWAuthenticate: []string{digest.Challenge{
			Realm: "pbx", Nonce: "MTcwMDAwMDAwMDpiYzJlOWQ1ZjE0NmFiMzg3" + r.CallID, Algorithm: digest.SHA256, QOP: true,
		}.String()}}, nil
	}
	return Response{Status: 200, Peer: r.Trunk, Expires: r.Expires, ServiceRoute: []string{"<sip:edge.example;lr>"}}, nil
}

func (instant) Ping(context.Context, string, resolve.Target, KeepAliveKind) error { return nil }

// An idle line keeps well under 8 KiB, so that 5,000 lines fit the budget of
// the whole daemon.
func TestMemoryPerLine(t *testing.T) {
	if per := heapPerLine(t, 2000); per > 4096 {
		t.Fatalf("%.0f bytes of heap per idle line", per)
	}
}

func BenchmarkIdleLine(b *testing.B) {
	var per float64
	for b.Loop() {
		per = heapPerLine(b, 5000)
	}
	b.ReportMetric(per, "heap-bytes/line")
}

func BenchmarkStep(b *testing.B) {
	m := machine{phase: Registered, bound: true, until: epoch.Add(time.Hour), next: epoch}
	b.ReportAllocs()
	for b.Loop() {
		n, _ := next(m, input{kind: inDue, now: epoch, roll: 0.5}, testLimits)
		_, _ = next(n, input{kind: inOK, now: epoch, roll: 0.5, granted: time.Minute}, testLimits)
	}
}
