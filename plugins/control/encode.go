package control

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

// text makes what came from a peer fit for protobuf, which refuses a whole message for one bad byte.
func text[S ~string](s S) string { return strings.ToValidUTF8(string(s), "\uFFFD") }

func list[A, B any](as []A, f func(A) B) []B {
	if len(as) == 0 {
		return nil
	}
	bs := make([]B, len(as))
	for i, a := range as {
		bs[i] = f(a)
	}
	return bs
}

func encodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func encodeCursor(c journal.Cursor) *controlv1.Cursor {
	return &controlv1.Cursor{Epoch: c.Epoch, Seq: c.Seq}
}

func encodeIdentity(i callcontrol.Identity) *controlv1.Identity {
	if i == (callcontrol.Identity{}) {
		return nil
	}
	return &controlv1.Identity{Display: text(i.Display), Number: text(i.Number)}
}

func encodeVariable(v callcontrol.Variable) *controlv1.Variable {
	return &controlv1.Variable{Name: text(v.Name), Value: text(v.Value)}
}

func encodeContact(c callcontrol.Contact) *controlv1.Contact {
	if c == (callcontrol.Contact{}) {
		return nil
	}
	return encodeCandidate(c)
}

func encodeCandidate(c callcontrol.Contact) *controlv1.Contact {
	return &controlv1.Contact{Id: text(c.ID), Name: text(c.Name), Kind: text(c.Kind)}
}

func encodeLeg(l callcontrol.LegView) *controlv1.Leg {
	return &controlv1.Leg{
		Id: text(l.ID), Role: roles.to(l.Role), State: legStates.to(l.State), Party: encodeIdentity(l.Party),
		Early: l.Early, PeerHold: l.PeerHold, Muted: l.Muted, Cause: causes.to(l.Cause),
		Actions: list(l.Actions, verbs.to), Media: encodeMedia(l.Media),
	}
}

func encodeMedia(m *callcontrol.LegMedia) *controlv1.LegMedia {
	if m == nil {
		return nil
	}
	return &controlv1.LegMedia{
		Codec: text(m.Codec), Relayed: m.Relayed, PacketsIn: m.PacketsIn, PacketsOut: m.PacketsOut, ForeignDropped: m.ForeignDropped,
		Lost: m.Lost, LossRatio: m.LossRatio, RecentLossRatio: m.RecentLossRatio,
		Jitter: encodeDuration(m.Jitter), Rtt: encodeDuration(m.RTT), Mos: m.MOS, RecentMos: m.RecentMOS,
		RemoteLossRatio: m.RemoteLossRatio, RemoteJitter: encodeDuration(m.RemoteJitter),
	}
}

func encodeCall(c callcontrol.CallView) *controlv1.Call {
	return &controlv1.Call{
		Id: text(c.ID), InteractionId: text(c.Interaction), AgentId: text(c.Agent), LineId: text(c.Line),
		Direction: directions.to(c.Direction), Phase: phases.to(c.Phase), Queue: text(c.Queue),
		Variables: list(c.Variables, encodeVariable), Remote: encodeIdentity(c.Remote),
		Diversion: list(c.Diversion, func(i callcontrol.Identity) *controlv1.Identity {
			return &controlv1.Identity{Display: text(i.Display), Number: text(i.Number)}
		}),
		Contact: encodeContact(c.Contact), Legs: list(c.Legs, encodeLeg), TransferId: text(c.Transfer),
		TransferredFrom: text(c.TransferredFrom), TransferredTo: text(c.TransferredTo), Cause: causes.to(c.Cause),
		Started: encodeTime(c.Started), Answered: encodeTime(c.Answered),
		Candidates: list(c.Candidates, encodeCandidate), EndedBy: enders.to(c.EndedBy),
	}
}

func encodeTransfer(t callcontrol.TransferView) *controlv1.Transfer {
	return &controlv1.Transfer{
		Id: text(t.ID), Kind: transferKinds.to(t.Kind), Status: transferStatuses.to(t.Status), AgentId: text(t.Agent),
		CallId: text(t.Call), ConsultCallId: text(t.Consult), Target: text(t.Target), LegId: text(t.Leg), Cause: causes.to(t.Cause),
	}
}

func encodeWhy(w callcontrol.Why) *controlv1.Reason {
	return &controlv1.Reason{Code: reasons.to(w.Code), Text: text(w.Text), CallId: text(w.Call)}
}

func encodeAgent(a callcontrol.AgentView) *controlv1.Agent {
	return &controlv1.Agent{
		Id: text(a.ID), Name: text(a.Name), LineId: text(a.Line), Trunk: text(a.Trunk),
		Registered: a.Registered, LineReason: text(a.LineReason), Device: encodeDevice(a.Device),
		Status: statuses.to(a.Status), Reason: text(a.Reason), WrapUp: a.WrapUp, Busy: a.Busy,
		Why: list(a.Why, encodeWhy), CallIds: list(a.Calls, text),
	}
}

func encodeDevice(d callcontrol.DeviceView) *controlv1.Device {
	return &controlv1.Device{
		Connect: connects.to(d.Connect), Reachable: d.Reachable, Reason: text(d.Reason), LegId: text(d.Leg),
		State: legStates.to(d.State), Lost: d.Lost,
	}
}

func encodeEvent(e callcontrol.Event) *controlv1.Event {
	out := &controlv1.Event{
		At: encodeTime(e.At), Kind: eventKinds.to(e.Kind), AgentId: text(e.Agent), CallId: text(e.CallID), LegId: text(e.Leg),
		Cause: causes.to(e.Cause), Reason: text(e.Reason), Digit: text(e.Digit), Remote: encodeIdentity(e.Remote),
	}
	if e.Call != nil {
		out.Call = encodeCall(*e.Call)
	}
	if e.Transfer != nil {
		out.Transfer = encodeTransfer(*e.Transfer)
	}
	if e.State != nil {
		out.Agent = encodeAgent(*e.State)
	}
	return out
}

func encodeEntry(e journal.Entry[callcontrol.Event]) *controlv1.SubscribeReply {
	out := &controlv1.SubscribeReply{Cursor: encodeCursor(e.Cursor)}
	if e.Gap != nil {
		out.Entry = &controlv1.SubscribeReply_Gap{Gap: &controlv1.Gap{From: encodeCursor(e.Gap.From), To: encodeCursor(e.Gap.To)}}
		return out
	}
	out.Entry = &controlv1.SubscribeReply_Event{Event: encodeEvent(e.Event)}
	return out
}
