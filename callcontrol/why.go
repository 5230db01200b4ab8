package callcontrol

// Why is one reason for which an agent cannot take a queue call now.
type Why struct {
	Code WhyCode `json:"code"`
	Text string  `json:"text"` // for a person, in English
	Call CallID  `json:"call,omitempty"`
}

// WhyCode is the typed reason.
type WhyCode string

// Reasons.
const (
	WhyOffline      WhyCode = "offline"
	WhyPause        WhyCode = "pause"
	WhyUnregistered WhyCode = "line_unregistered"
	WhyNoDevice     WhyCode = "no_device"
	WhyOnCall       WhyCode = "on_call"
	WhyOffer        WhyCode = "offer"
	WhyWrapUp       WhyCode = "wrap_up"
	WhyDraining     WhyCode = "draining"
)

// whyDaemonDrains tells the end of the daemon from that of one agent: both have the same code.
const whyDaemonDrains = "the daemon takes no new calls"

// why lists every reason, not just the first.
func why(d *Desk) []Why {
	var w []Why
	add := func(on bool, c WhyCode, text string) {
		if on {
			w = append(w, Why{Code: c, Text: text})
		}
	}
	add(d.draining, WhyDraining, whyDaemonDrains)
	add(d.retired, WhyDraining, "the agent is taken out of the configuration")
	add(d.status == StatusOffline, WhyOffline, "the agent is offline")
	add(d.status == StatusPause, WhyPause, "the agent is on pause")
	add(!d.lineUp, WhyUnregistered, withReason("the line is not registered", d.lineWhy))
	add(!d.device.reachable && !d.deviceUp(), WhyNoDevice, withReason("the device is not reachable", d.device.why))
	add(d.wrapUp != 0, WhyWrapUp, "the agent has his time after a call")
	for i := range d.calls {
		c := &d.calls[i]
		switch {
		case !c.agent || c.phase == PhaseEnded:
		case c.waiting():
			w = append(w, Why{Code: WhyOffer, Text: "a call rings", Call: c.id})
		default:
			w = append(w, Why{Code: WhyOnCall, Text: "the agent is in a call (" + string(c.phase) + ")", Call: c.id})
		}
	}
	return w
}

func withReason(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}
