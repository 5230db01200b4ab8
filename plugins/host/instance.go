package host

import (
	"context"

	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
)

// instance is one process of an adapter, connected.
type instance interface {
	rpc() adapterv1.AdapterClient
	pid() int
	// offer serves call control to the process and returns the number of its connection at the broker.
	offer(s *control.Service) (uint32, error)
	// gone is closed when the process has ended.
	gone() <-chan struct{}
	// end says why, once it is gone; outside: somebody else killed it.
	end() (err error, outside bool)
	kill()
	// close ends the process, by force when ctx is over, and returns when nothing of it is left.
	close(ctx context.Context)
}

// launcher starts a process and connects to it. When ctx is over first, the process is ended.
type launcher func(ctx context.Context) (instance, error)
