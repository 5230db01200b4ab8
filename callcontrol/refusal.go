package callcontrol

// Code is the typed reason of a refused command.
type Code string

// Codes of refusal.
const (
	CodeNotAllowedInState Code = "not_allowed_in_state"
	CodeNoSuchCall        Code = "no_such_call"
	CodeNoSuchAgent       Code = "no_such_agent"
	CodeNoSuchTransfer    Code = "no_such_transfer"
	CodeNotOwner          Code = "not_owner"
	CodeBadNumber         Code = "bad_number"
	CodeBadArgument       Code = "bad_argument"
	CodePeerRefused       Code = "peer_refused"
	CodeTimeout           Code = "timeout"
	CodeConflict          Code = "conflict"
	CodeDraining          Code = "draining"
	CodeNoDevice          Code = "no_device"
	CodeUnavailable       Code = "unavailable"
	CodeBusy              Code = "busy"       // a cap is reached
	CodeForbidden         Code = "forbidden"  // outside the dial policy
	CodeOverloaded        Code = "overloaded" // more commands than can be taken at once

	// CodeGatewayRestart is the answer to a command that a former run of the daemon had begun and not done: it is not tried again.
	CodeGatewayRestart Code = "gateway_restart"
)

// Refusal is the error of a command that was not carried out.
type Refusal struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`         // for a person, in English
	State   string `json:"state,omitempty"` // the call's phase at that time, where there is a call
	// Replayed: the first answer to the same command id, which was not tried again.
	Replayed bool `json:"replayed,omitempty"`
	// Moment is the agent's desk at that time; nil where the command is about no agent.
	Moment *Moment `json:"moment,omitempty"`
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.State != "" {
		return string(r.Code) + ": " + r.Message + " (call is " + r.State + ")"
	}
	return string(r.Code) + ": " + r.Message
}

// Is makes errors.Is(err, &Refusal{Code: c}) true for every refusal with that code.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}

func refuse(code Code, message string) *Refusal { return &Refusal{Code: code, Message: message} }
