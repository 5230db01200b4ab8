// Package sim is a small telephone world for the demo, for tests and for authors of adapters: a PBX with a registrar,
// digest, queue headers and a dial plan, customers and colleagues behind it, and agents' SIP phones.
//
// Every party sends its own tone and keeps what it received: who heard whom is measured in RTP, never asked of the
// daemon. Its RTP side is deliberately not the daemon's (package rtp), so that one cannot hide the faults of the other.
package sim
