package rtp

import (
	"math"
	"time"
)

// Stats are the figures of one stream since Open. Received means: accepted from the locked source.
type Stats struct {
	PacketsSent, OctetsSent         uint64 // RTP out; octets of payload
	PacketsReceived, OctetsReceived uint64 // RTP in; octets of payload
	PacketsRelayed                  uint64 // of those sent, taken over untouched from another leg
	Relaying                        bool   // what is sent now is taken over so, else it is mixed
	SendErrors                      uint64

	Lost         int64   // expected − received (RFC 3550 A.3), may be negative with duplicates
	LossRatio    float64 // 0…1, over the whole stream
	RecentLoss   float64 // the same over the last 3 to 15 s
	SequenceGaps uint64  // runs of missing packets
	Late         uint64  // came after their time of playing (mix path only)
	Reordered    uint64
	Duplicate    uint64
	Jitter       time.Duration // interarrival jitter, RFC 3550 A.8
	BufferDelay  time.Duration // present target of the jitter buffer, 0 when only relaying
	Concealed    uint64        // frames handed to the board as lost

	ForeignDropped uint64 // from another source than the locked one
	Malformed      uint64 // no RTP or RTCP
	UnknownPT      uint64 // payload type not negotiated
	QueueDropped   uint64 // reader's queue or pool was full
	SwitchDropped  uint64 // frames left out where two feeds of the sender overlapped
	SSRCChanges    uint64 // of the peer
	EventsDropped  uint64 // OnEvent's queue was full

	RTT          time.Duration // from RTCP, 0 = not measured
	RemoteLoss   float64       // 0…1, what the peer last reported of our stream
	RemoteJitter time.Duration // same
	MOS          float64       // E-model estimate of what we receive, 1…4.5; 0 = nothing received yet
	RecentMOS    float64       // the same over the last 3 to 15 s; 0 = nothing received in them

	SSRC, RemoteSSRC uint32
}

// Usage is how far the port range is used.
type Usage struct {
	Total   int // port pairs in the range; 0 = unbounded (system ports)
	Used    int // pairs in use
	Resting int // closed pairs still in quarantine
}

// Free is how many pairs can be had now; math.MaxInt when they are unbounded.
func (u Usage) Free() int {
	if u.Total == 0 {
		return math.MaxInt
	}
	return u.Total - u.Used - u.Resting
}

// Ratio is the share of pairs that cannot be had now, 0…1. Alarm at 0.9.
func (u Usage) Ratio() float64 {
	if u.Total == 0 {
		return 0
	}
	return float64(u.Used+u.Resting) / float64(u.Total)
}

// EngineStats are the figures of all shards together.
type EngineStats struct {
	Streams      int
	Ticks        uint64 // 20 ms ticks run
	TicksLate    uint64 // of these, those made up for: the next one was due already
	TicksSkipped uint64 // ticks left out because the loop was more than two frames late
	QueueDropped uint64 // packets dropped because a queue or a pool was full
	Ports        Usage
	Backend      string
}
