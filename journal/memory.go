package journal

// Memory is a log of this process only. A slow reader costs nothing: it reads from the shared ring and
// meets a gap when it falls behind.
type Memory[E any] = Log[E]

// NewMemory makes a log of at most capacity entries (at least 1). epoch must differ from that of any
// earlier life.
func NewMemory[E any](epoch string, capacity int) *Memory[E] {
	return newLog(LogConfig[E]{Ring: max(capacity, 1)}, epoch, 0)
}
