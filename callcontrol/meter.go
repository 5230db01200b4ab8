package callcontrol

import (
	"context"
	"slices"
	"time"
)

// Meter reads how the media of live legs fares. A snapshot asks it, on the goroutine of whoever wants the snapshot: no desk
// waits for it.
type Meter interface {
	// Measure gives the figures of legs up to now; each is named with the agent whose desk it is at. Legs without negotiated
	// media are left out, and all of them when they cannot be read before ctx ends.
	Measure(ctx context.Context, legs map[LegID]AgentID) map[LegID]LegMedia
}

// meterLimit bounds the wait for the figures: a snapshot is worth more than they are.
const meterLimit = 500 * time.Millisecond

// LegMedia are the figures of a leg's RTP. In: what the party sends us; out: what we send to it. Recent means the last 3 to
// 15 s, everything else the whole leg.
type LegMedia struct {
	Codec           string        `json:"codec"`             // encoding name, RFC 3551
	Relayed         bool          `json:"relayed,omitempty"` // the party hears another leg's packets untouched, nothing is mixed
	PacketsIn       uint64        `json:"packets_in"`
	PacketsOut      uint64        `json:"packets_out"`
	ForeignDropped  uint64        `json:"foreign_dropped,omitempty"` // came from another source than the party
	Lost            int64         `json:"lost"`                      // RFC 3550 §6.4.1: expected less received; of what the party sent
	LossRatio       float64       `json:"loss_ratio"`                // 0…1
	RecentLossRatio float64       `json:"recent_loss_ratio"`
	Jitter          time.Duration `json:"jitter"`                      // interarrival jitter, RFC 3550 §6.4.1
	RTT             time.Duration `json:"rtt,omitempty"`               // from RTCP; 0: not measured
	MOS             float64       `json:"mos,omitempty"`               // E-model (ITU-T G.107) of what the party sent, 1…4.5; 0: nothing came
	RecentMOS       float64       `json:"recent_mos,omitempty"`        // 0: nothing came
	RemoteLossRatio float64       `json:"remote_loss_ratio,omitempty"` // of what we sent, as the party last reported by RTCP
	RemoteJitter    time.Duration `json:"remote_jitter,omitempty"`     // the same
}

// measure fills in the figures of the legs. The publisher shares its legs with every snapshot, so they are copied.
func (s *Switchboard) measure(ctx context.Context, calls []CallView) {
	legs := make(map[LegID]AgentID)
	for i := range calls {
		for _, l := range calls[i].Legs {
			legs[l.ID] = calls[i].Agent
		}
	}
	if s.deps.Meter == nil || len(legs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, meterLimit)
	defer cancel()
	media := s.deps.Meter.Measure(ctx, legs)
	for i := range calls {
		calls[i].Legs = slices.Clone(calls[i].Legs)
		for j := range calls[i].Legs {
			if m, ok := media[calls[i].Legs[j].ID]; ok {
				calls[i].Legs[j].Media = &m
			}
		}
	}
}
