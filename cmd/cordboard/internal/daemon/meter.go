package daemon

import (
	"context"

	"cordboard/callcontrol"
	"cordboard/rtp"
)

// Measure implements callcontrol.Meter.
func (m media) Measure(ctx context.Context, ids map[callcontrol.LegID]callcontrol.AgentID) map[callcontrol.LegID]callcontrol.LegMedia {
	legs, streams := make([]callcontrol.LegID, 0, len(ids)), make([]*rtp.Stream, 0, len(ids))
	codecs := make([]string, 0, len(ids))
	for id, agent := range ids {
		l := m.d.leg(agent, id)
		if l == nil {
			continue
		}
		if s, codec := l.sound(); codec != "" {
			legs, streams, codecs = append(legs, id), append(streams, s), append(codecs, codec)
		}
	}
	stats, err := m.d.engine.Measure(ctx, streams)
	if err != nil {
		return nil
	}
	out := make(map[callcontrol.LegID]callcontrol.LegMedia, len(legs))
	for i, s := range stats {
		out[legs[i]] = legMedia(s, codecs[i])
	}
	return out
}

func legMedia(s rtp.Stats, codec string) callcontrol.LegMedia {
	return callcontrol.LegMedia{
		Codec: codec, Relayed: s.Relaying,
		PacketsIn: s.PacketsReceived, PacketsOut: s.PacketsSent, ForeignDropped: s.ForeignDropped,
		Lost: s.Lost, LossRatio: s.LossRatio, RecentLossRatio: s.RecentLoss, Jitter: s.Jitter, RTT: s.RTT,
		MOS: s.MOS, RecentMOS: s.RecentMOS, RemoteLossRatio: s.RemoteLoss, RemoteJitter: s.RemoteJitter,
	}
}

// sound is the stream and its codec, empty while none is negotiated.
func (l *leg) sound() (*rtp.Stream, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream, l.codec
}

var _ callcontrol.Meter = media{}
