// Package edge stands between the sockets and the SIP parser: it drops what must never be parsed (too large,
// lying about its length, not SIP, unknown or too busy sources), frames streams, answers what a known peer got
// wrong, and counts all of it. It starts no goroutine and allocates nothing for a datagram it drops.
package edge

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Strangers says what a source that is not trusted may send. Whatever is not allowed is dropped in silence.
type Strangers uint8

// Policies for strangers.
const (
	StrangersSilence  Strangers = iota // nothing (the default)
	StrangersRegister                  // REGISTER only: phones that register from anywhere
	StrangersAll                       // everything, within their rates
)

// Rate is a token bucket: messages per second and how many may come at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Config of a Filter. The zero value of each field is replaced by the default given.
type Config struct {
	// Trusted reports whether a source is a known peer (trunk, registered phone). It is called for each datagram
	// and connection, must be fast and safe for concurrent use. nil: nobody is trusted.
	Trusted   func(netip.Addr) bool
	Strangers Strangers

	PerTrusted Rate // each trusted address; default 2,000/s, burst 4,000
	AllTrusted Rate // all trusted together; default 20,000/s, burst 20,000
	PerSource  Rate // each stranger's address (IPv6: its /64); default 20/s, burst 60
	Total      Rate // all strangers together, so that they cannot starve trusted peers; default 500/s, burst 1,000
	MaxSources int  // entries in each of the two tables of sources; the least recently seen makes room; default 4,096

	MaxMessage int // bytes of one message; default 32 KiB
	MaxHeader  int // bytes of start line and headers on a stream; default 16 KiB

	MaxConns          int           // connections in all, of which strangers may hold half; default 8,192
	MaxConnsPerSource int           // connections of one address; default 256
	IdleTimeout       time.Duration // a connection silent for so long is closed; default 10 min
	MessageTimeout    time.Duration // first to last byte of a message, and accept to a stranger's first message; default 20 s
	WriteTimeout      time.Duration // one write to a connection; default 10 s
}

func (c Config) withDefaults() Config {
	rate := func(r *Rate, perSecond float64, burst int) {
		if r.PerSecond <= 0 {
			r.PerSecond = perSecond
		}
		if r.Burst <= 0 {
			r.Burst = burst
		}
	}
	rate(&c.PerTrusted, 2000, 4000)
	rate(&c.AllTrusted, 20000, 20000)
	rate(&c.PerSource, 20, 60)
	rate(&c.Total, 500, 1000)
	number := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	number(&c.MaxSources, 4096)
	number(&c.MaxMessage, 32<<10)
	number(&c.MaxHeader, 16<<10)
	number(&c.MaxConns, 8192)
	number(&c.MaxConnsPerSource, 256)
	timeout := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	timeout(&c.IdleTimeout, 10*time.Minute)
	timeout(&c.MessageTimeout, 20*time.Second)
	timeout(&c.WriteTimeout, 10*time.Second)
	if c.Trusted == nil {
		c.Trusted = func(netip.Addr) bool { return false }
	}
	return c
}

// Filter is the edge of one SIP stack: it wraps each socket of the stack. It is safe for concurrent use.
type Filter struct {
	cfg       Config
	start     time.Time
	trusted   *limiter
	strangers *limiter
	conns     connTable
	flows     flowTable
	policy    atomic.Uint32 // Strangers
	count     counters
}

// New returns a filter.
func New(cfg Config) *Filter {
	cfg = cfg.withDefaults()
	f := &Filter{
		cfg: cfg, start: time.Now(),
		trusted:   newLimiter(cfg.PerTrusted, cfg.AllTrusted, cfg.MaxSources),
		strangers: newLimiter(cfg.PerSource, cfg.Total, cfg.MaxSources),
		conns:     connTable{bySource: map[netip.Addr]int{}},
		flows:     flowTable{m: map[flow]*stream{}},
	}
	f.Admit(cfg.Strangers)
	return f
}

// Admit changes what strangers may send.
func (f *Filter) Admit(s Strangers) { f.policy.Store(uint32(s)) }

func (f *Filter) admits() Strangers { return Strangers(f.policy.Load()) }

// take takes a token for one message of this source.
func (f *Filter) take(a netip.Addr, trusted bool) (ok bool, wait time.Duration) {
	l := f.strangers
	if trusted {
		l = f.trusted
	}
	return l.take(sourceKey(a), time.Since(f.start))
}

// allowed reports whether this source may send this message at all.
func (f *Filter) allowed(trusted bool, message []byte) bool {
	if trusted || f.admits() == StrangersAll {
		return true
	}
	return f.admits() == StrangersRegister && len(message) > 9 && string(message[:9]) == "REGISTER "
}

func (f *Filter) drop(r Reason) { f.count.dropped[r].Add(1) }
