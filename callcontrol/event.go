package callcontrol

import "time"

// EventKind says what an event tells.
type EventKind string

// Events. Each carries the whole state of what it is about: Call for those of calls and legs,
// Transfer, or Agent.
const (
	EventCallStarted     EventKind = "call_started"
	EventCallChanged     EventKind = "call_changed" // phase, parties, mute, contact, variables, actions
	EventCallEnded       EventKind = "call_ended"   // Cause
	EventLegInitiated    EventKind = "leg_initiated"
	EventLegAlerting     EventKind = "leg_alerting"
	EventLegConnected    EventKind = "leg_connected" // also after held: retrieved
	EventLegHeld         EventKind = "leg_held"
	EventLegFailed       EventKind = "leg_failed" // Cause
	EventLegEnded        EventKind = "leg_ended"  // Cause
	EventTransferChanged EventKind = "transfer_changed"
	EventAgentChanged    EventKind = "agent_changed" // status, line, device, busy, why
	EventAgentRemoved    EventKind = "agent_removed" // is no longer configured, and has no call
	EventDigit           EventKind = "digit"         // a party pressed a key
	EventDigitsSent      EventKind = "digits_sent"
	EventDigitsFailed    EventKind = "digits_failed"
	EventRefused         EventKind = "refused" // an offer or dial was refused: Cause, Remote (audit)
)

// EventKinds are all of them.
var EventKinds = []EventKind{
	EventCallStarted, EventCallChanged, EventCallEnded,
	EventLegInitiated, EventLegAlerting, EventLegConnected, EventLegHeld, EventLegFailed, EventLegEnded,
	EventTransferChanged, EventAgentChanged, EventAgentRemoved,
	EventDigit, EventDigitsSent, EventDigitsFailed, EventRefused,
}

// Event is one thing that happened, with the state after it. It is published only after the patch of
// that state is in force.
type Event struct {
	At       time.Time     `json:"at"`
	Kind     EventKind     `json:"kind"`
	Agent    AgentID       `json:"agent"`
	CallID   CallID        `json:"call_id,omitempty"`
	Leg      LegID         `json:"leg,omitempty"`
	Cause    Cause         `json:"cause,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Digit    string        `json:"digit,omitempty"`
	Remote   Identity      `json:"remote,omitzero"`
	Call     *CallView     `json:"call,omitempty"`
	Transfer *TransferView `json:"transfer,omitempty"`
	State    *AgentView    `json:"state,omitempty"`
}
