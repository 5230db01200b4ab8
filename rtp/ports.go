package rtp

import (
	"math/rand/v2"
	"sync"
	"time"
)

// ports deals out even RTP ports; RTCP is on the odd one above (RFC 3550 §11). A port that was used rests before it is
// dealt again, and the longest unused comes first. With an empty range it deals 0: the system chooses.
type ports struct {
	rest time.Duration
	now  func() time.Time

	mu      sync.Mutex
	total   int
	used    int
	free    []uint16 // a queue
	resting []restingPort
}

type restingPort struct {
	port  uint16
	until time.Time
}

func newPorts(cfg Config, now func() time.Time) *ports {
	p := &ports{rest: cfg.Quarantine, now: now}
	if cfg.PortMin == 0 {
		return p
	}
	for port := int(evenUp(cfg.PortMin)); port+1 <= int(cfg.PortMax); port += 2 {
		p.free = append(p.free, uint16(port))
	}
	p.total = len(p.free)
	rand.Shuffle(p.total, func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	return p
}

func (p *ports) bounded() bool { return p.total > 0 }

// take is not ok when no port is free.
func (p *ports) take() (port uint16, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.bounded() {
		p.used++
		return 0, true
	}
	p.wakeLocked()
	if len(p.free) == 0 {
		return 0, false
	}
	port, p.free = p.free[0], p.free[1:]
	p.used++
	return port, true
}

// release puts a port to rest.
func (p *ports) release(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used--
	if !p.bounded() {
		return
	}
	if p.rest <= 0 {
		p.free = append(p.free, port)
		return
	}
	p.resting = append(p.resting, restingPort{port, p.now().Add(p.rest)})
}

// giveBack returns a port that could not be bound to the end of the queue.
func (p *ports) giveBack(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used--
	if p.bounded() {
		p.free = append(p.free, port)
	}
}

func (p *ports) wakeLocked() {
	now := p.now()
	for len(p.resting) > 0 && !now.Before(p.resting[0].until) {
		p.free = append(p.free, p.resting[0].port)
		p.resting = p.resting[1:]
	}
}

func (p *ports) usage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bounded() {
		p.wakeLocked()
	}
	return Usage{Total: p.total, Used: p.used, Resting: len(p.resting)}
}
