package edge

import "sync/atomic"

// Stats are the counters of a Filter since New; Sources and Conns are gauges.
type Stats struct {
	Accepted    uint64            // messages handed to the parser
	Answered    uint64            // faulty requests of trusted peers answered with an error status
	Pongs       uint64            // keep-alives answered on streams (RFC 5626 §4.4.1)
	Connections uint64            // connections admitted
	Dropped     map[Reason]uint64 // by reason, answered ones included; every reason is there
	Sources     int               // addresses in the tables of sources
	Conns       int               // open connections
}

type counters struct {
	accepted, answered, pongs, connections atomic.Uint64
	dropped                                [reasonCount]atomic.Uint64
}

// Stats returns the counters.
func (f *Filter) Stats() Stats {
	s := Stats{
		Accepted: f.count.accepted.Load(), Answered: f.count.answered.Load(), Pongs: f.count.pongs.Load(),
		Connections: f.count.connections.Load(), Dropped: make(map[Reason]uint64, reasonCount),
		Sources: f.trusted.size() + f.strangers.size(), Conns: f.conns.size(),
	}
	for _, r := range Reasons() {
		s.Dropped[r] = f.count.dropped[r].Load()
	}
	return s
}
