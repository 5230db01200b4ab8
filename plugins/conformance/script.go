package conformance

import (
	"fmt"
	"math/rand/v2"
	"time"

	"cordboard/callcontrol"
)

// script makes n events of calls as a daemon tells them, some odd: names in any alphabet, long values,
// calls without a number, events of agents and transfers, and of kinds that the adapter cannot know.
func script(seed uint64, n int) []callcontrol.Event {
	r := rand.New(rand.NewPCG(seed, 1))
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	out := make([]callcontrol.Event, n)
	for i := range out {
		at = at.Add(time.Duration(r.IntN(500)) * time.Millisecond)
		out[i] = event(r, at, i)
	}
	return out
}

var (
	names   = []string{"", "Ivan Petrenko", "Олена Бойко", "李小龍", "\u202Eevil", "O'Brien; DROP TABLE", `"quoted" <sip:x@y>`}
	numbers = []callcontrol.Number{"", "+380441234567", "0441234567", "1002", "*97", "anonymous"}
	kinds   = []callcontrol.EventKind{
		callcontrol.EventCallStarted, callcontrol.EventLegAlerting, callcontrol.EventLegConnected, callcontrol.EventLegHeld,
		callcontrol.EventCallChanged, callcontrol.EventLegEnded, callcontrol.EventCallEnded,
	}
)

func event(r *rand.Rand, at time.Time, i int) callcontrol.Event {
	agent := callcontrol.AgentID(fmt.Sprintf("agent%d", r.IntN(5)))
	id := callcontrol.CallID(fmt.Sprintf("c-%d", i/len(kinds)))
	e := callcontrol.Event{At: at, Kind: kinds[i%len(kinds)], Agent: agent, CallID: id}
	party := callcontrol.Identity{Display: names[r.IntN(len(names))], Number: numbers[r.IntN(len(numbers))]}
	switch r.IntN(20) {
	case 0:
		return callcontrol.Event{At: at, Kind: callcontrol.EventAgentChanged, Agent: agent, State: &callcontrol.AgentView{ID: agent, Status: callcontrol.StatusPause}}
	case 1:
		return callcontrol.Event{At: at, Kind: callcontrol.EventTransferChanged, Agent: agent, CallID: id, Transfer: &callcontrol.TransferView{
			ID: "t-1", Kind: callcontrol.TransferBlind, Status: callcontrol.TransferCompleted, Agent: agent, Call: id, Target: "1002",
		}}
	case 2:
		return callcontrol.Event{At: at, Kind: callcontrol.EventRefused, Agent: agent, Cause: callcontrol.CauseBusy, Remote: party}
	case 3:
		e.Kind = "of_a_later_version" // the wire has no word for it: it arrives without one
	}
	e.Call = &callcontrol.CallView{
		ID: id, Interaction: callcontrol.InteractionID("i-" + string(id)), Agent: agent, Line: "pbx/1001", Direction: callcontrol.Inbound,
		Phase: callcontrol.PhaseTalking, Queue: "Sales", Remote: party, Started: at.Add(-time.Minute),
		Variables: []callcontrol.Variable{{Name: "ivr", Value: "2"}},
		Legs:      []callcontrol.LegView{{ID: "l-1", Role: callcontrol.RoleCustomer, State: callcontrol.LegConnected, Party: party, Actions: []callcontrol.Kind{callcontrol.KindHold}}},
	}
	if e.Kind == callcontrol.EventCallEnded {
		e.Cause, e.Call.Phase, e.Call.Cause = callcontrol.CauseNormal, callcontrol.PhaseEnded, callcontrol.CauseNormal
	}
	return e
}
