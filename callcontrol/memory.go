package callcontrol

import (
	"reflect"
	"sync"
	"time"
)

// Bounds of what is remembered of commands: each result for memoryTime, as long as there is room. An agent with a busy panel gives
// a command every ten seconds.
const (
	memoryTime    = 10 * time.Minute
	memoryLeast   = 16384
	memoryPerDesk = 64
)

// entry is one command and, once done is closed, its only result.
type entry struct {
	cmd    Command
	memory *memory
	done   chan struct{}
	ended  time.Time // when it was done
	result Result
	err    error
}

// finish is called exactly once.
func (e *entry) finish(r Result, err error) {
	e.result, e.err = r, err
	if e.cmd.ID != "" {
		e.memory.finished(e)
	}
	close(e.done)
}

// memory makes commands idempotent: the same id with the same body gets the first result, with another
// body it is refused.
type memory struct {
	size int

	mu   sync.Mutex
	byID map[CommandID]*entry
	done []*entry // those of byID that are finished, oldest first
}

func newMemory(desks int) *memory {
	return &memory{size: max(memoryLeast, memoryPerDesk*desks), byID: make(map[CommandID]*entry)}
}

// begin returns the command's entry and whether this is its first time. Where there is no room, the oldest result is forgotten; a
// command that is still under way never is, for its repetition would be carried out as well.
func (m *memory) begin(c Command) (e *entry, first bool, r *Refusal) {
	e = &entry{cmd: c, memory: m, done: make(chan struct{})}
	if c.ID == "" {
		return e, true, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for now := time.Now(); len(m.done) > 0 && now.Sub(m.done[0].ended) >= memoryTime; {
		m.forgetLocked()
	}
	if old := m.byID[c.ID]; old != nil {
		if !reflect.DeepEqual(old.cmd, c) {
			return nil, false, refuse(CodeConflict, "the command id was used for another command")
		}
		return old, false, nil
	}
	if len(m.byID) >= m.size {
		if len(m.done) == 0 {
			return nil, false, refuse(CodeOverloaded, "too many commands are under way")
		}
		m.forgetLocked()
	}
	m.byID[c.ID] = e
	return e, true, nil
}

func (m *memory) finished(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.ended = time.Now()
	m.done = append(m.done, e)
}

// forgetLocked forgets the oldest result.
func (m *memory) forgetLocked() {
	delete(m.byID, m.done[0].cmd.ID)
	m.done[0] = nil // append makes room by a new array in time; until then this one keeps no command alive
	m.done = m.done[1:]
}
