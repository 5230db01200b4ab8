package control

import (
	"context"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

// Directory lists who and what there is.
func (c *Client) Directory(ctx context.Context) (Directory, error) {
	r, err := c.rpc.Directory(ctx, &controlv1.DirectoryRequest{})
	if err != nil {
		return Directory{}, decodeError(err)
	}
	return decodeDirectory(r), nil
}

// Status is how the daemon and its adapters are.
func (c *Client) Status(ctx context.Context) (Status, error) {
	r, err := c.rpc.Status(ctx, &controlv1.StatusRequest{})
	if err != nil {
		return Status{}, decodeError(err)
	}
	return decodeStatus(r), nil
}

// Reload brings the daemon's configuration file into force, or with dryRun tells what that would do.
func (c *Client) Reload(ctx context.Context, dryRun bool) (Reload, error) {
	r, err := c.rpc.Reload(ctx, &controlv1.ReloadRequest{DryRun: dryRun})
	if err != nil {
		return Reload{}, decodeError(err)
	}
	return decodeReload(r), nil
}

// Acknowledge says that the adapter whose connection this is has done with every event up to at.
func (c *Client) Acknowledge(ctx context.Context, at journal.Cursor) error {
	if _, err := c.rpc.Acknowledge(ctx, &controlv1.AcknowledgeRequest{Cursor: encodeCursor(at)}); err != nil {
		return decodeError(err)
	}
	return nil
}

func encodeDirectory(d Directory) *controlv1.DirectoryReply {
	return &controlv1.DirectoryReply{
		Agents: list(d.Agents, func(a DirectoryAgent) *controlv1.DirectoryAgent {
			return &controlv1.DirectoryAgent{
				Id: text(a.ID), Name: text(a.Name), Trunk: text(a.Trunk), LineId: text(a.Line), User: text(a.User), Number: text(a.Number),
				Display: text(a.Display), Connect: connects.to(a.Connect), DeviceUser: text(a.DeviceUser),
			}
		}),
		Trunks: list(d.Trunks, func(t DirectoryTrunk) *controlv1.DirectoryTrunk {
			return &controlv1.DirectoryTrunk{Name: text(t.Name), Server: text(t.Server), Domain: text(t.Domain), Registers: t.Registers}
		}),
		Queues: list(d.Queues, text),
	}
}

func decodeDirectory(d *controlv1.DirectoryReply) Directory {
	return Directory{
		Agents: list(d.GetAgents(), func(a *controlv1.DirectoryAgent) DirectoryAgent {
			return DirectoryAgent{
				ID: callcontrol.AgentID(a.GetId()), Name: a.GetName(), Trunk: a.GetTrunk(), Line: callcontrol.LineID(a.GetLineId()),
				User: a.GetUser(), Number: a.GetNumber(), Display: a.GetDisplay(), Connect: connects.from(a.GetConnect()),
				DeviceUser: a.GetDeviceUser(),
			}
		}),
		Trunks: list(d.GetTrunks(), func(t *controlv1.DirectoryTrunk) DirectoryTrunk {
			return DirectoryTrunk{Name: t.GetName(), Server: t.GetServer(), Domain: t.GetDomain(), Registers: t.GetRegisters()}
		}),
		Queues: list(d.GetQueues(), func(q string) string { return q }),
	}
}

func encodeStatus(s Status) *controlv1.StatusReply {
	return &controlv1.StatusReply{
		Version: text(s.Version), Started: encodeTime(s.Started), Cursor: encodeCursor(s.Cursor), Draining: s.Draining,
		Adapters: list(s.Adapters, encodeAdapter),
	}
}

func decodeStatus(s *controlv1.StatusReply) Status {
	return Status{
		Version: s.GetVersion(), Started: decodeTime(s.GetStarted()), Cursor: decodeCursor(s.GetCursor()), Draining: s.GetDraining(),
		Adapters: list(s.GetAdapters(), decodeAdapter),
	}
}

func encodeAdapter(a AdapterStatus) *controlv1.AdapterStatus {
	out := &controlv1.AdapterStatus{
		Name: text(a.Name), Kind: text(a.Kind), State: adapterStates.to(a.State), Program: text(a.Program), Version: text(a.Version),
		Capabilities: list(a.Capabilities, text), Pid: int32(a.PID), Started: encodeTime(a.Started), Restarts: uint32(a.Restarts),
		NextStart: encodeTime(a.NextStart), LastError: text(a.LastError), LastErrorAt: encodeTime(a.LastErrorAt), Lag: a.Lag,
		LogLinesDropped: a.LinesDropped, CallsFailed: a.CallsFailed,
	}
	if a.Acknowledged != (journal.Cursor{}) {
		out.Acknowledged = encodeCursor(a.Acknowledged)
	}
	return out
}

func decodeAdapter(a *controlv1.AdapterStatus) AdapterStatus {
	return AdapterStatus{
		Name: a.GetName(), Kind: a.GetKind(), State: adapterStates.from(a.GetState()), Program: a.GetProgram(), Version: a.GetVersion(),
		Capabilities: list(a.GetCapabilities(), func(s string) string { return s }), PID: int(a.GetPid()), Started: decodeTime(a.GetStarted()),
		Restarts: int(a.GetRestarts()), NextStart: decodeTime(a.GetNextStart()), LastError: a.GetLastError(),
		LastErrorAt: decodeTime(a.GetLastErrorAt()), Acknowledged: decodeCursor(a.GetAcknowledged()), Lag: a.GetLag(),
		LinesDropped: a.GetLogLinesDropped(), CallsFailed: a.GetCallsFailed(),
	}
}
