package configs

import "time"

// Calls are the policies of calls: what follows when nobody answers,
// somebody hangs up, or a device is lost.
type Calls struct {
	Consult      Consult       `json:"consult,omitzero" jsonschema:"consult transfer"`
	Blind        Blind         `json:"blind,omitzero" jsonschema:"blind transfer"`
	RingNoAnswer RingNoAnswer  `json:"ring_no_answer,omitzero" jsonschema:"an offered call that the agent does not answer"`
	DialNoAnswer time.Duration `json:"dial_no_answer,omitempty" jsonschema:"longest ringing of a dialled number" min:"5s" max:"10m" example:"60s"`
	WrapUp       time.Duration `json:"wrap_up,omitempty" jsonschema:"time after an answered queue call (trunks[].headers.queue) before the next is offered, for agents without their own" min:"0s" max:"1h" example:"15s"`
	CallWaiting  CallWaiting   `json:"call_waiting,omitempty" jsonschema:"a second call while the agent talks, for agents without their own setting: busy refuses it, wait offers it with a tone" example:"wait"`
	DeviceLost   DeviceLost    `json:"device_lost,omitzero" jsonschema:"the agent's device goes away during a call: the customer hears music while it is called back"`
	MaxHold      time.Duration `json:"max_hold,omitempty" jsonschema:"longest hold; then the agent is called back to the customer, and failing that the call ends. No leg waits for ever" min:"1m" max:"24h" example:"1h"`
	Drain        time.Duration `json:"drain,omitempty" jsonschema:"after a stop is asked for, longest wait for running calls to end by themselves" min:"0s" max:"24h" example:"5m"`
}

// Consult is the policy of consult transfers.
type Consult struct {
	Return   ConsultReturn `json:"return,omitempty" jsonschema:"target busy, silent or gone: auto retrieves the customer by itself, manual waits for retrieve" example:"auto"`
	NoAnswer time.Duration `json:"no_answer,omitempty" jsonschema:"longest ringing of the target" min:"5s" max:"10m" example:"30s"`
}

// Blind is the policy of blind transfers.
type Blind struct {
	NoAnswer       time.Duration `json:"no_answer,omitempty" jsonschema:"longest ringing of the target" min:"5s" max:"10m" example:"30s"`
	RecallNoAnswer time.Duration `json:"recall_no_answer,omitempty" jsonschema:"the target is busy or silent: longest ringing of the agent, who is called back to the customer; then the customer is told by tone and released" min:"5s" max:"10m" example:"30s"`
}

// RingNoAnswer is the policy for an offered call nobody answers.
type RingNoAnswer struct {
	After time.Duration      `json:"after,omitempty" jsonschema:"longest ringing at the agent" min:"5s" max:"10m" example:"30s"`
	Then  RingNoAnswerPolicy `json:"then,omitempty" jsonschema:"reject: the call goes back to the PBX (480) and the agent stays available; not_ready: the same, and the agent is set not ready so that the queue stops offering" example:"not_ready"`
}

// DeviceLost is the policy for a device that goes away during a call.
type DeviceLost struct {
	Tries    int           `json:"tries,omitempty" jsonschema:"how often the device is called back; then the customer is told by tone and released" min:"0" max:"20" example:"3"`
	NoAnswer time.Duration `json:"no_answer,omitempty" jsonschema:"longest ringing of each try" min:"5s" max:"5m" example:"20s"`
}
