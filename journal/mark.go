package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// markSize is the fixed size of a mark: it is overwritten in place, so that a full disk does not keep
// it from being written.
const markSize = 512

// state is what a mark says of the last life of a log.
type state struct {
	Epoch    string `json:"epoch"`
	Boot     string `json:"boot"`     // of the kernel: another one may have lost what was not synced
	Clean    bool   `json:"clean"`    // ended by Close with everything stored
	Degraded bool   `json:"degraded"` // readers were given entries that are not stored
	Stored   uint64 `json:"stored"`   // at least this much was stored
}

// mark is the file by which the next life sees how this one ended. A nil *mark forgets everything.
type mark struct {
	mu     sync.Mutex
	file   *os.File
	now    state
	sticks bool // whatever comes, the next life begins another epoch
}

// openMark returns the mark of a log and what it said; the zero state when there is none that is whole.
func openMark(dir, name string) (*mark, state, error) {
	if dir == "" {
		return nil, state{}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".mark"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, state{}, fmt.Errorf("journal: %w", err)
	}
	var old state
	text := make([]byte, markSize)
	n, _ := f.ReadAt(text, 0)
	if json.Unmarshal(bytes.TrimSpace(text[:n]), &old) != nil {
		old = state{}
	}
	return &mark{file: f, now: old}, old, nil
}

// set changes the mark and writes it.
func (m *mark) set(change func(*state)) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.now)
	if m.sticks {
		m.now.Clean, m.now.Degraded = false, true
	}
	text, err := json.Marshal(m.now)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte{' '}, max(markSize-len(text)-1, 0))...)
	_, err = m.file.WriteAt(append(text, '\n'), 0)
	return err
}

func (m *mark) close() {
	if m != nil {
		_ = m.file.Close()
	}
}

// bootID changes with each start of the kernel; empty where it cannot be known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
