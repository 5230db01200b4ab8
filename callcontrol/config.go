package callcontrol

import "time"

// Connect says when the device is called.
type Connect string

// Modes of a device.
const (
	OnDemand   Connect = "on_demand"  // called when needed
	Persistent Connect = "persistent" // one long audio connection into which calls are patched
)

// CallWaiting is the policy for a second incoming call.
type CallWaiting string

// Policies for a second call.
const (
	CallWaitingBusy CallWaiting = "busy" // 486
	CallWaitingWait CallWaiting = "wait" // offered, with a call-waiting tone
)

// TransferMode is how a trunk's calls are transferred.
type TransferMode string

// Modes of transfer.
const (
	TransferBridge TransferMode = "bridge" // both legs stay anchored
	TransferRefer  TransferMode = "refer"  // REFER, the daemon leaves the path
)

// HoldMode says whether hold is told to the peer.
type HoldMode string

// Modes of hold.
const (
	HoldLocal  HoldMode = "local"
	HoldSignal HoldMode = "signal" // a re-INVITE as well; its refusal changes no truth
)

// Return is what follows a failed or cancelled consult.
type Return string

// Ways back to the customer.
const (
	ReturnAuto   Return = "auto"   // the customer is retrieved at once
	ReturnManual Return = "manual" // the customer waits for retrieve
)

// DTMFMode is how digits are sent on a trunk.
type DTMFMode string

// Modes of DTMF.
const (
	DTMFAuto    DTMFMode = "auto"    // RFC 4733 where negotiated, else INFO where allowed
	DTMFRFC4733 DTMFMode = "rfc4733" // only
	DTMFInfo    DTMFMode = "info"    // only
)

// NoAnswerThen is what follows an offer that rang in vain.
type NoAnswerThen string

// Policies for ring-no-answer.
const (
	NoAnswerRelease NoAnswerThen = "release" // 480, the PBX goes on
	NoAnswerPause   NoAnswerThen = "pause"   // the same, and the agent's status becomes pause
)

// DeskConfig is everything fixed about a desk. Zero durations and empty policies get the default
// named beside them.
type DeskConfig struct {
	Agent    AgentID  `json:"agent"`
	Name     string   `json:"name,omitempty"`
	Line     LineID   `json:"line"`
	Trunk    string   `json:"trunk,omitempty"`
	Identity Identity `json:"identity,omitzero"` // of the line: From of outgoing legs

	Connect     Connect      `json:"connect,omitempty"`      // on_demand
	CallWaiting CallWaiting  `json:"call_waiting,omitempty"` // busy
	Transfer    TransferMode `json:"transfer,omitempty"`     // bridge
	Hold        HoldMode     `json:"hold,omitempty"`         // local
	DTMF        DTMFMode     `json:"dtmf,omitempty"`         // auto
	Status      Status       `json:"status,omitempty"`       // ready: at start
	ReferPeer   bool         `json:"refer_peer,omitempty"`   // a peer's REFER is carried out

	RingNoAnswer     time.Duration `json:"ring_no_answer,omitempty"` // 30 s
	RingNoAnswerThen NoAnswerThen  `json:"ring_no_answer_then,omitempty"`
	DialNoAnswer     time.Duration `json:"dial_no_answer,omitempty"` // 60 s
	DeviceAnswer     time.Duration `json:"device_answer,omitempty"`  // 20 s for the device to answer a call-out
	Tone             time.Duration `json:"tone,omitempty"`           // 4 s of busy tone before release
	WrapUp           time.Duration `json:"wrap_up,omitempty"`        // 0: none; after a queue call
	HoldBeep         time.Duration `json:"hold_beep,omitempty"`      // 0: none
	HoldLimit        time.Duration `json:"hold_limit,omitempty"`     // 1 h

	ConsultReturn   Return        `json:"consult_return,omitempty"`    // auto
	ConsultNoAnswer time.Duration `json:"consult_no_answer,omitempty"` // 30 s
	BlindNoAnswer   time.Duration `json:"blind_no_answer,omitempty"`   // 30 s
	BlindRecall     time.Duration `json:"blind_recall,omitempty"`      // 30 s the agent is called back
	ReferTimeout    time.Duration `json:"refer_timeout,omitempty"`     // 45 s for the final NOTIFY

	LostTries    int           `json:"lost_tries,omitempty"`    // 3 calls to a lost device; negative: none
	LostInterval time.Duration `json:"lost_interval,omitempty"` // 3 s between them

	Dial DialPolicy `json:"dial,omitzero"`
}

// DialPolicy limits what may be dialled from the line, by whatever way: dial, consult, blind, the
// phone's own keys, a peer's REFER.
type DialPolicy struct {
	Allows    func(Number) bool `json:"-"`                    // a pure function; nil: any number
	MaxCalls  int               `json:"max_calls,omitempty"`  // concurrent outgoing legs of the line; 0: no cap
	PerSecond int               `json:"per_second,omitempty"` // new outgoing legs a second; 0: no cap
}

func (c DeskConfig) withDefaults() DeskConfig {
	def(&c.Connect, OnDemand)
	def(&c.CallWaiting, CallWaitingBusy)
	def(&c.Transfer, TransferBridge)
	def(&c.Hold, HoldLocal)
	def(&c.DTMF, DTMFAuto)
	def(&c.Status, StatusReady)
	def(&c.RingNoAnswer, 30*time.Second)
	def(&c.RingNoAnswerThen, NoAnswerRelease)
	def(&c.DialNoAnswer, 60*time.Second)
	def(&c.DeviceAnswer, 20*time.Second)
	def(&c.Tone, 4*time.Second)
	def(&c.HoldLimit, time.Hour)
	def(&c.ConsultReturn, ReturnAuto)
	def(&c.ConsultNoAnswer, 30*time.Second)
	def(&c.BlindNoAnswer, 30*time.Second)
	def(&c.BlindRecall, 30*time.Second)
	def(&c.ReferTimeout, 45*time.Second)
	def(&c.LostTries, 3)
	def(&c.LostInterval, 3*time.Second)
	return c
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
