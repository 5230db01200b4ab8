package sipua

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"cordboard/sipua/resolve"
)

// reach tries to end a dialog where its peer was, and, if that is a phone, wherever it registers from then on, until a try
// succeeds. What does not know the dialog may be another device of the same user, so only the peer's own word, or that of all
// devices, counts for it.
func (s *Stack) reach(ctx context.Context, f Farewell, try func(context.Context, resolve.Target) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var tries sync.WaitGroup
	defer tries.Wait()
	defer cancel()
	type outcome struct {
		first bool
		err   error
	}
	outcomes := make(chan outcome)
	running := 0
	begin := func(via resolve.Target) {
		running++
		tries.Go(func() {
			select {
			case outcomes <- outcome{via.Zero(), try(ctx, via)}:
			case <-ctx.Done():
			}
		})
	}
	begin(resolve.Target{})
	tried := map[resolve.Target]bool{}
	if f.Flow.Network == "udp" {
		tried[f.Flow.target()] = true
	}
	var last error
	for denied := false; ; {
		var news <-chan struct{}
		if f.Phone != "" {
			news = s.phones.next()
			for _, via := range s.flowsOf(f.Phone) {
				if !tried[via] {
					tried[via] = true
					begin(via)
				}
			}
		}
		switch {
		case running > 0:
		case denied:
			return nil
		case f.Phone == "":
			return last
		}
		select {
		case o := <-outcomes:
			running--
			if o.err == nil || o.first && errors.Is(o.err, errNotThere) {
				return nil
			}
			denied = denied || errors.Is(o.err, errNotThere)
			last = o.err
		case <-news:
		case <-ctx.Done():
			if last == nil { // no try has come to its end
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		}
	}
}

// flowsOf are the ways to a phone that it registered by.
func (s *Stack) flowsOf(phone string) []resolve.Target {
	var out []resolve.Target
	for _, b := range s.registrar.Lookup(phone) {
		if b.Flow.Remote.IsValid() {
			out = append(out, resolve.Target{Transport: b.Flow.Network, Addr: b.Flow.Remote})
		}
	}
	return out
}

// guests are addresses that the edge lets in for a while, each as often as it was added.
type guests struct {
	mu sync.RWMutex
	m  map[netip.Addr]int
}

func (g *guests) add(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[netip.Addr]int{}
	}
	g.m[a]++
}

func (g *guests) drop(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m[a]--; g.m[a] <= 0 {
		delete(g.m, a)
	}
}

func (g *guests) has(a netip.Addr) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.m[a] > 0
}
