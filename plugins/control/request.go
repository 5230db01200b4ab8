package control

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

type (
	rpc    = controlv1.ControlClient
	header = controlv1.CommandHeader
	result = controlv1.CommandResult
	invoke func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error)
)

// invokes is the method of each verb.
var invokes = map[callcontrol.Kind]invoke{
	callcontrol.KindDial: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Dial(ctx, &controlv1.DialRequest{Header: h, Number: string(c.Number), Variables: list(c.Variables, encodeVariable)})
	},
	callcontrol.KindAnswer: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Answer(ctx, &controlv1.AnswerRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindReject: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Reject(ctx, &controlv1.RejectRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindHangup: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Hangup(ctx, &controlv1.HangupRequest{Header: h, CallId: string(c.Call), LegId: string(c.Leg)})
	},
	callcontrol.KindHold: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Hold(ctx, &controlv1.HoldRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindRetrieve: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Retrieve(ctx, &controlv1.RetrieveRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindMute: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Mute(ctx, &controlv1.MuteRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindUnmute: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Unmute(ctx, &controlv1.UnmuteRequest{Header: h, CallId: string(c.Call)})
	},
	callcontrol.KindDigits: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Digits(ctx, &controlv1.DigitsRequest{
			Header: h, CallId: string(c.Call), LegId: string(c.Leg), Digits: c.Digits,
			Duration: encodeDuration(c.DigitDuration), Gap: encodeDuration(c.DigitGap),
		})
	},
	callcontrol.KindBlind: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.BlindTransfer(ctx, &controlv1.BlindTransferRequest{Header: h, CallId: string(c.Call), Number: string(c.Number)})
	},
	callcontrol.KindConsult: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Consult(ctx, &controlv1.ConsultRequest{Header: h, CallId: string(c.Call), Number: string(c.Number)})
	},
	callcontrol.KindSwap: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Swap(ctx, &controlv1.SwapRequest{Header: h, CallId: string(c.Call), TransferId: string(c.Transfer)})
	},
	callcontrol.KindConference: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Conference(ctx, &controlv1.ConferenceRequest{Header: h, CallId: string(c.Call), TransferId: string(c.Transfer)})
	},
	callcontrol.KindComplete: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Complete(ctx, &controlv1.CompleteRequest{Header: h, CallId: string(c.Call), TransferId: string(c.Transfer)})
	},
	callcontrol.KindCancel: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Cancel(ctx, &controlv1.CancelRequest{Header: h, CallId: string(c.Call), TransferId: string(c.Transfer)})
	},
	callcontrol.KindBind: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.Bind(ctx, &controlv1.BindRequest{
			Header: h, CallId: string(c.Call), Contact: encodeContact(c.Contact), Variables: list(c.Variables, encodeVariable),
			Candidates: list(c.Candidates, encodeCandidate),
		})
	},
	callcontrol.KindStatus: func(ctx context.Context, rpc rpc, h *header, c callcontrol.Command) (*result, error) {
		return rpc.SetStatus(ctx, &controlv1.SetStatusRequest{Header: h, Status: statuses.to(c.Status), Reason: c.Reason})
	},
}

func encodeDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
