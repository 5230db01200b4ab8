package control

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

func decodeTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func decodeCursor(c *controlv1.Cursor) journal.Cursor {
	return journal.Cursor{Epoch: c.GetEpoch(), Seq: c.GetSeq()}
}

// decodeNumber is lenient: what is no number goes on as it is, so that the desk refuses it with its
// state.
func decodeNumber(s string) callcontrol.Number {
	if n, err := callcontrol.ParseNumber(s); err == nil {
		return n
	}
	return callcontrol.Number(s)
}

func decodeIdentity(i *controlv1.Identity) callcontrol.Identity {
	return callcontrol.Identity{Display: i.GetDisplay(), Number: callcontrol.Number(i.GetNumber())}
}

func decodeVariable(v *controlv1.Variable) callcontrol.Variable {
	return callcontrol.Variable{Name: v.GetName(), Value: v.GetValue()}
}

func decodeContact(c *controlv1.Contact) callcontrol.Contact {
	return callcontrol.Contact{ID: c.GetId(), Name: c.GetName(), Kind: c.GetKind()}
}

func decodeLeg(l *controlv1.Leg) callcontrol.LegView {
	return callcontrol.LegView{
		ID: callcontrol.LegID(l.GetId()), Role: roles.from(l.GetRole()), State: legStates.from(l.GetState()),
		Party: decodeIdentity(l.GetParty()), Early: l.GetEarly(), PeerHold: l.GetPeerHold(), Muted: l.GetMuted(),
		Cause: causes.from(l.GetCause()), Actions: list(l.GetActions(), verbs.from), Media: decodeMedia(l.GetMedia()),
	}
}

func decodeMedia(m *controlv1.LegMedia) *callcontrol.LegMedia {
	if m == nil {
		return nil
	}
	return &callcontrol.LegMedia{
		Codec: m.GetCodec(), Relayed: m.GetRelayed(), PacketsIn: m.GetPacketsIn(), PacketsOut: m.GetPacketsOut(),
		ForeignDropped: m.GetForeignDropped(), Lost: m.GetLost(),
		LossRatio: decodeFigure(m.GetLossRatio()), RecentLossRatio: decodeFigure(m.GetRecentLossRatio()),
		Jitter: m.GetJitter().AsDuration(), RTT: m.GetRtt().AsDuration(),
		MOS: decodeFigure(m.GetMos()), RecentMOS: decodeFigure(m.GetRecentMos()),
		RemoteLossRatio: decodeFigure(m.GetRemoteLossRatio()), RemoteJitter: m.GetRemoteJitter().AsDuration(),
	}
}

// decodeFigure takes what is no number for not measured: JSON has no word for it.
func decodeFigure(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

func decodeCall(c *controlv1.Call) callcontrol.CallView {
	return callcontrol.CallView{
		ID: callcontrol.CallID(c.GetId()), Interaction: callcontrol.InteractionID(c.GetInteractionId()),
		Agent: callcontrol.AgentID(c.GetAgentId()), Line: callcontrol.LineID(c.GetLineId()),
		Direction: directions.from(c.GetDirection()), Phase: phases.from(c.GetPhase()), Queue: c.GetQueue(),
		Variables: list(c.GetVariables(), decodeVariable), Remote: decodeIdentity(c.GetRemote()),
		Diversion: list(c.GetDiversion(), decodeIdentity), Contact: decodeContact(c.GetContact()),
		Legs: list(c.GetLegs(), decodeLeg), Transfer: callcontrol.TransferID(c.GetTransferId()),
		TransferredFrom: callcontrol.CallID(c.GetTransferredFrom()), TransferredTo: callcontrol.CallID(c.GetTransferredTo()),
		Cause: causes.from(c.GetCause()), Started: decodeTime(c.GetStarted()), Answered: decodeTime(c.GetAnswered()),
		Candidates: list(c.GetCandidates(), decodeContact), EndedBy: enders.from(c.GetEndedBy()),
	}
}

func decodeTransfer(t *controlv1.Transfer) callcontrol.TransferView {
	return callcontrol.TransferView{
		ID: callcontrol.TransferID(t.GetId()), Kind: transferKinds.from(t.GetKind()), Status: transferStatuses.from(t.GetStatus()),
		Agent: callcontrol.AgentID(t.GetAgentId()), Call: callcontrol.CallID(t.GetCallId()),
		Consult: callcontrol.CallID(t.GetConsultCallId()), Target: callcontrol.Number(t.GetTarget()),
		Leg: callcontrol.LegID(t.GetLegId()), Cause: causes.from(t.GetCause()),
	}
}

func decodeWhy(r *controlv1.Reason) callcontrol.Why {
	return callcontrol.Why{Code: reasons.from(r.GetCode()), Text: r.GetText(), Call: callcontrol.CallID(r.GetCallId())}
}

func decodeAgent(a *controlv1.Agent) callcontrol.AgentView {
	return callcontrol.AgentView{
		ID: callcontrol.AgentID(a.GetId()), Name: a.GetName(), Line: callcontrol.LineID(a.GetLineId()), Trunk: a.GetTrunk(),
		Registered: a.GetRegistered(), LineReason: a.GetLineReason(), Device: decodeDevice(a.GetDevice()),
		Status: statuses.from(a.GetStatus()), Reason: a.GetReason(), WrapUp: a.GetWrapUp(), Busy: a.GetBusy(),
		Why:   list(a.GetWhy(), decodeWhy),
		Calls: list(a.GetCallIds(), func(s string) callcontrol.CallID { return callcontrol.CallID(s) }),
	}
}

func decodeDevice(d *controlv1.Device) callcontrol.DeviceView {
	return callcontrol.DeviceView{
		Connect: connects.from(d.GetConnect()), Reachable: d.GetReachable(), Reason: d.GetReason(),
		Leg: callcontrol.LegID(d.GetLegId()), State: legStates.from(d.GetState()), Lost: d.GetLost(),
	}
}

func decodeSnapshot(s *controlv1.SnapshotReply) callcontrol.Snapshot {
	return callcontrol.Snapshot{
		Cursor: decodeCursor(s.GetCursor()), Agents: list(s.GetAgents(), decodeAgent), Calls: list(s.GetCalls(), decodeCall),
		Transfers: list(s.GetTransfers(), decodeTransfer), Draining: s.GetDraining(),
	}
}

func decodeEvent(e *controlv1.Event) callcontrol.Event {
	out := callcontrol.Event{
		At: decodeTime(e.GetAt()), Kind: eventKinds.from(e.GetKind()), Agent: callcontrol.AgentID(e.GetAgentId()),
		CallID: callcontrol.CallID(e.GetCallId()), Leg: callcontrol.LegID(e.GetLegId()), Cause: causes.from(e.GetCause()),
		Reason: e.GetReason(), Digit: e.GetDigit(), Remote: decodeIdentity(e.GetRemote()),
	}
	if e.GetCall() != nil {
		c := decodeCall(e.GetCall())
		out.Call = &c
	}
	if e.GetTransfer() != nil {
		t := decodeTransfer(e.GetTransfer())
		out.Transfer = &t
	}
	if e.GetAgent() != nil {
		a := decodeAgent(e.GetAgent())
		out.State = &a
	}
	return out
}

func decodeEntry(r *controlv1.SubscribeReply) journal.Entry[callcontrol.Event] {
	out := journal.Entry[callcontrol.Event]{Cursor: decodeCursor(r.GetCursor())}
	if g := r.GetGap(); g != nil {
		out.Gap = &journal.Gap{From: decodeCursor(g.GetFrom()), To: decodeCursor(g.GetTo())}
		return out
	}
	out.Event = decodeEvent(r.GetEvent())
	return out
}
