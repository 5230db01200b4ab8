package digest

import (
	"sync"
	"time"
)

// replay remembers which nc values of each nonce were used (RFC 7616 §3.4.5:
// the server's own count detects replays). Requests over UDP may arrive out of
// order, so a window of 64 counts behind the highest is kept.
//
// The table is a ring: the nonce first used longest ago makes room. What left
// is not usable again: nonces issued no later than anything that left and not
// in the table are refused as stale.
type replay struct {
	mu    sync.Mutex
	used  map[string]*window
	ring  []string
	next  int
	floor time.Time
}

type window struct {
	issued  time.Time
	highest uint32
	seen    uint64 // bit i: highest-i was used
}

func newReplay(limit int) *replay {
	return &replay{used: make(map[string]*window), ring: make([]string, limit)}
}

// use marks nc of a nonce as used; false when it was used already, is too far
// behind, or cannot be judged any more.
func (r *replay) use(nonce string, issued time.Time, nc uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.used[nonce]
	if w == nil {
		if !issued.After(r.floor) {
			return false
		}
		r.makeRoomLocked()
		r.ring[r.next] = nonce
		r.next = (r.next + 1) % len(r.ring)
		r.used[nonce] = &window{issued: issued, highest: nc, seen: 1}
		return true
	}
	if nc > w.highest {
		w.seen = w.seen<<min(nc-w.highest, 64) | 1
		w.highest = nc
		return true
	}
	bit := uint64(1) << min(w.highest-nc, 64)
	if bit == 0 || w.seen&bit != 0 {
		return false
	}
	w.seen |= bit
	return true
}

func (r *replay) makeRoomLocked() {
	old := r.ring[r.next]
	if old == "" {
		return
	}
	if w := r.used[old]; w.issued.After(r.floor) {
		r.floor = w.issued
	}
	delete(r.used, old)
}
