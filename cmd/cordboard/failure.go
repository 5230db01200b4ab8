package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/plugins/control"
)

// Exit codes; docs/cli.md explains them.
const (
	exitOK      = 0
	exitFailed  = 1  // not started, not reached, a problem found
	exitForced  = 2  // serve: a second signal ended the calls
	exitUnclean = 3  // serve: failed while it ran
	exitRefused = 4  // the daemon refused the command
	exitUsage   = 64 // the command line is wrong (EX_USAGE)
)

// usageError is a command line that means nothing.
type usageError struct{ error }

// Unwrap is the reason.
func (e *usageError) Unwrap() error { return e.error }

// exitError ends the program with a code; what there is to say was said.
type exitError struct{ code int }

// Error implements error.
func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// failure is an error as programs get it with --json.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	State   string `json:"state,omitempty"` // the call's phase at that moment
	Hint    string `json:"hint,omitempty"`  // what to do
	// Of a refusal: whether it is the first answer to the same command id, and the agent's desk at that moment.
	Replayed bool                `json:"replayed,omitempty"`
	Moment   *callcontrol.Moment `json:"moment,omitempty"`
	exit     int
}

// hints say what to do about a refusal.
var hints = map[callcontrol.Code]string{
	callcontrol.CodeNotAllowedInState: "`cordboard calls --legs` shows what each leg allows now",
	callcontrol.CodeNoSuchCall:        "`cordboard calls` lists the live calls",
	callcontrol.CodeNoSuchAgent:       "`cordboard agents` lists the agents; new ones need the configuration and `cordboard reload`",
	callcontrol.CodeNoSuchTransfer:    "`cordboard calls` shows the transfers in progress",
	callcontrol.CodeNotOwner:          "name the agent who has the call: `cordboard calls`",
	callcontrol.CodeBadNumber:         "write it as +380441234567, or 1002",
	callcontrol.CodeBadArgument:       "`cordboard COMMAND --help` shows what the command takes",
	callcontrol.CodePeerRefused:       "the PBX or the device said no; the daemon's log has its SIP status",
	callcontrol.CodeTimeout:           "look with `cordboard calls`; repeating with the same --id never does it twice",
	callcontrol.CodeConflict:          "use a new --id, or none",
	callcontrol.CodeDraining:          "the daemon is stopping; running calls go on, new ones wait for its restart",
	callcontrol.CodeNoDevice:          "is the agent's phone on and registered? `cordboard agents`",
	callcontrol.CodeUnavailable:       "`cordboard agents` shows line and device",
	callcontrol.CodeBusy:              "a call must end first; how many and how fast a line dials is limits.dial in the configuration, or the trunk's dial",
	callcontrol.CodeForbidden:         "limits.dial.allow, or the trunk's dial.allow, decides which numbers may be dialled",
	codeRestart:                       "`cordboard plan` shows what changes; restart the daemon, or undo these keys and reload the rest",
	callcontrol.CodeOverloaded:        "nothing was done; wait a moment and send it with a new --id, or none",
	callcontrol.CodeGatewayRestart:    "the calls of before the restart have ended: look with `cordboard agents`, then use a new --id, or none",
}

// explain makes an error what is told of it.
func explain(verb string, err error) failure {
	var refusal *callcontrol.Refusal
	var ambiguous *control.AmbiguousError
	var usage *usageError
	switch {
	case errors.As(err, &refusal):
		return failure{
			Code: string(refusal.Code), Message: refusal.Message, State: refusal.State, Hint: hints[refusal.Code],
			Replayed: refusal.Replayed, Moment: refusal.Moment, exit: exitRefused,
		}
	case errors.As(err, &ambiguous):
		return failure{Code: "ambiguous", Message: ambiguous.Error(), Hint: "say which one with --call", exit: exitUsage}
	case errors.As(err, &usage):
		return failure{Code: "usage", Message: usage.Error(), Hint: "`cordboard --help` lists the commands", exit: exitUsage}
	case errors.Is(err, control.ErrUnreachable):
		return failure{
			Code: "unreachable", Message: err.Error(), exit: exitFailed,
			Hint: "is the daemon running, and is this its socket (--socket, CORDBOARD_SOCKET, control.socket in its configuration)?",
		}
	}
	return failure{Code: "failed", Message: err.Error(), Hint: remedy(verb, err), exit: exitFailed}
}

// fail prints an error and returns its exit code.
func (a *app) fail(err error) int {
	var exit *exitError
	var problems configs.Errors
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &problems):
		a.problems(problems)
		return exitFailed
	}
	f := explain(a.verb, err)
	if a.cli != nil && a.cli.JSON {
		a.json(struct {
			OK    bool    `json:"ok"`
			Verb  string  `json:"verb,omitempty"`
			Error failure `json:"error"`
		}{Verb: a.verb, Error: f})
		return f.exit
	}
	text := f.Message
	if f.exit == exitRefused {
		text = fmt.Sprintf("%s refused (%s): %s", a.verb, f.Code, f.Message)
	}
	if f.State != "" {
		text += "; the call is " + f.State
	}
	fmt.Fprintf(a.errs, "cordboard: %s\n", printable(text))
	if f.Hint != "" {
		fmt.Fprintf(a.errs, "  %s\n", f.Hint)
	}
	return f.exit
}

// problems prints the mistakes of a configuration that something else needed.
func (a *app) problems(p configs.Errors) {
	if report, err := p.JSON(); err == nil && a.cli.JSON {
		fmt.Fprintf(a.out, "%s\n", report)
		return
	}
	fmt.Fprint(a.errs, p.Error())
}

// jsonLine prints v as one line, for commands that go on.
func (a *app) jsonLine(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// json prints v for programs.
func (a *app) json(v any) {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		fmt.Fprintf(a.errs, "cordboard: %v\n", err)
	}
}
