package configs

import "time"

// Tones are the call progress and reminder tones.
type Tones struct {
	Region   Region        `json:"region,omitempty" jsonschema:"country whose ring-back, busy and congestion tones are played" example:"ua"`
	HoldBeep time.Duration `json:"hold_beep,omitempty" jsonschema:"interval of the soft beep that reminds an agent of a held customer; 0s: none" min:"0s" max:"10m" example:"15s"`
}
