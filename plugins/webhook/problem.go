package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/plugins/sdk"
)

// problem is an answer that tells why not (RFC 9457). Code is a callcontrol.Code, or one of those below.
type problem struct {
	Type     string              `json:"type"`
	Title    string              `json:"title"`
	Status   int                 `json:"status"`
	Detail   string              `json:"detail"`
	Code     callcontrol.Code    `json:"code"`
	State    string              `json:"state,omitempty"`    // the call's phase at that moment, where there is a call
	Moment   *callcontrol.Moment `json:"moment,omitempty"`   // the agent's desk at that moment
	Replayed bool                `json:"replayed,omitempty"` // the first answer to the same key
}

// Codes of the API itself.
const (
	codeUnauthorized callcontrol.Code = "unauthorized"
	codeReadOnly     callcontrol.Code = "read_only"
	codeNotFound     callcontrol.Code = "not_found"
	codeMethod       callcontrol.Code = "method_not_allowed"
	codeMisdirected  callcontrol.Code = "misdirected"
	codeOrigin       callcontrol.Code = "origin_not_allowed"
	codeMediaType    callcontrol.Code = "unsupported_media_type"
	codeTooLarge     callcontrol.Code = "too_large"
	codeBadRequest   callcontrol.Code = "bad_request"
	codeTooMany      callcontrol.Code = "too_many_requests"
	codeUnreachable  callcontrol.Code = "unreachable"
	codeInternal     callcontrol.Code = "internal"
)

// statuses is the HTTP status of each code. One that is not here is 409.
var statuses = map[callcontrol.Code]int{
	callcontrol.CodeNotAllowedInState: http.StatusConflict,
	callcontrol.CodeNoSuchCall:        http.StatusNotFound,
	callcontrol.CodeNoSuchAgent:       http.StatusNotFound,
	callcontrol.CodeNoSuchTransfer:    http.StatusNotFound,
	callcontrol.CodeNotOwner:          http.StatusForbidden,
	callcontrol.CodeBadNumber:         http.StatusUnprocessableEntity,
	callcontrol.CodeBadArgument:       http.StatusUnprocessableEntity,
	callcontrol.CodePeerRefused:       http.StatusBadGateway,
	callcontrol.CodeTimeout:           http.StatusGatewayTimeout,
	callcontrol.CodeConflict:          http.StatusConflict,
	callcontrol.CodeDraining:          http.StatusServiceUnavailable,
	callcontrol.CodeNoDevice:          http.StatusConflict,
	callcontrol.CodeUnavailable:       http.StatusConflict,
	callcontrol.CodeBusy:              http.StatusConflict,
	callcontrol.CodeForbidden:         http.StatusForbidden,
	callcontrol.CodeOverloaded:        http.StatusTooManyRequests,
	callcontrol.CodeGatewayRestart:    http.StatusConflict,

	codeUnauthorized: http.StatusUnauthorized,
	codeReadOnly:     http.StatusForbidden,
	codeNotFound:     http.StatusNotFound,
	codeMethod:       http.StatusMethodNotAllowed,
	codeMisdirected:  http.StatusMisdirectedRequest,
	codeOrigin:       http.StatusForbidden,
	codeMediaType:    http.StatusUnsupportedMediaType,
	codeTooLarge:     http.StatusRequestEntityTooLarge,
	codeBadRequest:   http.StatusBadRequest,
	codeTooMany:      http.StatusTooManyRequests,
	codeUnreachable:  http.StatusServiceUnavailable,
	codeInternal:     http.StatusInternalServerError,
}

// refusal is an error of a request.
func refusal(code callcontrol.Code, message string) error {
	return &callcontrol.Refusal{Code: code, Message: message}
}

// problemOf is an error as it is answered. What nobody expected is not told to the other side.
func problemOf(err error) problem {
	var r *callcontrol.Refusal
	switch {
	case errors.As(err, &r):
	case errors.Is(err, control.ErrUnreachable), errors.Is(err, context.Canceled):
		r = &callcontrol.Refusal{Code: codeUnreachable, Message: "the daemon does not answer now; repeat the request with its Idempotency-Key"}
	default:
		r = &callcontrol.Refusal{Code: codeInternal, Message: "the request failed; the daemon's log tells more"}
	}
	status, ok := statuses[r.Code]
	if !ok {
		status = http.StatusConflict
	}
	return problem{
		Type: "urn:cordboard:problem:" + string(r.Code), Title: http.StatusText(status), Status: status,
		Detail: r.Message, Code: r.Code, State: r.State, Moment: r.Moment, Replayed: r.Replayed,
	}
}

// refuse answers with an error.
func (a *api) refuse(w http.ResponseWriter, err error) {
	p := problemOf(err)
	if p.Code == codeInternal {
		a.log.Warn("request failed", "error", err)
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="cordboard"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	text, err := json.Marshal(p)
	if err != nil {
		text = []byte("{}")
	}
	write(w, p.Status, "application/problem+json", text)
}

// reply answers with v.
func reply(w http.ResponseWriter, v any) error {
	text, err := sdk.Encode(v)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, "application/json", text)
	return nil
}

func write(w http.ResponseWriter, status int, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client has gone: nobody is left to tell
}
