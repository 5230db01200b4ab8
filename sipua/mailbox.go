package sipua

import (
	"sync"
	"time"

	"cordboard/sipua/offer"
)

// Commands of the Dialog methods, as they wait in the mailbox.
type (
	cmdRing   struct{ early *offer.Local }
	cmdAnswer struct{ local offer.Local }
	cmdReject struct {
		status int
		reason string
	}
	cmdHangup struct {
		reason string
		cause  Cause
	}
	cmdReoffer  struct{ local offer.Local }
	cmdIdentity struct{ who Identity }
	cmdDigit    struct {
		digit    rune
		duration time.Duration
	}
	cmdRefer struct {
		target   URI
		replaces *DialogID
	}
)

// maxFromWire bounds what one peer can make wait in a mailbox; commands and timers are few and never refused.
const maxFromWire = 256

// mailbox is what waits for a dialog's goroutine: in order, never blocking the sender.
type mailbox struct {
	mu      sync.Mutex
	items   []any
	wire    int // items from the wire
	closed  bool
	parked  bool          // nobody reads: the next item calls start
	start   func()        // starts the reader; must not block
	wake    chan struct{} // capacity 1
	dropped uint64
}

func newMailbox(start func()) *mailbox { return &mailbox{start: start, wake: make(chan struct{}, 1)} }

// put adds an item; false: the dialog has ended, or the item came from the wire and there are too many of them.
func (m *mailbox) put(item any, fromWire bool) bool {
	m.mu.Lock()
	if m.closed || fromWire && m.wire >= maxFromWire {
		m.dropped++
		m.mu.Unlock()
		return false
	}
	if fromWire {
		m.wire++
	}
	m.items = append(m.items, item)
	if m.parked { // under the lock: an item of the shutdown comes after it or starts the reader itself
		m.parked = false
		m.start()
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// park lets the reader go until there is something to read; false: there is.
func (m *mailbox) park() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parked = len(m.items) == 0
	return m.parked
}

// take returns everything that waits.
func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items, m.wire = nil, 0
	return items
}

// close takes nothing any more, and returns what still waits.
func (m *mailbox) close() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.closed, m.items = true, nil
	return items
}
