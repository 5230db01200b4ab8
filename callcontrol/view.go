package callcontrol

import (
	"time"

	"cordboard/journal"
)

// CallDirection is seen from the agent.
type CallDirection string

// Directions of a call.
const (
	Inbound  CallDirection = "inbound"
	Outbound CallDirection = "outbound"
	Internal CallDirection = "internal"
)

// LegState is a CSTA connection state.
type LegState string

// States of a leg.
const (
	LegInitiated LegState = "initiated"
	LegAlerting  LegState = "alerting"
	LegConnected LegState = "connected"
	LegHeld      LegState = "held"
	LegFailed    LegState = "failed"
	LegEnded     LegState = "ended"
)

// Role is whose leg it is.
type Role string

// Roles.
const (
	RoleDevice   Role = "device"   // the agent's ears and mouth
	RoleCustomer Role = "customer" // the party of the call
	RoleTarget   Role = "target"   // the party of a consult or transfer
)

// LegView is a leg as adapters see it. Actions are the verbs that would be accepted now.
type LegView struct {
	ID       LegID    `json:"id"`
	Role     Role     `json:"role"`
	State    LegState `json:"state"`
	Party    Identity `json:"party,omitzero"`
	Early    bool     `json:"early,omitempty"`     // early media is heard
	PeerHold bool     `json:"peer_hold,omitempty"` // the peer holds us
	Muted    bool     `json:"muted,omitempty"`     // device leg: not heard in this call
	Cause    Cause    `json:"cause,omitempty"`     // failed, ended
	Actions  []Kind   `json:"actions,omitempty"`
	// Media is there in snapshots only: in an event it would be out of date when it is read.
	Media *LegMedia `json:"media,omitzero"`
}

// CallView is a call as adapters see it.
type CallView struct {
	ID              CallID        `json:"id"`
	Interaction     InteractionID `json:"interaction"`
	Agent           AgentID       `json:"agent"`
	Line            LineID        `json:"line,omitempty"`
	Direction       CallDirection `json:"direction"`
	Phase           Phase         `json:"phase"`
	Queue           string        `json:"queue,omitempty"`
	Variables       []Variable    `json:"variables,omitempty"`
	Remote          Identity      `json:"remote,omitzero"` // the other party
	Diversion       []Identity    `json:"diversion,omitempty"`
	Contact         Contact       `json:"contact,omitzero"`     // the CRM record that the call is bound to
	Candidates      []Contact     `json:"candidates,omitempty"` // records that the other party may be, of which an agent binds one
	Legs            []LegView     `json:"legs"`
	Transfer        TransferID    `json:"transfer,omitempty"` // the pending one
	TransferredFrom CallID        `json:"transferred_from,omitempty"`
	TransferredTo   CallID        `json:"transferred_to,omitempty"`
	Cause           Cause         `json:"cause,omitempty"`    // ended, or why the tone is heard
	EndedBy         Ender         `json:"ended_by,omitempty"` // the same
	Started         time.Time     `json:"started"`
	Answered        time.Time     `json:"answered,omitzero"`
}

// TransferKind tells the two apart.
type TransferKind string

// Kinds of transfer.
const (
	TransferBlind   TransferKind = "blind"
	TransferConsult TransferKind = "consult"
)

// TransferStatus is how far a transfer is.
type TransferStatus string

// Statuses of a transfer. The last three are final.
const (
	TransferDialling   TransferStatus = "dialling"
	TransferAlerting   TransferStatus = "alerting"
	TransferTalking    TransferStatus = "talking"    // consult: agent and target talk, or swapped
	TransferConference TransferStatus = "conference" // all three
	TransferReferring  TransferStatus = "referring"  // the peer was asked to do it
	TransferRecalling  TransferStatus = "recalling"  // failed, the agent is being called back
	TransferCompleted  TransferStatus = "completed"
	TransferCancelled  TransferStatus = "cancelled"
	TransferFailed     TransferStatus = "failed"
)

// TransferView is a transfer as adapters see it.
type TransferView struct {
	ID      TransferID     `json:"id"`
	Kind    TransferKind   `json:"kind"`
	Status  TransferStatus `json:"status"`
	Agent   AgentID        `json:"agent"`
	Call    CallID         `json:"call"`              // the customer's
	Consult CallID         `json:"consult,omitempty"` // the agent's talk with the target
	Target  Number         `json:"target"`
	Leg     LegID          `json:"leg,omitempty"` // the target's
	Cause   Cause          `json:"cause,omitempty"`
}

// AgentView is an agent as adapters see it.
type AgentView struct {
	ID         AgentID    `json:"id"`
	Name       string     `json:"name,omitempty"`
	Line       LineID     `json:"line"`
	Trunk      string     `json:"trunk,omitempty"`
	Registered bool       `json:"registered"`
	LineReason string     `json:"line_reason,omitempty"`
	Device     DeviceView `json:"device"`
	Status     Status     `json:"status"`
	Reason     string     `json:"reason,omitempty"` // of the status
	WrapUp     bool       `json:"wrap_up,omitempty"`
	Busy       bool       `json:"busy"`
	Why        []Why      `json:"why,omitempty"` // every reason not to get a queue call now; empty: available
	Calls      []CallID   `json:"calls,omitempty"`
}

// DeviceView is a device as adapters see it.
type DeviceView struct {
	Connect   Connect  `json:"connect"`
	Reachable bool     `json:"reachable"`
	Reason    string   `json:"reason,omitempty"`
	Leg       LegID    `json:"leg,omitempty"`
	State     LegState `json:"state,omitempty"`
	Lost      bool     `json:"lost,omitempty"` // went away in a call, is being called back
}

// Snapshot is everything live, true at Cursor.
type Snapshot struct {
	Cursor    journal.Cursor `json:"cursor"`
	Agents    []AgentView    `json:"agents"`
	Calls     []CallView     `json:"calls"`
	Transfers []TransferView `json:"transfers"`
	Draining  bool           `json:"draining,omitempty"`
}
