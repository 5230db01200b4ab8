// Package host runs adapters: one supervisor each, which starts the process (hashicorp/go-plugin, gRPC
// over a unix socket with mutual TLS), configures it, watches its health, starts it again after a
// back-off, and stops it with grace, then by force.
//
// An adapter that is slow, silent, noisy or talks garbage costs the others nothing: each call to it has
// a deadline, what it sends is bounded in size and rate, and nobody waits for it.
package host
