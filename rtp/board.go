package rtp

// MaxSlots is the number of legs that may share a board.
const MaxSlots = 32

// FrameSamples is the length of a frame: 20 ms at 8 kHz.
const FrameSamples = 160

// Board is what the legs of one desk are patched through. Only the loop of the desk's shard calls it, and only that
// loop may change it: see [Engine.Do]. Its dynamic type must be comparable (a pointer).
//
// Payload slices are lent for the call; a board that wants to keep one copies it.
type Board interface {
	// RelayFrom names the slot whose packets this slot hears untouched (same codec, nothing to mix), else -1.
	RelayFrom(slot int) int
	// Wants says that someone mixes what this slot sends: its packets go through its jitter buffer and Frame.
	Wants(slot int) bool
	// Frame brings the next 20 ms of the slot's codec payload of this tick. With lost set, payload is nil and the
	// board conceals. It is called once per tick for each wanted slot.
	Frame(slot int, payload []byte, lost bool)
	// Tick comes after all Frame calls of a 20 ms tick and before its Mix calls.
	Tick()
	// Mix writes what the slot hears this tick in the slot's codec and returns its length; 0 sends nothing.
	Mix(slot int, dst []byte) int
}

// RelayObserver is what a Board may be as well: it is told of each audio payload of a slot that was relayed, so that a mix
// that takes over from the relay can begin without a break. The payload is lent for the call.
type RelayObserver interface {
	Relayed(slot int, payload []byte)
}
