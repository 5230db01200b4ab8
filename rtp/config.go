package rtp

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// BackendPortable is the packet I/O that runs everywhere: one reader goroutine per socket.
const BackendPortable = "portable"

// DefaultQuarantine is how long a closed port pair rests, so that stale RTP does not reach the next call.
const DefaultQuarantine = 10 * time.Second

// Config of an engine.
type Config struct {
	Bind netip.Addr // address all media sockets are bound to; its family is the only one they speak
	// PortMin and PortMax bound the ports, inclusive: RTP on even ones, RTCP on the odd one above. Both 0: any ports
	// the system gives, without quarantine.
	PortMin, PortMax uint16
	Shards           int           // 0 = GOMAXPROCS
	Quarantine       time.Duration // 0 = DefaultQuarantine, negative = none
	Backend          string        // "" = BackendPortable
}

func (c Config) normal() (Config, error) {
	if !c.Bind.IsValid() {
		return c, fmt.Errorf("%w: bind address missing", ErrConfig)
	}
	c.Bind = c.Bind.Unmap()
	if c.Shards < 0 || c.Shards > 1024 {
		return c, fmt.Errorf("%w: shards %d: want 0 to 1024", ErrConfig, c.Shards)
	}
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	if c.Quarantine == 0 {
		c.Quarantine = DefaultQuarantine
	}
	if c.Backend == "" {
		c.Backend = BackendPortable
	}
	if c.PortMin != 0 || c.PortMax != 0 {
		first, last := evenUp(c.PortMin), c.PortMax
		if c.PortMin == 0 || first < c.PortMin || last < first || last-first < 1 {
			return c, fmt.Errorf("%w: ports %d-%d hold no even/odd pair", ErrConfig, c.PortMin, c.PortMax)
		}
	}
	return c, nil
}

// evenUp rounds up to an even port; 65535 gives 0 and so holds no pair.
func evenUp(p uint16) uint16 { return p + p&1 }
