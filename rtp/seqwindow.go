package rtp

// seqWindow remembers which of the last 64 sequence numbers have been seen (as in RFC 3711 §3.3.2).
type seqWindow struct {
	hi   uint16
	bits uint64 // bit i: hi-i was seen
}

// start begins at seq; everything before it counts as seen.
func (w *seqWindow) start(seq uint16) { w.hi, w.bits = seq, ^uint64(0) }

// add says whether seq is new, and remembers it. Numbers older than the window are not new.
func (w *seqWindow) add(seq uint16) bool {
	d := int16(seq - w.hi)
	if d > 0 {
		if d < 64 {
			w.bits = w.bits<<uint(d) | 1
		} else {
			w.bits = 1
		}
		w.hi = seq
		return true
	}
	if d <= -64 {
		return false
	}
	bit := uint64(1) << uint(-int(d))
	if w.bits&bit != 0 {
		return false
	}
	w.bits |= bit
	return true
}
