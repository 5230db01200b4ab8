package control

import (
	"context"
	"slices"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// Snapshot implements controlv1.ControlServer.
func (s *Service) Snapshot(ctx context.Context, _ *controlv1.SnapshotRequest) (*controlv1.SnapshotReply, error) {
	snap, err := s.control.Snapshot(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	return &controlv1.SnapshotReply{
		Cursor: encodeCursor(snap.Cursor), Agents: list(snap.Agents, encodeAgent), Calls: list(snap.Calls, encodeCall),
		Transfers: list(snap.Transfers, encodeTransfer), Draining: snap.Draining,
	}, nil
}

// Agents implements controlv1.ControlServer. An unknown agent is refused.
func (s *Service) Agents(ctx context.Context, req *controlv1.AgentsRequest) (*controlv1.AgentsReply, error) {
	snap, err := s.control.Snapshot(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	agents := snap.Agents
	if ids := req.GetAgentIds(); len(ids) > 0 {
		agents = make([]callcontrol.AgentView, 0, len(ids))
		for _, id := range ids {
			a, err := agentOf(snap, id)
			if err != nil {
				return nil, encodeError(err)
			}
			agents = append(agents, a)
		}
	}
	return &controlv1.AgentsReply{Cursor: encodeCursor(snap.Cursor), Agents: list(agents, encodeAgent)}, nil
}

// Calls implements controlv1.ControlServer.
func (s *Service) Calls(ctx context.Context, req *controlv1.CallsRequest) (*controlv1.CallsReply, error) {
	snap, err := s.control.Snapshot(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	if id := req.GetAgentId(); id != "" {
		if _, err := agentOf(snap, id); err != nil {
			return nil, encodeError(err)
		}
		snap.Calls = slices.DeleteFunc(slices.Clone(snap.Calls), func(c callcontrol.CallView) bool { return string(c.Agent) != id })
		snap.Transfers = slices.DeleteFunc(slices.Clone(snap.Transfers), func(t callcontrol.TransferView) bool { return string(t.Agent) != id })
	}
	return &controlv1.CallsReply{
		Cursor: encodeCursor(snap.Cursor), Calls: list(snap.Calls, encodeCall), Transfers: list(snap.Transfers, encodeTransfer),
	}, nil
}

// Why implements controlv1.ControlServer.
func (s *Service) Why(ctx context.Context, req *controlv1.WhyRequest) (*controlv1.WhyReply, error) {
	snap, err := s.control.Snapshot(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	a, err := agentOf(snap, req.GetAgentId())
	if err != nil {
		return nil, encodeError(err)
	}
	return &controlv1.WhyReply{Agent: encodeAgent(a), Reasons: list(a.Why, encodeWhy)}, nil
}

func agentOf(snap callcontrol.Snapshot, id string) (callcontrol.AgentView, error) {
	for _, a := range snap.Agents {
		if string(a.ID) == id {
			return a, nil
		}
	}
	return callcontrol.AgentView{}, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent, Message: "there is no agent " + quote(id)}
}
