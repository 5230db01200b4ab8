package control

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// full is a command of each verb with everything set that the verb takes.
var full = map[callcontrol.Kind]callcontrol.Command{
	callcontrol.KindDial:       {Number: "+380441234567", Variables: []callcontrol.Variable{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}},
	callcontrol.KindAnswer:     {Call: "c1"},
	callcontrol.KindReject:     {Call: "c1"},
	callcontrol.KindHangup:     {Call: "c1", Leg: "l1"},
	callcontrol.KindHold:       {Call: "c1"},
	callcontrol.KindRetrieve:   {Call: "c1"},
	callcontrol.KindMute:       {Call: "c1"},
	callcontrol.KindUnmute:     {Call: "c1"},
	callcontrol.KindDigits:     {Call: "c1", Leg: "l1", Digits: "42#,*D", DigitDuration: 80 * time.Millisecond, DigitGap: 50 * time.Millisecond},
	callcontrol.KindBlind:      {Call: "c1", Number: "1002"},
	callcontrol.KindConsult:    {Call: "c1", Number: "1002"},
	callcontrol.KindSwap:       {Call: "c1", Transfer: "t1"},
	callcontrol.KindConference: {Call: "c1", Transfer: "t1"},
	callcontrol.KindComplete:   {Call: "c1", Transfer: "t1"},
	callcontrol.KindCancel:     {Call: "c1", Transfer: "t1"},
	callcontrol.KindBind:       {Call: "c1", Contact: callcontrol.Contact{ID: "7", Name: "Ann", Kind: "contact"}, Variables: []callcontrol.Variable{{Name: "a", Value: "1"}}, Candidates: []callcontrol.Contact{{ID: "8"}, {Name: "Bo"}}},
	callcontrol.KindStatus:     {Status: callcontrol.StatusPause, Reason: "lunch"},
}

func TestEveryVerbArrivesWhole(t *testing.T) {
	f := newFake(1)
	want := callcontrol.Result{Call: "c9", Leg: "l9", Transfer: "t9", Replayed: true}
	f.answer = func(context.Context, callcontrol.Command) (callcontrol.Result, error) { return want, nil }
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	for _, k := range callcontrol.Kinds {
		cmd, ok := full[k]
		if !ok {
			t.Errorf("%s is not tested", k)
		}
		cmd.ID, cmd.Kind, cmd.Agent = "id-1", k, "anna"
		got, err := c.Do(patient(t), cmd)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", k, got, err)
		}
		if d := cmp.Diff(cmd, f.last()); d != "" {
			t.Errorf("%s arrived otherwise (-sent +got):\n%s", k, d)
		}
	}
}

func TestRefusalsRoundTrip(t *testing.T) {
	f := newFake(1)
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	moment := filled[callcontrol.Moment](t)
	for code := range refusalCodes.enum {
		for phase := range phases.enum {
			want := &callcontrol.Refusal{Code: code, Message: "only a talk can be held", State: string(phase), Replayed: true, Moment: &moment}
			f.mu.Lock()
			f.answer = func(context.Context, callcontrol.Command) (callcontrol.Result, error) {
				return callcontrol.Result{}, want
			}
			f.mu.Unlock()
			_, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c1"})
			var got *callcontrol.Refusal
			if !errors.As(err, &got) || !cmp.Equal(got, want) {
				t.Fatalf("want %+v, got %v", want, err)
			}
		}
	}
}

func TestBadCommands(t *testing.T) {
	f := newFake(1)
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	for name, cmd := range map[string]callcontrol.Command{
		"no verb":         {},
		"unknown verb":    {Kind: "fly"},
		"not UTF-8":       {Kind: callcontrol.KindDial, Agent: "anna", Number: "\xff"},
		"variable":        {Kind: callcontrol.KindBind, Call: "c", Variables: []callcontrol.Variable{{Name: "\xff"}}},
		"long command id": {Kind: callcontrol.KindHold, ID: callcontrol.CommandID(strings.Repeat("x", MaxCommandID+1))},
	} {
		_, err := c.Do(patient(t), cmd)
		if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeBadArgument}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.count() != 0 {
		t.Errorf("%d bad commands reached the switchboard", f.count())
	}
	// More than the server takes: an error, and the connection lives on.
	if _, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindStatus, Agent: "anna", Reason: strings.Repeat("x", maxRequest+1)}); err == nil {
		t.Error("a command of 256 KiB was taken")
	}
	if _, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c1"}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// What is no number goes on as it came, so that the desk refuses it with its state; spaces around one go.
func TestNumbersGoOnAsTheyCame(t *testing.T) {
	f := newFake(1)
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	for in, want := range map[callcontrol.Number]callcontrol.Number{" 1002 ": "1002", "1;2": "1;2", "": ""} {
		if _, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindDial, Agent: "anna", Number: in}); err != nil {
			t.Fatal(err)
		}
		if got := f.last().Number; got != want {
			t.Errorf("%q arrived as %q", in, got)
		}
	}
}

func TestDeadlines(t *testing.T) {
	f := newFake(1)
	carried := 0
	f.answer = func(ctx context.Context, _ callcontrol.Command) (callcontrol.Result, error) {
		if ctx.Err() == nil {
			carried++
		}
		<-ctx.Done()
		return callcontrol.Result{}, &callcontrol.Refusal{Code: callcontrol.CodeTimeout, Message: "the device does not answer", State: "answering"}
	}
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)

	past := &controlv1.HoldRequest{Header: &controlv1.CommandHeader{AgentId: "anna", Deadline: timestamppb.New(time.Now().Add(-time.Second))}}
	_, err := c.rpc.Hold(patient(t), past)
	if !errors.Is(decodeError(err), &callcontrol.Refusal{Code: callcontrol.CodeTimeout}) || carried != 0 {
		t.Errorf("a command of yesterday: %v, %d done", err, carried)
	}

	soon := &controlv1.HoldRequest{Header: &controlv1.CommandHeader{AgentId: "anna", Deadline: timestamppb.New(time.Now().Add(2 * time.Second))}}
	_, err = c.rpc.Hold(patient(t), soon)
	var r *callcontrol.Refusal
	if !errors.As(decodeError(err), &r) || r.Code != callcontrol.CodeTimeout || r.State != "answering" {
		t.Errorf("the header's deadline: %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = c.Do(ctx, callcontrol.Command{Kind: callcontrol.KindHold, Agent: "anna"}); !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeTimeout}) {
		t.Errorf("the caller's deadline: %v", err)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	f := newFake(1)
	f.answer = func(context.Context, callcontrol.Command) (callcontrol.Result, error) { panic("a fault") }
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	_, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c1"})
	if err == nil || !strings.Contains(err.Error(), "fault of the daemon") || strings.Contains(err.Error(), "a fault,") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Snapshot(patient(t)); err != nil {
		t.Errorf("the server after it: %v", err)
	}
}

func TestReads(t *testing.T) {
	f := newFake(1)
	f.snapshot = callcontrol.Snapshot{
		Agents: []callcontrol.AgentView{
			{ID: "anna"},
			{ID: "borys", Why: []callcontrol.Why{{Code: callcontrol.WhyPause, Text: "on pause"}, {Code: callcontrol.WhyNoDevice, Text: "no phone"}}},
		},
		Calls:     []callcontrol.CallView{{ID: "c1", Agent: "anna"}, {ID: "c2", Agent: "borys"}},
		Transfers: []callcontrol.TransferView{{ID: "t1", Agent: "borys"}},
	}
	path := socketPath(t)
	serve(t, path, f)
	c, ctx := dial(t, path), patient(t)

	if all, err := c.Agents(ctx); err != nil || len(all) != 2 {
		t.Errorf("agents: %v, %v", all, err)
	}
	if one, err := c.Agents(ctx, "borys"); err != nil || len(one) != 1 || one[0].ID != "borys" {
		t.Errorf("borys: %v, %v", one, err)
	}
	if calls, transfers, err := c.Calls(ctx, ""); err != nil || len(calls) != 2 || len(transfers) != 1 {
		t.Errorf("calls: %v, %v, %v", calls, transfers, err)
	}
	if calls, transfers, err := c.Calls(ctx, "anna"); err != nil || len(calls) != 1 || calls[0].ID != "c1" || len(transfers) != 0 {
		t.Errorf("calls of anna: %v, %v, %v", calls, transfers, err)
	}
	if a, why, err := c.Why(ctx, "borys"); err != nil || a.ID != "borys" || len(why) != 2 {
		t.Errorf("why: %v, %v, %v", a, why, err)
	}
	nobody := &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent}
	_, errAgents := c.Agents(ctx, "nobody")
	_, _, errCalls := c.Calls(ctx, "nobody")
	_, _, errWhy := c.Why(ctx, "nobody")
	for _, err := range []error{errAgents, errCalls, errWhy} {
		if !errors.Is(err, nobody) {
			t.Errorf("nobody: %v", err)
		}
	}
}

func TestNoDaemon(t *testing.T) {
	c := dial(t, socketPath(t))
	if _, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c1"}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("do: %v", err)
	}
	if _, err := c.Snapshot(patient(t)); !errors.Is(err, ErrUnreachable) {
		t.Errorf("snapshot: %v", err)
	}
}
