// Package rtp carries the packets of Cordboard's legs: ports, sockets, streams, DTMF, RTCP and statistics. It knows no
// SIP and no sound: what a leg hears is decided by a [Board], which the owner of the desk hands in.
//
// An [Engine] owns a few shards. Each shard is one loop on one thread; all legs of one desk (one group) live on the same
// shard, and only that loop touches their streams and their board, so nothing there is locked. A packet is either
// relayed as it came (payload untouched, header re-stamped) or goes through a jitter buffer into the board, which
// mixes once per 20 ms tick.
//
// Every leg has one sender whose stream never breaks: one SSRC, sequence +1, timestamp following the clock, whatever
// feeds it (RFC 3550 §5.1).
package rtp
