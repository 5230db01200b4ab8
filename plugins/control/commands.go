package control

import (
	"context"
	"strconv"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// MaxCommandID is the longest command id in bytes.
const MaxCommandID = 128

// command is what every request of a verb has.
type command interface {
	GetHeader() *controlv1.CommandHeader
}

// do carries out one command: what is common to all verbs comes from the request, the rest is in c.
func (s *Service) do(ctx context.Context, req command, c callcontrol.Command) (*controlv1.CommandResult, error) {
	h := req.GetHeader()
	c.ID, c.Agent = callcontrol.CommandID(h.GetCommandId()), callcontrol.AgentID(h.GetAgentId())
	if r, ok := req.(interface{ GetCallId() string }); ok {
		c.Call = callcontrol.CallID(r.GetCallId())
	}
	if r, ok := req.(interface{ GetLegId() string }); ok {
		c.Leg = callcontrol.LegID(r.GetLegId())
	}
	if r, ok := req.(interface{ GetTransferId() string }); ok {
		c.Transfer = callcontrol.TransferID(r.GetTransferId())
	}
	if len(c.ID) > MaxCommandID {
		return nil, encodeRefusal(&callcontrol.Refusal{Code: callcontrol.CodeBadArgument, Message: "the command id is longer than 128 bytes"})
	}
	if c.ID != "" {
		c.ID = callcontrol.CommandID(s.prefix) + c.ID
	}
	if d := h.GetDeadline(); d != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.AsTime())
		defer cancel()
	}
	res, err := s.control.Do(ctx, c)
	if err != nil {
		err = encodeError(err)
		s.log.Debug("command refused", "verb", c.Kind, "agent", c.Agent, "call", c.Call, "command", c.ID, "error", err)
		return nil, err
	}
	return &controlv1.CommandResult{
		CallId: text(res.Call), LegId: text(res.Leg), TransferId: text(res.Transfer), Replayed: res.Replayed,
	}, nil
}

// Dial implements controlv1.ControlServer.
func (s *Service) Dial(ctx context.Context, r *controlv1.DialRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{
		Kind: callcontrol.KindDial, Number: decodeNumber(r.GetNumber()), Variables: list(r.GetVariables(), decodeVariable),
	})
}

// Answer implements controlv1.ControlServer.
func (s *Service) Answer(ctx context.Context, r *controlv1.AnswerRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindAnswer})
}

// Reject implements controlv1.ControlServer.
func (s *Service) Reject(ctx context.Context, r *controlv1.RejectRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindReject})
}

// Hangup implements controlv1.ControlServer.
func (s *Service) Hangup(ctx context.Context, r *controlv1.HangupRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindHangup})
}

// Hold implements controlv1.ControlServer.
func (s *Service) Hold(ctx context.Context, r *controlv1.HoldRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindHold})
}

// Retrieve implements controlv1.ControlServer.
func (s *Service) Retrieve(ctx context.Context, r *controlv1.RetrieveRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindRetrieve})
}

// Mute implements controlv1.ControlServer.
func (s *Service) Mute(ctx context.Context, r *controlv1.MuteRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindMute})
}

// Unmute implements controlv1.ControlServer.
func (s *Service) Unmute(ctx context.Context, r *controlv1.UnmuteRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindUnmute})
}

// Digits implements controlv1.ControlServer.
func (s *Service) Digits(ctx context.Context, r *controlv1.DigitsRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{
		Kind: callcontrol.KindDigits, Digits: r.GetDigits(), DigitDuration: r.GetDuration().AsDuration(), DigitGap: r.GetGap().AsDuration(),
	})
}

// BlindTransfer implements controlv1.ControlServer.
func (s *Service) BlindTransfer(ctx context.Context, r *controlv1.BlindTransferRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindBlind, Number: decodeNumber(r.GetNumber())})
}

// Consult implements controlv1.ControlServer.
func (s *Service) Consult(ctx context.Context, r *controlv1.ConsultRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindConsult, Number: decodeNumber(r.GetNumber())})
}

// Swap implements controlv1.ControlServer.
func (s *Service) Swap(ctx context.Context, r *controlv1.SwapRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindSwap})
}

// Conference implements controlv1.ControlServer.
func (s *Service) Conference(ctx context.Context, r *controlv1.ConferenceRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindConference})
}

// Complete implements controlv1.ControlServer.
func (s *Service) Complete(ctx context.Context, r *controlv1.CompleteRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindComplete})
}

// Cancel implements controlv1.ControlServer.
func (s *Service) Cancel(ctx context.Context, r *controlv1.CancelRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindCancel})
}

// Bind implements controlv1.ControlServer.
func (s *Service) Bind(ctx context.Context, r *controlv1.BindRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{
		Kind: callcontrol.KindBind, Contact: decodeContact(r.GetContact()), Variables: list(r.GetVariables(), decodeVariable),
		Candidates: list(r.GetCandidates(), decodeContact),
	})
}

// SetStatus implements controlv1.ControlServer.
func (s *Service) SetStatus(ctx context.Context, r *controlv1.SetStatusRequest) (*controlv1.CommandResult, error) {
	return s.do(ctx, r, callcontrol.Command{Kind: callcontrol.KindStatus, Status: statuses.from(r.GetStatus()), Reason: r.GetReason()})
}

func quote(s string) string { return strconv.QuoteToGraphic(s) }
