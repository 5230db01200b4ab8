package daemon

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"cordboard/callcontrol"
)

// held is the memory in use after a collection: heap and stacks of goroutines, bytes.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// An agent who waits for calls costs well under the 20 KiB of resident memory that make bench holds the process to
// (docs/performance.md), of which up to half is room for the collector. The lines of this test do not register, so that no
// transaction is in the figure; what a registration keeps is bounded in sipua/line.
func TestMemoryPerIdleAgent(t *testing.T) {
	const few, many, most = 20, 1020, 7 << 10
	w := newWorld(t, setup{noPhone: true})
	use := func(agents int) int64 {
		w.dir = t.TempDir()
		before := held()
		d := w.newDaemon(setup{agents: agents, trunk: "register: {enabled: false}"})
		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx, nil, nil) }()
		defer func() {
			cancel()
			w.must(<-done)
		}()
		w.until("every desk knows of its line", func() bool {
			s, err := d.board.Snapshot(w.ctx)
			return err == nil && !slices.ContainsFunc(s.Agents, func(a callcontrol.AgentView) bool { return !a.Registered })
		})
		return held() - before
	}
	base := use(few)
	per := (use(many) - base) / (many - few)
	t.Logf("%d bytes an idle agent", per)
	if per > most {
		t.Errorf("%d bytes of heap and stacks for an idle agent, more than %d", per, most)
	}
}
