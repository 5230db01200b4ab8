package rtp

import (
	"fmt"
	"log/slog"
	"net/netip"
)

// backend is the way packets get in and out. Every backend passes the same tests.
type backend interface {
	// open binds addr and, from then on, gives every datagram to in.
	open(addr netip.AddrPort, in inlet) (socket, error)
}

// socket is one bound port.
type socket interface {
	local() netip.AddrPort
	// send writes one datagram without ever blocking; b is free again when it returns. Only the loop calls it.
	send(b []byte, to netip.AddrPort) error
	// close unbinds the port; when it returns, nothing more is delivered. It is safe from any goroutine, once.
	close()
}

func newBackend(name string, log *slog.Logger) (backend, error) {
	if name == BackendPortable {
		return &portable{log: log}, nil
	}
	return nil, fmt.Errorf("%w: unknown backend %q: want %q", ErrConfig, name, BackendPortable)
}
