package control

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// Bounds of an answer with calls that have ended.
const (
	historyUsual = 50
	historyMost  = 500
)

// HistoryQuery asks for calls that have ended.
type HistoryQuery struct {
	Agent  callcontrol.AgentID // empty: of all agents
	Limit  int                 // 0: 50; 500 at most
	Before time.Time           // only those that ended before; zero: up to now
}

// History implements controlv1.ControlServer.
func (s *Service) History(ctx context.Context, req *controlv1.HistoryRequest) (*controlv1.HistoryReply, error) {
	if s.sources.History == nil {
		return nil, status.Error(codes.Unimplemented, "there is no history here")
	}
	q := HistoryQuery{Agent: callcontrol.AgentID(req.GetAgentId()), Limit: historyUsual, Before: decodeTime(req.GetBefore())}
	if n := req.GetLimit(); n > 0 {
		q.Limit = int(min(n, historyMost))
	}
	records, err := s.sources.History(ctx, q)
	if err != nil {
		return nil, encodeError(err)
	}
	return &controlv1.HistoryReply{Records: list(records, encodeRecord)}, nil
}

// History lists calls that have ended, the last first. An unknown agent is refused.
func (c *Client) History(ctx context.Context, q HistoryQuery) ([]callcontrol.HistoryRecord, error) {
	r, err := c.rpc.History(ctx, &controlv1.HistoryRequest{
		AgentId: text(q.Agent), Limit: uint32(min(max(q.Limit, 0), historyMost)), Before: encodeTime(q.Before),
	})
	if err != nil {
		return nil, decodeError(err)
	}
	return list(r.GetRecords(), decodeRecord), nil
}

func encodeRecord(r callcontrol.HistoryRecord) *controlv1.HistoryRecord {
	p := r.Parts
	return &controlv1.HistoryRecord{
		CallId: text(r.Call), InteractionId: text(r.Interaction), AgentId: text(r.Agent), LineId: text(r.Line),
		Direction: directions.to(r.Direction), Queue: text(r.Queue), Remote: encodeIdentity(r.Remote), Contact: encodeContact(r.Contact),
		TransferredFrom: text(r.TransferredFrom), TransferredTo: text(r.TransferredTo), Started: encodeTime(r.Started),
		Answered: encodeTime(r.Answered), Ended: encodeTime(r.Ended), EndedBy: enders.to(r.EndedBy), Cause: causes.to(r.Cause),
		TimeToAnswer: encodeDuration(r.TimeToAnswer), Ring: encodeDuration(p.Ring), Talk: encodeDuration(p.Talk),
		Held: encodeDuration(p.Held), Conference: encodeDuration(p.Conference), Transfer: encodeDuration(p.Transfer),
		Bridged: encodeDuration(p.Bridged), Tone: encodeDuration(p.Tone),
	}
}

func decodeRecord(r *controlv1.HistoryRecord) callcontrol.HistoryRecord {
	return callcontrol.HistoryRecord{
		Call: callcontrol.CallID(r.GetCallId()), Interaction: callcontrol.InteractionID(r.GetInteractionId()),
		Agent: callcontrol.AgentID(r.GetAgentId()), Line: callcontrol.LineID(r.GetLineId()), Direction: directions.from(r.GetDirection()),
		Queue: r.GetQueue(), Remote: decodeIdentity(r.GetRemote()), Contact: decodeContact(r.GetContact()),
		TransferredFrom: callcontrol.CallID(r.GetTransferredFrom()), TransferredTo: callcontrol.CallID(r.GetTransferredTo()),
		Started: decodeTime(r.GetStarted()), Answered: decodeTime(r.GetAnswered()), Ended: decodeTime(r.GetEnded()),
		EndedBy: enders.from(r.GetEndedBy()), Cause: causes.from(r.GetCause()), TimeToAnswer: r.GetTimeToAnswer().AsDuration(),
		Parts: callcontrol.Parts{
			Ring: r.GetRing().AsDuration(), Talk: r.GetTalk().AsDuration(), Held: r.GetHeld().AsDuration(),
			Conference: r.GetConference().AsDuration(), Transfer: r.GetTransfer().AsDuration(), Bridged: r.GetBridged().AsDuration(),
			Tone: r.GetTone().AsDuration(),
		},
	}
}
