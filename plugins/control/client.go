package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// maxReply is the largest answer a Client takes: a snapshot of some 50,000 agents.
const maxReply = 64 << 20

// Client drives a daemon. It is a callcontrol.Control, and safe for concurrent use.
type Client struct {
	rpc    controlv1.ControlClient
	conn   io.Closer // nil: not ours
	ctx    context.Context
	cancel context.CancelFunc
	pumps  sync.WaitGroup
}

var _ callcontrol.Control = (*Client)(nil)

// Dial makes a client of the daemon at a unix socket. It does not connect yet: a daemon that is not
// there shows as ErrUnreachable in the first call.
func Dial(socket string) (*Client, error) {
	conn, err := grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // the socket's permissions are the guard
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", socket, err)
	}
	c := NewClient(conn)
	c.conn = conn
	return c, nil
}

// NewClient makes a client over a connection that somebody else opened and closes, as the adapter host
// does. Close ends the client's event streams only.
func NewClient(cc grpc.ClientConnInterface) *Client {
	c := &Client{rpc: controlv1.NewControlClient(cc)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Close ends all event streams and the connection, and waits for both.
func (c *Client) Close() error {
	c.cancel()
	defer c.pumps.Wait()
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

// Do implements callcontrol.Control. An error is a *callcontrol.Refusal, or wraps ErrUnreachable: then it
// is open whether the command was carried out, and it may be repeated with the same Command.ID. Do returns a quarter of a second after
// ctx's deadline at the latest.
func (c *Client) Do(ctx context.Context, cmd callcontrol.Command) (callcontrol.Result, error) {
	f, ok := invokes[cmd.Kind]
	if !ok {
		return callcontrol.Result{}, badArgument("there is no verb " + quote(string(cmd.Kind)))
	}
	if !validText(cmd) {
		return callcontrol.Result{}, badArgument("the command has text that is not UTF-8")
	}
	h := &controlv1.CommandHeader{CommandId: string(cmd.ID), AgentId: string(cmd.Agent)}
	if d, ok := ctx.Deadline(); ok {
		h.Deadline = encodeTime(d)
	}
	ctx, cancel := longer(ctx, refusalGrace)
	defer cancel()
	r, err := f(ctx, c.rpc, h, cmd)
	if err != nil {
		return callcontrol.Result{}, decodeError(err)
	}
	return callcontrol.Result{
		Call: callcontrol.CallID(r.GetCallId()), Leg: callcontrol.LegID(r.GetLegId()),
		Transfer: callcontrol.TransferID(r.GetTransferId()), Replayed: r.GetReplayed(),
	}, nil
}

// refusalGrace is how long after a command's deadline the daemon's word on it may still arrive: it has the state at that moment.
const refusalGrace = 250 * time.Millisecond

// longer is a context that ends when ctx is cancelled, and some time after its deadline.
func longer(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	d, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	out, cancel := context.WithDeadline(context.WithoutCancel(ctx), d.Add(by))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	return out, func() { stop(); cancel() }
}

// Snapshot implements callcontrol.Control.
func (c *Client) Snapshot(ctx context.Context) (callcontrol.Snapshot, error) {
	r, err := c.rpc.Snapshot(ctx, &controlv1.SnapshotRequest{})
	if err != nil {
		return callcontrol.Snapshot{}, decodeError(err)
	}
	return decodeSnapshot(r), nil
}

// Agents lists agents: all, or those named. An unknown one is refused.
func (c *Client) Agents(ctx context.Context, ids ...callcontrol.AgentID) ([]callcontrol.AgentView, error) {
	r, err := c.rpc.Agents(ctx, &controlv1.AgentsRequest{AgentIds: list(ids, text)})
	if err != nil {
		return nil, decodeError(err)
	}
	return list(r.GetAgents(), decodeAgent), nil
}

// Calls lists live calls and transfers: all, or those of one agent.
func (c *Client) Calls(ctx context.Context, agent callcontrol.AgentID) ([]callcontrol.CallView, []callcontrol.TransferView, error) {
	r, err := c.rpc.Calls(ctx, &controlv1.CallsRequest{AgentId: text(agent)})
	if err != nil {
		return nil, nil, decodeError(err)
	}
	return list(r.GetCalls(), decodeCall), list(r.GetTransfers(), decodeTransfer), nil
}

// Why returns an agent with every reason for which no queue call is given to it now.
func (c *Client) Why(ctx context.Context, agent callcontrol.AgentID) (callcontrol.AgentView, []callcontrol.Why, error) {
	r, err := c.rpc.Why(ctx, &controlv1.WhyRequest{AgentId: text(agent)})
	if err != nil {
		return callcontrol.AgentView{}, nil, decodeError(err)
	}
	return decodeAgent(r.GetAgent()), list(r.GetReasons(), decodeWhy), nil
}

func badArgument(message string) *callcontrol.Refusal {
	return &callcontrol.Refusal{Code: callcontrol.CodeBadArgument, Message: message}
}

func validText(c callcontrol.Command) bool {
	all := []string{
		string(c.ID), string(c.Agent), string(c.Call), string(c.Leg), string(c.Transfer), string(c.Number), c.Digits,
		c.Contact.ID, c.Contact.Name, c.Contact.Kind, c.Reason,
	}
	for _, k := range c.Candidates {
		all = append(all, k.ID, k.Name, k.Kind)
	}
	for _, s := range all {
		if !utf8.ValidString(s) {
			return false
		}
	}
	for _, v := range c.Variables {
		if !utf8.ValidString(v.Name) || !utf8.ValidString(v.Value) {
			return false
		}
	}
	return true
}
