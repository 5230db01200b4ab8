package edge

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// bucket is a token bucket. The zero value with its time set is empty.
type bucket struct {
	tokens float64
	last   time.Duration // when tokens was true, since the filter's start
}

// take takes one token if there is one; otherwise it returns how long until there will be.
func (b *bucket) take(r Rate, now time.Duration) (ok bool, wait time.Duration) {
	b.tokens += (now - b.last).Seconds() * r.PerSecond
	b.last = now
	if burst := float64(r.Burst); b.tokens > burst {
		b.tokens = burst
	}
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	return false, time.Duration((1 - b.tokens) / r.PerSecond * float64(time.Second))
}

// limiter holds a token bucket for each source and one for all. Its table has a fixed size and never allocates after
// newLimiter: a new source takes the place of the one not seen for longest.
type limiter struct {
	perSource, all Rate
	seed           maphash.Seed

	mu      sync.Mutex
	total   bucket
	entries []source
	chains  []int32 // first entry of each hash chain, -1: none
	used    int32
	newest  int32
	oldest  int32
}

// source is an entry of the table, in a hash chain and in a list by age.
type source struct {
	addr         netip.Addr
	bucket       bucket
	next         int32 // in the hash chain
	newer, older int32
}

func newLimiter(perSource, all Rate, size int) *limiter {
	chains := 1
	for chains < 2*size {
		chains *= 2
	}
	l := &limiter{
		perSource: perSource, all: all, seed: maphash.MakeSeed(),
		entries: make([]source, size), chains: make([]int32, chains), newest: -1, oldest: -1,
	}
	for i := range l.chains {
		l.chains[i] = -1
	}
	l.total.tokens = float64(all.Burst)
	return l
}

// take takes a token of this source and one of all; otherwise it returns how long to wait for them.
func (l *limiter) take(a netip.Addr, now time.Duration) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.entryLocked(a, now).bucket
	if ok, wait := b.take(l.perSource, now); !ok {
		return false, wait
	}
	if ok, wait := l.total.take(l.all, now); !ok {
		b.tokens++ // not this source's fault
		return false, wait
	}
	return true, 0
}

// size returns the number of sources in the table.
func (l *limiter) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.used)
}

func (l *limiter) chain(a netip.Addr) *int32 {
	return &l.chains[maphash.Comparable(l.seed, a)&uint64(len(l.chains)-1)]
}

// entryLocked returns the entry of a source, as the newest; a new one starts with a full bucket.
func (l *limiter) entryLocked(a netip.Addr, now time.Duration) *source {
	chain := l.chain(a)
	for i := *chain; i >= 0; i = l.entries[i].next {
		if l.entries[i].addr == a {
			if i != l.newest {
				l.unlinkLocked(i)
				l.linkLocked(i)
			}
			return &l.entries[i]
		}
	}
	i := l.used
	if int(i) < len(l.entries) {
		l.used++
	} else {
		i = l.oldest
		l.unlinkLocked(i)
		for p := l.chain(l.entries[i].addr); ; p = &l.entries[*p].next {
			if *p == i {
				*p = l.entries[i].next
				break
			}
		}
	}
	l.entries[i] = source{addr: a, bucket: bucket{float64(l.perSource.Burst), now}, next: *chain}
	*chain = i
	l.linkLocked(i)
	return &l.entries[i]
}

// linkLocked makes entry i the newest.
func (l *limiter) linkLocked(i int32) {
	e := &l.entries[i]
	e.newer, e.older = -1, l.newest
	if l.newest >= 0 {
		l.entries[l.newest].newer = i
	} else {
		l.oldest = i
	}
	l.newest = i
}

// unlinkLocked takes entry i out of the list by age.
func (l *limiter) unlinkLocked(i int32) {
	e := &l.entries[i]
	if e.newer >= 0 {
		l.entries[e.newer].older = e.older
	} else {
		l.newest = e.older
	}
	if e.older >= 0 {
		l.entries[e.older].newer = e.newer
	} else {
		l.oldest = e.newer
	}
}

// sourceKey is what counts as one source: an IPv4 address, or the /64 that one IPv6 host may choose from.
func sourceKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	b := a.As16()
	clear(b[8:])
	return netip.AddrFrom16(b)
}
