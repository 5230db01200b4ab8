package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"cordboard/callcontrol"
)

// worst are the figures of the party that is heard worst now, nil when no party has any. Who does not talk yet, or holds us,
// may well be silent.
func worst(legs []callcontrol.LegView) *callcontrol.LegMedia {
	var m *callcontrol.LegMedia
	for _, l := range legs {
		talks := (l.State == callcontrol.LegConnected || l.State == callcontrol.LegHeld) && !l.PeerHold
		if l.Media != nil && talks && (m == nil || l.Media.RecentMOS < m.RecentMOS) {
			m = l.Media
		}
	}
	return m
}

// qualityText is how a party was heard in the last seconds: MOS and loss.
func qualityText(m *callcontrol.LegMedia) string {
	switch {
	case m == nil:
		return ""
	case m.RecentMOS == 0:
		return "silent"
	}
	return fmt.Sprintf("%.1f, %s lost", m.RecentMOS, percent(m.RecentLossRatio))
}

// mediaText is what else there is to tell of a leg's RTP; faults only where there are any.
func mediaText(m *callcontrol.LegMedia) string {
	if m == nil {
		return ""
	}
	parts := []string{
		m.Codec, fmt.Sprintf("in %d", m.PacketsIn), fmt.Sprintf("out %d", m.PacketsOut),
		fmt.Sprintf("jitter %v", m.Jitter.Round(time.Millisecond)),
	}
	if m.RTT > 0 {
		parts = append(parts, fmt.Sprintf("rtt %v", m.RTT.Round(time.Millisecond)))
	}
	if m.RemoteLossRatio > 0 {
		parts = append(parts, fmt.Sprintf("peer loses %s", percent(m.RemoteLossRatio)))
	}
	if m.ForeignDropped > 0 {
		parts = append(parts, fmt.Sprintf("foreign %d", m.ForeignDropped))
	}
	return strings.Join(parts, ", ")
}

func percent(ratio float64) string {
	return strconv.FormatFloat(math.Round(ratio*1000)/10, 'f', -1, 64) + "%"
}
