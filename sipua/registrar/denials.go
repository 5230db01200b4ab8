package registrar

import (
	"net/netip"
	"sync"
	"time"
)

// maxSources bounds the table of denied sources. When it is full of live
// entries, new sources are not counted; the edge's rate limit still holds.
const maxSources = 4096

// denials counts wrong credentials per source address and minute.
type denials struct {
	limit int

	mu      sync.Mutex
	sources map[netip.Addr]*denial
	swept   time.Time
}

type denial struct {
	count int
	until time.Time
}

func newDenials(limit int) *denials {
	return &denials{limit: limit, sources: make(map[netip.Addr]*denial)}
}

// sourceOf is what counts as one source: an IPv4 address, or the /64 that one IPv6 host may choose from.
func sourceOf(f Flow) netip.Addr {
	a := f.Remote.Addr().Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // errs only on a bad length
		return p.Addr()
	}
	return a
}

// silent reports whether a source gets no answer any more.
func (d *denials) silent(a netip.Addr, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.sources[a]
	return x != nil && now.Before(x.until) && x.count >= d.limit
}

// add counts one denial.
func (d *denials) add(a netip.Addr, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.sources[a]
	if x == nil || !now.Before(x.until) {
		if x == nil && len(d.sources) >= maxSources && !d.sweepLocked(now) {
			return
		}
		x = &denial{until: now.Add(time.Minute)}
		d.sources[a] = x
	}
	x.count++
}

// sweepLocked makes room, d.mu held; at most once a second, so that a flood
// from many sources does not walk the table each time.
func (d *denials) sweepLocked(now time.Time) bool {
	if now.Sub(d.swept) < time.Second {
		return false
	}
	d.swept = now
	for k, x := range d.sources {
		if !now.Before(x.until) {
			delete(d.sources, k)
		}
	}
	return len(d.sources) < maxSources
}
