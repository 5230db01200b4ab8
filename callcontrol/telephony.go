package callcontrol

import (
	"context"
	"time"

	"cordboard/journal"
)

// Telephony is what the switchboard needs from SIP. Every method returns at once and is idempotent for
// a leg that has ended; outcomes come back as Signals, in order per leg, through Switchboard.Signal.
// A leg's media is opened by the glue with the leg, and closed when its dialog has ended.
type Telephony interface {
	// Invite begins an outgoing leg. Answers with Ringing, Early, Answered, Rejected or Ended.
	Invite(p Invite)
	// Ring sends 180 (or 183 with media when early) on an offered leg.
	Ring(agent AgentID, leg LegID, early bool)
	// Answer sends 200 on an offered leg; the Answered signal follows when media is negotiated.
	Answer(agent AgentID, leg LegID)
	// Reject sends a final failure on an offered leg: the status of the cause (StatusOf).
	Reject(agent AgentID, leg LegID, c Cause)
	// Hangup ends a leg in whatever way is right now (CANCEL, BYE, final response: RFC 3261 §15).
	Hangup(agent AgentID, leg LegID, c Cause)
	// Refer sends REFER on leg to target; with replaces, to that leg's peer with Replaces (RFC 5589 §7).
	Refer(agent AgentID, leg LegID, target Number, replaces LegID)
	// Info sends digits one by one as SIP INFO, with the trunk's duration and gap. DigitsTaken follows once the peer has
	// taken one, and DigitsDone, both with the Serial of d.
	Info(agent AgentID, leg LegID, d Digits)
	// Identify tells the peer who it is connected to now (UPDATE or re-INVITE, where allowed).
	Identify(agent AgentID, leg LegID, id Identity)
	// Reoffer renegotiates with our direction (hold: signal). Its failure changes no truth.
	Reoffer(agent AgentID, leg LegID, d Direction)
	// ReferReply answers a peer's REFER: 202 accepts it, and a second call tells the outcome by NOTIFY; 3xx
	// and above as the first call refuses it.
	ReferReply(agent AgentID, leg LegID, status int)
}

// Invite describes an outgoing leg.
type Invite struct {
	Agent       AgentID       `json:"agent"`
	Leg         LegID         `json:"leg"`
	Call        CallID        `json:"call,omitempty"`
	Interaction InteractionID `json:"interaction,omitempty"`
	Device      bool          `json:"device,omitempty"` // to the agent's device; else To, from the agent's line
	To          Number        `json:"to,omitempty"`
	From        Identity      `json:"from,omitzero"` // device: the other party; line: the agent's identity
	OnBehalf    Identity      `json:"on_behalf,omitzero"`
	AutoAnswer  bool          `json:"auto_answer,omitempty"`
}

// Digits is one DTMF string for a leg. It never reaches a log.
type Digits struct {
	Text     string
	Duration time.Duration // 0: default of the trunk
	Gap      time.Duration
	Serial   uint64 // tells strings sent by INFO apart, in their signals; else 0
}

// Media is what the switchboard needs from sound.
type Media interface {
	// Patch makes p the whole patch of the agent's desk. done is called exactly once, from any
	// goroutine, when it is in force. Patches of one agent are applied in order.
	Patch(agent AgentID, p Patch, done func())
	// Digits sends telephone-events on a leg. done gets nil when the last one has been sent.
	Digits(agent AgentID, leg LegID, d Digits, done func(error))
}

// Journal is the log of events, in order. *journal.Memory[Event] is one.
type Journal interface {
	Append(ctx context.Context, events ...Event) (journal.Cursor, error)
	Last() journal.Cursor
	Subscribe(from journal.Cursor) journal.Subscription[Event]
}

// Directory knows which desk an offer is for, and which numbers are internal.
type Directory interface {
	AgentOfLine(trunk, user string) (AgentID, bool)
	AgentOfPhone(user string) (AgentID, bool)
	Internal(n Number) bool
}
