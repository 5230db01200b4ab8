package control

import (
	"errors"
	"strings"
	"testing"

	"cordboard/callcontrol"
)

func call(id, agent string, phase callcontrol.Phase, transfer string, actions ...callcontrol.Kind) callcontrol.CallView {
	return callcontrol.CallView{
		ID: callcontrol.CallID(id), Agent: callcontrol.AgentID(agent), Phase: phase, Transfer: callcontrol.TransferID(transfer),
		Legs: []callcontrol.LegView{{Role: callcontrol.RoleDevice}, {Role: callcontrol.RoleCustomer, Actions: actions}},
	}
}

func TestPick(t *testing.T) {
	const (
		hold, retrieve, hangup  = callcontrol.KindHold, callcontrol.KindRetrieve, callcontrol.KindHangup
		answer, complete, blind = callcontrol.KindAnswer, callcontrol.KindComplete, callcontrol.KindBlind
	)
	talking := call("c1", "anna", callcontrol.PhaseTalking, "", hold, hangup)
	held := call("c2", "anna", callcontrol.PhaseHeld, "", retrieve, hangup)
	held2 := call("c3", "anna", callcontrol.PhaseHeld, "", retrieve, hangup)
	offered := call("c4", "anna", callcontrol.PhaseOffered, "", answer)
	other := call("c5", "borys", callcontrol.PhaseTalking, "", hold)
	ended := call("c6", "anna", callcontrol.PhaseEnded, "")
	customer := call("c7", "anna", callcontrol.PhaseHeld, "t1", complete, hangup, retrieve)
	consult := call("c8", "anna", callcontrol.PhaseTalking, "t1", complete, hangup, hold)
	meet1 := call("c9", "anna", callcontrol.PhaseConference, "t2", hangup)
	meet2 := call("c10", "anna", callcontrol.PhaseConference, "t2", hangup)

	for name, tc := range map[string]struct {
		calls []callcontrol.CallView
		verb  callcontrol.Kind
		want  callcontrol.CallID
		code  callcontrol.Code
		ambig int
	}{
		"the only call":                     {calls: []callcontrol.CallView{talking, other, ended}, verb: hold, want: "c1"},
		"of two the one that allows it":     {calls: []callcontrol.CallView{talking, held}, verb: retrieve, want: "c2"},
		"of two that do the one spoken in":  {calls: []callcontrol.CallView{held, talking}, verb: hangup, want: "c1"},
		"the second call rings":             {calls: []callcontrol.CallView{talking, offered}, verb: answer, want: "c4"},
		"two held":                          {calls: []callcontrol.CallView{held, held2}, verb: retrieve, ambig: 2},
		"none allows it, one call":          {calls: []callcontrol.CallView{held}, verb: blind, want: "c2"},
		"none allows it, one is spoken in":  {calls: []callcontrol.CallView{held, talking}, verb: blind, want: "c1"},
		"none allows it, two held":          {calls: []callcontrol.CallView{held, held2}, verb: blind, ambig: 2},
		"no call":                           {calls: []callcontrol.CallView{other, ended}, verb: hold, code: callcontrol.CodeNoSuchCall},
		"transfer: the one spoken in":       {calls: []callcontrol.CallView{customer, consult}, verb: hangup, want: "c8"},
		"conference: the customer's":        {calls: []callcontrol.CallView{meet1, meet2}, verb: hangup, want: "c9"},
		"transfer verb on the held one too": {calls: []callcontrol.CallView{customer, consult}, verb: complete, want: "c8"},
	} {
		got, err := Pick(tc.calls, "anna", tc.verb)
		var ambiguous *AmbiguousError
		switch {
		case tc.code != "":
			if !errors.Is(err, &callcontrol.Refusal{Code: tc.code}) {
				t.Errorf("%s: %v", name, err)
			}
		case tc.ambig > 0:
			if !errors.As(err, &ambiguous) || len(ambiguous.Calls) != tc.ambig || !strings.Contains(err.Error(), "c2 (held, anonymous)") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got != tc.want:
			t.Errorf("%s: %s, %v; want %s", name, got, err, tc.want)
		}
	}
}
