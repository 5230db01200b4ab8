package callcontrol

import "sync"

// envelope is an input on its way to a desk, with whoever waits for its result, or the word that a
// patch is in force.
type envelope struct {
	in      Input
	entry   *entry
	patched uint64          // number of the patch that is in force now
	asked   chan<- struct{} // by Check; nothing else is set
}

// Bounds of an inbox. A flood of keys must not displace the signals that end legs.
const (
	inboxSize   = 8192
	inboxDigits = 256
)

// inbox is a bounded queue into a desk, and decides when the desk runs: an idle desk has no goroutine, for
// a stack each is most of what thousands of idle desks would cost. Pushing never waits.
type inbox struct {
	start func() // starts the desk's goroutine, which takes until there is nothing more
	idle  func() // told when there is nothing more, once after each shut that came too early; must not block

	mu      sync.Mutex
	open    bool // the desk may run
	running bool // its goroutine does
	early   bool // shut came too early
	ended   bool // it never will again
	queue   []envelope
	dropped uint64
}

func newInbox(start, idle func()) *inbox { return &inbox{start: start, idle: idle} }

// push reports false when the inbox is full, and the envelope is dropped and counted, or the desk has ended.
func (b *inbox) push(e envelope) bool {
	limit := inboxSize
	if e.in.Signal != nil && e.in.Signal.Kind == SignalDigit {
		limit = inboxDigits
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= limit && e.patched == 0 {
		b.dropped++
		return false
	}
	if b.ended {
		return false
	}
	b.queue = append(b.queue, e)
	b.startLocked()
	return true
}

// startLocked sees to it that the desk runs when there is something to do.
func (b *inbox) startLocked() {
	if b.open && !b.running && len(b.queue) > 0 {
		b.running = true
		b.start()
	}
}

// serve lets the desk run, beginning with what is queued already.
func (b *inbox) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = true
	b.startLocked()
}

// close lets the desk end after the inputs it took. What is pushed later stays queued.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
}

// ask queues a question of Check to a desk that runs; an idle one has no loop that could stand.
func (b *inbox) ask(c chan<- struct{}) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running {
		return false
	}
	b.queue = append(b.queue, envelope{asked: c})
	return true
}

// shut lets the desk never run again; false when there is something to do, or may, which reads the desk while it does not run,
// says no. Then idle is told of the end of what it does next.
func (b *inbox) shut(may func() bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running || len(b.queue) > 0 || !may() {
		b.early = true
		return false
	}
	b.open, b.ended = false, true
	return true
}

// take returns everything that is queued, in order, and how many were dropped since the last take. With
// more false there is nothing, and the goroutine that asked must end.
func (b *inbox) take() (queue []envelope, dropped uint64, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || len(b.queue) == 0 {
		b.running = false
		if b.early && len(b.queue) == 0 {
			b.early = false
			b.idle()
		}
		return nil, 0, false
	}
	queue, dropped = b.queue, b.dropped
	b.queue, b.dropped = nil, 0
	return queue, dropped, true
}
