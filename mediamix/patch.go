package mediamix

// MaxSlots is how many legs one board can hold: a Hear names them in a 32-bit mask.
const MaxSlots = 32

// Patch says who hears whom on a board. The index of Hears is the slot that hears; a slot without an entry hears nothing
// and is sent nothing.
type Patch struct {
	Hears []Hear
}

// Hear is what one slot hears: the sum of the other slots in its mask and of a source.
type Hear struct {
	// Slots is a bit mask of the slots heard (1<<slot). The slot's own bit and slots that have not joined count for
	// nothing. Muting a party is leaving it out of the masks.
	Slots uint32
	// Source is music or a tone; nil for none. It may be heard beside slots (a call-waiting tone over a talk).
	Source *Source
	// Comfort sends faint noise (below -60 dBFS) while nothing else is heard, so that the stream goes on and the line
	// does not sound dead. Without it nothing is sent then.
	Comfort bool
}
