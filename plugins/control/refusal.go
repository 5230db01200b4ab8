package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// ErrUnreachable is wrapped by errors of a Client whose daemon did not answer. Whether a command was
// carried out is then open: repeated with the same id it is never done twice.
var ErrUnreachable = errors.New("the daemon cannot be reached")

// statusOf is the gRPC status of each refusal, for clients that know only those. None is UNAVAILABLE,
// which means "open whether it was done" and invites blind retries.
var statusOf = map[callcontrol.Code]codes.Code{
	callcontrol.CodeNotAllowedInState: codes.FailedPrecondition,
	callcontrol.CodeNoSuchCall:        codes.NotFound,
	callcontrol.CodeNoSuchAgent:       codes.NotFound,
	callcontrol.CodeNoSuchTransfer:    codes.NotFound,
	callcontrol.CodeNotOwner:          codes.PermissionDenied,
	callcontrol.CodeBadNumber:         codes.InvalidArgument,
	callcontrol.CodeBadArgument:       codes.InvalidArgument,
	callcontrol.CodePeerRefused:       codes.Aborted,
	callcontrol.CodeTimeout:           codes.DeadlineExceeded,
	callcontrol.CodeConflict:          codes.AlreadyExists,
	callcontrol.CodeDraining:          codes.FailedPrecondition,
	callcontrol.CodeNoDevice:          codes.FailedPrecondition,
	callcontrol.CodeUnavailable:       codes.FailedPrecondition,
	callcontrol.CodeBusy:              codes.ResourceExhausted,
	callcontrol.CodeForbidden:         codes.PermissionDenied,
	callcontrol.CodeOverloaded:        codes.ResourceExhausted,
	callcontrol.CodeGatewayRestart:    codes.Aborted,
}

// encodeError makes a switchboard's error a gRPC status; a refusal rides in its details.
func encodeError(err error) error {
	var r *callcontrol.Refusal
	switch {
	case errors.As(err, &r):
		return encodeRefusal(r)
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	return status.Error(codes.Internal, text(err.Error()))
}

func encodeRefusal(r *callcontrol.Refusal) error {
	code, ok := statusOf[r.Code]
	if !ok {
		code = codes.FailedPrecondition
	}
	st := status.New(code, text(r.Message))
	full, err := st.WithDetails(&controlv1.Refusal{
		Code: refusalCodes.to(r.Code), Message: text(r.Message), Phase: phases.to(callcontrol.Phase(r.State)),
		Replayed: r.Replayed, Moment: encodeMoment(r.Moment),
	})
	if err != nil {
		return st.Err()
	}
	return full.Err()
}

func encodeMoment(m *callcontrol.Moment) *controlv1.Moment {
	if m == nil {
		return nil
	}
	return &controlv1.Moment{
		Cursor: encodeCursor(m.Cursor), AgentId: text(m.Agent), Status: statuses.to(m.Status), Registered: m.Registered,
		DeviceReachable: m.DeviceReachable, Busy: m.Busy,
		Calls: list(m.Calls, func(c callcontrol.CallPhase) *controlv1.CallPhase {
			return &controlv1.CallPhase{CallId: text(c.Call), Phase: phases.to(c.Phase)}
		}),
	}
}

func decodeMoment(m *controlv1.Moment) *callcontrol.Moment {
	if m == nil {
		return nil
	}
	return &callcontrol.Moment{
		Cursor: decodeCursor(m.GetCursor()), Agent: callcontrol.AgentID(m.GetAgentId()), Status: statuses.from(m.GetStatus()),
		Registered: m.GetRegistered(), DeviceReachable: m.GetDeviceReachable(), Busy: m.GetBusy(),
		Calls: list(m.GetCalls(), func(c *controlv1.CallPhase) callcontrol.CallPhase {
			return callcontrol.CallPhase{Call: callcontrol.CallID(c.GetCallId()), Phase: phases.from(c.GetPhase())}
		}),
	}
}

// decodeError is the way back: a *callcontrol.Refusal where the daemon gave one.
func decodeError(err error) error {
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, d := range st.Details() {
		if r, ok := d.(*controlv1.Refusal); ok {
			return &callcontrol.Refusal{
				Code: refusalCodes.from(r.GetCode()), Message: r.GetMessage(), State: string(phases.from(r.GetPhase())),
				Replayed: r.GetReplayed(), Moment: decodeMoment(r.GetMoment()),
			}
		}
	}
	switch st.Code() {
	case codes.Unavailable:
		return fmt.Errorf("%w: %s", ErrUnreachable, plain(st.Message()))
	case codes.DeadlineExceeded:
		return &callcontrol.Refusal{Code: callcontrol.CodeTimeout, Message: "no answer in time; it is open whether the command was carried out"}
	case codes.Canceled:
		return context.Canceled
	}
	return fmt.Errorf("control service: %s: %s", st.Code(), st.Message())
}

// plain takes gRPC's words from around the system's.
func plain(message string) string {
	if _, dial, ok := strings.Cut(message, "Error while dialing: "); ok {
		return strings.TrimSuffix(dial, `"`)
	}
	return message
}
