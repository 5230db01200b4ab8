package callcontrol

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
)

// Bounds of what is remembered of commands: each result for CommandMemory, as long as there is room. An agent with a busy panel
// gives a command every ten seconds.
const (
	memoryLeast   = 16384
	memoryPerDesk = 64
)

// entry is one command and, once done is closed, its only result.
type entry struct {
	cmd    Command // not of an earlier run
	body   string  // digest
	begun  time.Time
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

// answer is the result of a command that is done, for its first sender or for one who repeats it.
func (e *entry) answer(first bool) (Result, error) {
	r, err := e.result, e.err
	r.Replayed = !first
	var refusal *Refusal
	if !first && errors.As(err, &refusal) {
		again := *refusal
		again.Replayed = true
		err = &again
	}
	return r, err
}

// record is what is kept of the command.
func (e *entry) record() CommandRecord {
	r := CommandRecord{ID: e.cmd.ID, Body: e.body, Begun: e.begun, Done: e.ended, Result: e.result}
	errors.As(e.err, &r.Refusal)
	return r
}

// memory makes commands idempotent: the same id with the same body gets the first result, with another
// body it is refused.
type memory struct {
	size int
	keep Commands

	mu   sync.Mutex
	byID map[CommandID]*entry
	done []*entry // those of byID that are finished, oldest first
}

// newMemory remembers what an earlier run kept. What that one had begun and not done is answered with a refusal.
func newMemory(desks int, keep Commands) *memory {
	if keep == nil {
		keep = noCommands{}
	}
	m := &memory{size: max(memoryLeast, memoryPerDesk*desks), keep: keep, byID: make(map[CommandID]*entry)}
	kept := keep.Kept()
	for i := range kept {
		if r := &kept[i]; r.Done.IsZero() {
			r.Done = time.Now()
			r.Refusal = refuse(CodeGatewayRestart, "the daemon ended while the command was carried out and began anew; it is not tried again")
			keep.Keep(*r)
		}
	}
	slices.SortStableFunc(kept, func(a, b CommandRecord) int { return a.Done.Compare(b.Done) })
	for _, r := range kept[max(0, len(kept)-m.size):] {
		e := &entry{cmd: Command{ID: r.ID}, body: r.Body, begun: r.Begun, ended: r.Done, result: r.Result, memory: m, done: make(chan struct{})}
		if r.Refusal != nil {
			e.err = r.Refusal
		}
		close(e.done)
		m.byID[r.ID] = e
		m.done = append(m.done, e)
	}
	return m
}

// begin returns the command's entry and whether this is its first time. Where there is no room, the oldest result is forgotten; a
// command that is still under way never is, for its repetition would be carried out as well.
func (m *memory) begin(c Command) (e *entry, first bool, r *Refusal) {
	e = &entry{cmd: c, memory: m, begun: time.Now(), done: make(chan struct{})}
	if c.ID == "" {
		return e, true, nil
	}
	body, err := json.Marshal(c)
	if err != nil { // a command is text and numbers
		return nil, false, refuse(CodeBadArgument, err.Error())
	}
	e.body = m.keep.Digest(body)
	old, oldest, r := m.enter(e)
	if oldest != "" {
		m.keep.Forget(oldest)
	}
	if r != nil || old != nil {
		return old, false, r
	}
	m.keep.Keep(e.record())
	return e, true, nil
}

// enter remembers a command, unless there is an older one with its id. For lack of room the oldest is forgotten, which it names.
func (m *memory) enter(e *entry) (old *entry, oldest CommandID, r *Refusal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.done) > 0 && e.begun.Sub(m.done[0].ended) >= CommandMemory {
		m.forgetLocked()
	}
	if old := m.byID[e.cmd.ID]; old != nil {
		if old.body != e.body {
			return nil, "", refuse(CodeConflict, "the command id was used for another command")
		}
		return old, "", nil
	}
	if len(m.byID) >= m.size {
		if len(m.done) == 0 {
			return nil, "", refuse(CodeOverloaded, "too many commands are under way")
		}
		oldest = m.done[0].cmd.ID
		m.forgetLocked()
	}
	m.byID[e.cmd.ID] = e
	return nil, oldest, nil
}

func (m *memory) finished(e *entry) {
	m.mu.Lock()
	e.ended = time.Now()
	r := e.record()
	m.done = append(m.done, e)
	m.mu.Unlock()
	m.keep.Keep(r)
}

// forgetLocked forgets the oldest result.
func (m *memory) forgetLocked() {
	delete(m.byID, m.done[0].cmd.ID)
	m.done[0] = nil // append makes room by a new array in time; until then this one keeps no command alive
	m.done = m.done[1:]
}
