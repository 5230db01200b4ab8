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
	WhyDeviceLeg    WhyCode = "device_leg" // the device is being called or hung up
	WhyDraining     WhyCode = "draining"
)
