package sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Faults are what a bad network does to datagrams. The same Seed gives the same faults.
type Faults struct {
	Seed      uint64
	Loss      float64       // share lost, 0…1
	Duplicate float64       // share sent twice
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // added to Delay, uniform from 0: datagrams overtake each other
	Down      bool          // everything is lost
}

// road carries datagrams with faults.
type road struct {
	faults atomic.Pointer[Faults]
	lost   atomic.Int64
	wg     sync.WaitGroup // datagrams under way

	mu  sync.Mutex
	rnd *rand.Rand
}

func newRoad(f Faults) *road {
	r := &road{}
	r.set(f)
	return r
}

// set changes the faults from now on, and begins their sequence anew.
func (r *road) set(f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rnd = rand.New(rand.NewPCG(f.Seed, 1))
	r.faults.Store(&f)
}

// pass sends a datagram on, as the faults have it: now, later until ctx ends, twice, or not at all.
func (r *road) pass(ctx context.Context, b []byte, send func([]byte)) {
	f := r.faults.Load()
	r.mu.Lock()
	lost, twice, extra := r.rnd.Float64() < f.Loss, r.rnd.Float64() < f.Duplicate, time.Duration(r.rnd.Float64()*float64(f.Jitter))
	r.mu.Unlock()
	if f.Down || lost {
		r.lost.Add(1)
		return
	}
	if f.Delay+extra == 0 {
		send(b)
		if twice {
			send(b)
		}
		return
	}
	kept := append([]byte(nil), b...)
	r.wg.Go(func() {
		select {
		case <-time.After(f.Delay + extra):
			send(kept)
			if twice {
				send(kept)
			}
		case <-ctx.Done():
		}
	})
}
