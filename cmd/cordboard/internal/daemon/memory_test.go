package daemon

import (
	"runtime"
	"testing"
)

// held is the memory in use after a collection: heap and stacks of goroutines, bytes.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// An idle agent, with desk and registered line, keeps well under the 20 KiB of resident memory that make bench holds it to
// (docs/performance.md). What the PBX of the test keeps per account is in the figure.
func TestMemoryPerIdleLine(t *testing.T) {
	const lines = 1000
	before := held()
	w := newWorld(t, setup{agents: lines, noPhone: true, trunk: "register: {rate: 1000}"})
	per := (held() - before) / lines
	t.Logf("%d bytes an idle line", per)
	if per > 10<<10 {
		t.Errorf("%d bytes of heap and stacks for an idle line", per)
	}
	runtime.KeepAlive(w)
}
