package callcontrol

import "time"

// Kind is a verb.
type Kind string

// The verbs. (CSTA: Make, Answer, Clear, Hold, Retrieve, Generate Digits, Single Step Transfer,
// Consultation, Alternate, Conference, Transfer, Reconnect.)
const (
	KindDial       Kind = "dial"
	KindAnswer     Kind = "answer"
	KindReject     Kind = "reject"
	KindHangup     Kind = "hangup"
	KindHold       Kind = "hold"
	KindRetrieve   Kind = "retrieve"
	KindMute       Kind = "mute"
	KindUnmute     Kind = "unmute"
	KindDigits     Kind = "digits"
	KindBlind      Kind = "blind"
	KindConsult    Kind = "consult"
	KindSwap       Kind = "swap"
	KindConference Kind = "conference"
	KindComplete   Kind = "complete"
	KindCancel     Kind = "cancel"
	KindBind       Kind = "bind"
	KindStatus     Kind = "status"
)

// Kinds lists every verb in the order of the documentation.
var Kinds = []Kind{
	KindDial, KindAnswer, KindReject, KindHangup, KindHold, KindRetrieve, KindMute, KindUnmute, KindDigits,
	KindBlind, KindConsult, KindSwap, KindConference, KindComplete, KindCancel, KindBind, KindStatus,
}

// Command is one verb with what it needs. Agent is always required, unless Call, Leg or Transfer
// names something live: then the switchboard finds the agent. All verbs but dial and status need one
// of Call, Leg or Transfer.
type Command struct {
	ID       CommandID  `json:"id,omitempty"` // empty: not remembered, never replayed
	Kind     Kind       `json:"kind"`
	Agent    AgentID    `json:"agent,omitempty"`
	Call     CallID     `json:"call,omitempty"`
	Leg      LegID      `json:"leg,omitempty"`      // hangup of one party, digits to one party
	Transfer TransferID `json:"transfer,omitempty"` // complete, cancel, swap, conference by transfer

	Number Number `json:"number,omitempty"` // dial, blind, consult

	Digits        string        `json:"digits,omitempty"`         // 0-9*#A-D and ',' for a pause
	DigitDuration time.Duration `json:"digit_duration,omitempty"` // 0: 100 ms; at least MinDigitDuration
	DigitGap      time.Duration `json:"digit_gap,omitempty"`      // 0: 100 ms

	// bind: Contact is the record that the call is about from now on. Candidates are records that it may be
	// about: they are added to the call's, and the only one there is is the contact of a call that has
	// none. A bind with nothing at all takes the contact away.
	Contact    Contact   `json:"contact,omitzero"`
	Candidates []Contact `json:"candidates,omitempty"`

	Variables []Variable `json:"variables,omitempty"` // dial, bind: added to the call's

	Status Status `json:"status,omitempty"` // status
	Reason string `json:"reason,omitempty"` // status: free text for reports
}

// Result is what an accepted command came to.
type Result struct {
	Call     CallID     `json:"call,omitempty"`
	Leg      LegID      `json:"leg,omitempty"`
	Transfer TransferID `json:"transfer,omitempty"`
	Replayed bool       `json:"replayed,omitempty"` // the first result of the same command id
}

// Status is what an agent says of himself.
type Status string

// Statuses. Busy is not one: it is derived.
const (
	StatusReady   Status = "ready"
	StatusPause   Status = "pause"   // no queue calls; direct calls are offered
	StatusOffline Status = "offline" // no calls at all
)
