package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/journal"
	"cordboard/plugins/control"
)

var start = time.Date(2025, 3, 14, 9, 26, 53, 0, time.UTC)

// fake is a daemon by hand whose state does not change: a verb is accepted where the call's legs allow it.
type fake struct {
	snap callcontrol.Snapshot
	log  *journal.Memory[callcontrol.Event]

	mu   sync.Mutex
	last callcontrol.Command
}

func (f *fake) Snapshot(context.Context) (callcontrol.Snapshot, error) { return f.snap, nil }

func (f *fake) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return f.log.Subscribe(from)
}

func (f *fake) Do(_ context.Context, c callcontrol.Command) (callcontrol.Result, error) {
	f.mu.Lock()
	f.last = c
	f.mu.Unlock()
	switch c.Kind {
	case callcontrol.KindStatus:
		return callcontrol.Result{}, nil
	case callcontrol.KindDial:
		if c.Agent == "dmytro" {
			return callcontrol.Result{}, &callcontrol.Refusal{Code: callcontrol.CodeUnavailable, Message: "the agent's line is not registered"}
		}
		return callcontrol.Result{Call: "c9", Leg: "l9"}, nil
	}
	for _, v := range f.snap.Calls {
		if v.ID != c.Call {
			continue
		}
		if v.Agent != c.Agent {
			return callcontrol.Result{}, &callcontrol.Refusal{Code: callcontrol.CodeNotOwner, Message: "the call is at another desk", State: string(v.Phase)}
		}
		if slices.Contains(v.Legs[1].Actions, c.Kind) {
			return callcontrol.Result{Call: v.ID, Leg: c.Leg, Transfer: v.Transfer, Replayed: c.ID == "again"}, nil
		}
		return callcontrol.Result{}, &callcontrol.Refusal{
			Code: callcontrol.CodeNotAllowedInState, Message: "the call does not allow " + string(c.Kind) + " now", State: string(v.Phase),
		}
	}
	return callcontrol.Result{}, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchCall, Message: "there is no such call"}
}

func (f *fake) command() callcontrol.Command {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

func fakeAgents() []callcontrol.AgentView {
	up := callcontrol.DeviceView{Connect: callcontrol.OnDemand, Reachable: true}
	on := callcontrol.DeviceView{Connect: callcontrol.OnDemand, Reachable: true, Leg: "l1", State: callcontrol.LegConnected}
	return []callcontrol.AgentView{
		{
			ID: "anna", Name: "Anna Koval", Line: "pbx/1001", Trunk: "pbx", Registered: true, Device: on, Status: callcontrol.StatusReady, Busy: true,
			Why: []callcontrol.Why{{Code: callcontrol.WhyOnCall, Text: "the agent is in a call (talking)", Call: "c1"}}, Calls: []callcontrol.CallID{"c1"},
		},
		{
			ID: "borys", Name: "Borys", Line: "pbx/1002", Trunk: "pbx", Registered: true, Device: up, Status: callcontrol.StatusReady, Busy: true,
			Why: []callcontrol.Why{{Code: callcontrol.WhyOffer, Text: "a call rings", Call: "c2"}}, Calls: []callcontrol.CallID{"c2"},
		},
		{
			ID: "clara", Line: "pbx/1003", Trunk: "pbx", Registered: true, Device: on, Status: callcontrol.StatusReady, Busy: true,
			Why: []callcontrol.Why{
				{Code: callcontrol.WhyOnCall, Text: "the agent is in a call (held)", Call: "c3"},
				{Code: callcontrol.WhyOnCall, Text: "the agent is in a call (talking)", Call: "c4"},
			}, Calls: []callcontrol.CallID{"c3", "c4"},
		},
		{
			ID: "dmytro", Line: "pbx/1004", Trunk: "pbx", LineReason: "403 Forbidden", Status: callcontrol.StatusPause, Reason: "lunch",
			Device: callcontrol.DeviceView{Connect: callcontrol.Persistent, Reason: "the phone is not registered at the daemon"},
			Why: []callcontrol.Why{
				{Code: callcontrol.WhyPause, Text: "the agent is on pause"},
				{Code: callcontrol.WhyUnregistered, Text: "the line is not registered: 403 Forbidden"},
				{Code: callcontrol.WhyNoDevice, Text: "the device is not reachable: the phone is not registered at the daemon"},
			},
		},
	}
}

func fakeCalls() []callcontrol.CallView {
	ivan := callcontrol.Identity{Display: "Ivan Petrenko", Number: "+380441234567"}
	legs := func(state callcontrol.LegState, far callcontrol.LegView, actions ...callcontrol.Kind) []callcontrol.LegView {
		far.Actions = actions
		return []callcontrol.LegView{{ID: "l1", Role: callcontrol.RoleDevice, State: state, Actions: actions}, far}
	}
	calls := []callcontrol.CallView{
		{
			ID: "c1", Interaction: "i1", Agent: "anna", Line: "pbx/1001", Direction: callcontrol.Inbound, Phase: callcontrol.PhaseTalking, Queue: "Sales",
			Variables: []callcontrol.Variable{{Name: "ivr", Value: "2"}}, Remote: ivan, Contact: callcontrol.Contact{ID: "7f3a", Name: "Ivan P."},
			Started: start.Add(-65 * time.Second), Answered: start.Add(-60 * time.Second),
			Legs: legs(callcontrol.LegConnected, callcontrol.LegView{ID: "l2", Role: callcontrol.RoleCustomer, State: callcontrol.LegConnected, Party: ivan},
				callcontrol.KindHangup, callcontrol.KindHold, callcontrol.KindMute, callcontrol.KindDigits, callcontrol.KindBlind, callcontrol.KindConsult, callcontrol.KindBind),
		},
		{
			ID: "c2", Interaction: "i2", Agent: "borys", Line: "pbx/1002", Direction: callcontrol.Inbound, Phase: callcontrol.PhaseOffered,
			Remote: callcontrol.Identity{Number: "+380509876543"}, Started: start.Add(-3 * time.Second),
			Candidates: []callcontrol.Contact{{ID: "8", Name: "Bondar & Co", Kind: "account"}, {ID: "8", Name: "Maria Bondar", Kind: "contact"}},
			Legs: legs(callcontrol.LegAlerting, callcontrol.LegView{ID: "l3", Role: callcontrol.RoleCustomer, State: callcontrol.LegAlerting, Party: callcontrol.Identity{Number: "+380509876543"}},
				callcontrol.KindAnswer, callcontrol.KindReject, callcontrol.KindBind),
		},
		{
			ID: "c3", Interaction: "i3", Agent: "clara", Line: "pbx/1003", Direction: callcontrol.Outbound, Phase: callcontrol.PhaseHeld, Transfer: "t1",
			Remote: callcontrol.Identity{Number: "2001"}, Started: start.Add(-2 * time.Minute), Answered: start.Add(-110 * time.Second),
			Legs: legs(callcontrol.LegConnected, callcontrol.LegView{ID: "l4", Role: callcontrol.RoleCustomer, State: callcontrol.LegHeld, Party: callcontrol.Identity{Number: "2001"}},
				callcontrol.KindHangup, callcontrol.KindRetrieve, callcontrol.KindSwap, callcontrol.KindConference, callcontrol.KindComplete, callcontrol.KindCancel),
		},
		{
			ID: "c4", Interaction: "i3", Agent: "clara", Line: "pbx/1003", Direction: callcontrol.Internal, Phase: callcontrol.PhaseTalking, Transfer: "t1",
			Remote: callcontrol.Identity{Number: "1002"}, Started: start.Add(-20 * time.Second), Answered: start.Add(-15 * time.Second),
			Legs: legs(callcontrol.LegConnected, callcontrol.LegView{ID: "l5", Role: callcontrol.RoleTarget, State: callcontrol.LegConnected, Party: callcontrol.Identity{Number: "1002"}},
				callcontrol.KindHangup, callcontrol.KindSwap, callcontrol.KindConference, callcontrol.KindComplete, callcontrol.KindCancel),
		},
	}
	clean := callcontrol.LegMedia{Codec: "PCMA", Relayed: true, PacketsIn: 3000, PacketsOut: 2990, Jitter: 625 * time.Microsecond, MOS: 4.39, RecentMOS: 4.39}
	lossy := callcontrol.LegMedia{
		Codec: "PCMA", Relayed: true, PacketsIn: 2960, PacketsOut: 3001, Lost: 40, LossRatio: 0.0133, RecentLossRatio: 0.08,
		Jitter: 31 * time.Millisecond, RTT: 84 * time.Millisecond, MOS: 4.24, RecentMOS: 3.54, RemoteLossRatio: 0.03,
	}
	mute := callcontrol.LegMedia{Codec: "PCMU", PacketsOut: 5500, ForeignDropped: 5490}
	for i, far := range map[int]callcontrol.LegMedia{0: lossy, 2: mute, 3: clean} {
		calls[i].Legs[0].Media, calls[i].Legs[1].Media = &clean, &far
	}
	return calls
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{log: journal.NewMemory[callcontrol.Event]("e1", 64)}
	agents, calls := fakeAgents(), fakeCalls()
	transfers := []callcontrol.TransferView{
		{ID: "t1", Kind: callcontrol.TransferConsult, Status: callcontrol.TransferTalking, Agent: "clara", Call: "c3", Consult: "c4", Target: "1002", Leg: "l5"},
	}
	at, err := f.log.Append(t.Context(),
		callcontrol.Event{At: start.Add(-3 * time.Second), Kind: callcontrol.EventCallStarted, Agent: "borys", CallID: "c2", Call: &calls[1]},
		callcontrol.Event{At: start.Add(-2 * time.Second), Kind: callcontrol.EventTransferChanged, Agent: "clara", CallID: "c3", Transfer: &transfers[0]},
		callcontrol.Event{At: start.Add(-time.Second), Kind: callcontrol.EventDigit, Agent: "borys", CallID: "c2", Leg: "l3", Digit: "5"},
		callcontrol.Event{At: start.Add(-500 * time.Millisecond), Kind: callcontrol.EventAgentChanged, Agent: "dmytro", State: &agents[3]},
		callcontrol.Event{At: start, Kind: callcontrol.EventLegFailed, Agent: "anna", CallID: "c1", Leg: "l7", Cause: callcontrol.CauseBusy, Reason: "486 Busy Here"},
	)
	if err != nil {
		t.Fatal(err)
	}
	f.snap = callcontrol.Snapshot{Cursor: at, Agents: agents, Calls: calls, Transfers: transfers}
	return f
}

func fakeStatus(context.Context) (control.Status, error) {
	return control.Status{
		Version: "v0.3.0", Started: start.Add(-time.Hour), Cursor: journal.Cursor{Epoch: "e1", Seq: 5},
		Adapters: []control.AdapterStatus{
			{
				Name: "book", Kind: "contacts", State: control.AdapterRunning, Program: "contacts", Version: "v0.3.0", Capabilities: []string{"lookup", "search", "events"},
				PID: 4711, Started: start.Add(-time.Hour), Acknowledged: journal.Cursor{Epoch: "e1", Seq: 5},
			},
			{
				Name: "crm", Kind: "command", State: control.AdapterDegraded, Program: "creatio", Version: "1.4", Capabilities: []string{"lookup", "events"},
				PID: 4803, Started: start.Add(-90 * time.Second), Restarts: 1, LastError: "the CRM answers 503", LastErrorAt: start.Add(-20 * time.Second),
				Acknowledged: journal.Cursor{Epoch: "e1", Seq: 2}, Lag: 3, CallsFailed: 2,
			},
			{
				Name: "hook", Kind: "webhook", State: control.AdapterBackoff, Restarts: 7, NextStart: start.Add(30 * time.Second),
				LastError: "it refuses its configuration: config: url is missing", LastErrorAt: start.Add(-34 * time.Second),
			},
		},
	}, nil
}

// fakeReload is a daemon that runs old.yaml and was started with new.yaml, where there is such a file.
func fakeReload(f callcontrol.Control) func(context.Context, bool) (control.Reload, error) {
	return func(ctx context.Context, dry bool) (control.Reload, error) {
		out := control.Reload{File: "new.yaml"}
		before, err := configs.Load("old.yaml")
		if err != nil {
			return out, err
		}
		after, err := configs.Load(out.File)
		var bad configs.Errors
		switch {
		case errors.As(err, &bad):
			for _, p := range bad {
				out.Problems = append(out.Problems, control.ConfigProblem{File: p.File, Line: p.Line, Column: p.Column, Path: p.Path, Message: p.Message, Fix: p.Fix, Snippet: p.Snippet})
			}
			return out, nil
		case err != nil:
			return out, err
		}
		p, err := reloadplan.Make(before, after)
		if err != nil {
			return out, err
		}
		snap, err := f.Snapshot(ctx)
		if err != nil {
			return out, err
		}
		p.Touch(snap)
		text, err := json.Marshal(p)
		out.Plan, out.Applied = string(text), !dry && len(p.Restart) == 0
		if len(p.Restart) > 0 {
			out.Refusal = "needs a restart: " + strings.Join(p.Restart, ", ") + "; nothing was changed"
		}
		return out, err
	}
}

// serve puts f on a socket for the length of a test and points the command line at it.
func serve(t *testing.T, f callcontrol.Control) (socket string, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cord")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "c.sock")
	stop = serveAt(t, socket, f)
	t.Setenv("CORDBOARD_SOCKET", socket)
	return socket, stop
}

func serveAt(t *testing.T, socket string, f callcontrol.Control) (stop func()) {
	t.Helper()
	s, err := control.NewServer(control.Config{Socket: socket}, f, slog.New(slog.DiscardHandler), control.WithSources(control.Sources{Status: fakeStatus, History: fakeHistory, Search: fakeSearch, Reload: fakeReload(f)}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" && os.Getenv(asAdapter) == "" || len(os.Args) > 1 && os.Args[1] == "adapter" { // a daemon in this process starts those so
		main()
	}
	if os.Getenv(asAdapter) != "" {
		serveTried()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
