package daemon

import (
	"runtime"
	"strconv"
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

// An idle agent, with desk and registered line, keeps less than the 20 KiB of resident memory that docs/performance.md
// measures for the process alone. Here the PBX of the test is in the same process: what it keeps for each account, and the
// transactions of the registrations just made on both sides, are in the figure; so is the race detector's own when it runs.
func TestMemoryPerIdleLine(t *testing.T) {
	const few, many = 10, 200
	use := func(lines int) (bytes int64) {
		t.Run(strconv.Itoa(lines), func(t *testing.T) {
			w := newWorld(t, setup{agents: lines, noPhone: true, trunk: "register: {rate: 1000}"})
			bytes = held()
			runtime.KeepAlive(w)
		})
		return bytes
	}
	base := use(few)
	per := (use(many) - base) / (many - few)
	t.Logf("%d bytes an idle line", per)
	if per > 64<<10 {
		t.Errorf("%d bytes of heap and stacks for an idle line", per)
	}
}
