package callcontrol

// SourceKind is a sound that is not a party.
type SourceKind string

// Sources.
const (
	SourceNone        SourceKind = ""
	SourceMusic       SourceKind = "music" // of Source.Queue, else the default track
	SourceRingBack    SourceKind = "ring_back"
	SourceBusy        SourceKind = "busy"
	SourceCongestion  SourceKind = "congestion"
	SourceHoldBeep    SourceKind = "hold_beep"    // a short beep each DeskConfig.HoldBeep
	SourceCallWaiting SourceKind = "call_waiting" // mixed over what is heard
)

// Source is a sound fed to a leg.
type Source struct {
	Kind  SourceKind `json:"kind,omitempty"`
	Queue string     `json:"queue,omitempty"` // music
}

// Hear is what one leg hears: the sum of the legs in From and the source. Both empty: silence
// (comfort noise keeps the stream running).
type Hear struct {
	Leg    LegID   `json:"leg"`
	From   []LegID `json:"from,omitempty"`
	Source Source  `json:"source,omitzero"`
}

// Patch is who hears whom among the legs of a desk, ordered as the legs were created. A leg that is not in it hears
// nothing and is heard by nobody.
type Patch []Hear
