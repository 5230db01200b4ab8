package callcontrol

import (
	"reflect"
	"sync"
	"time"
)

// Bounds of what is remembered of commands.
const (
	memoryTime = 10 * time.Minute
	memorySize = 16384
)

// entry is one command and, once done is closed, its only result.
type entry struct {
	cmd    Command
	at     time.Time
	done   chan struct{}
	result Result
	err    error
}

// finish is called exactly once.
func (e *entry) finish(r Result, err error) {
	e.result, e.err = r, err
	close(e.done)
}

// memory makes commands idempotent: the same id with the same body gets the first result, with another
// body it is refused.
type memory struct {
	mu    sync.Mutex
	byID  map[CommandID]*entry
	order []CommandID // oldest first
}

func newMemory() *memory { return &memory{byID: make(map[CommandID]*entry)} }

// begin returns the command's entry and whether this is its first time.
func (m *memory) begin(c Command) (e *entry, first bool, r *Refusal) {
	now := time.Now()
	e = &entry{cmd: c, at: now, done: make(chan struct{})}
	if c.ID == "" {
		return e, true, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetLocked(now)
	if old := m.byID[c.ID]; old != nil {
		if !reflect.DeepEqual(old.cmd, c) {
			return nil, false, refuse(CodeConflict, "the command id was used for another command")
		}
		return old, false, nil
	}
	if len(m.order) >= memorySize {
		return nil, false, refuse(CodeBusy, "too many commands in the last ten minutes")
	}
	m.byID[c.ID] = e
	m.order = append(m.order, c.ID)
	return e, true, nil
}

func (m *memory) forgetLocked(now time.Time) {
	n := 0
	for n < len(m.order) && now.Sub(m.byID[m.order[n]].at) >= memoryTime {
		delete(m.byID, m.order[n])
		n++
	}
	if n > 0 {
		m.order = append(m.order[:0], m.order[n:]...)
	}
}
