package control

import (
	"fmt"
	"slices"
	"strings"

	"cordboard/callcontrol"
)

// AmbiguousError says that a verb could mean several of an agent's calls.
type AmbiguousError struct {
	Agent callcontrol.AgentID
	Verb  callcontrol.Kind
	Calls []callcontrol.CallView
}

// Error implements error.
func (e *AmbiguousError) Error() string {
	ids := make([]string, len(e.Calls))
	for i, c := range e.Calls {
		ids[i] = fmt.Sprintf("%s (%s, %s)", c.ID, c.Phase, callerName(c.Remote))
	}
	return fmt.Sprintf("%s could mean %d calls of %s: %s", e.Verb, len(e.Calls), e.Agent, strings.Join(ids, ", "))
}

func callerName(i callcontrol.Identity) string {
	if i.Display != "" {
		return i.Display
	}
	if i.Number != "" {
		return string(i.Number)
	}
	return "anonymous"
}

// Pick chooses the call of calls that a verb means when only the agent is named: the one whose legs
// allow the verb; of several, the one the agent is in; of the two calls of one transfer, the
// customer's. With none, the agent's only call is chosen, so that the daemon refuses it with the
// reason. Errors: *callcontrol.Refusal, *AmbiguousError.
func Pick(calls []callcontrol.CallView, agent callcontrol.AgentID, verb callcontrol.Kind) (callcontrol.CallID, error) {
	var own, able []callcontrol.CallView
	for _, c := range calls {
		if c.Agent != agent || c.Phase == callcontrol.PhaseEnded {
			continue
		}
		own = append(own, c)
		if slices.ContainsFunc(c.Legs, func(l callcontrol.LegView) bool { return slices.Contains(l.Actions, verb) }) {
			able = append(able, c)
		}
	}
	if len(own) == 0 {
		return "", &callcontrol.Refusal{Code: callcontrol.CodeNoSuchCall, Message: string(agent) + " has no call"}
	}
	switch able = narrow(able); len(able) {
	case 1:
		return able[0].ID, nil
	case 0:
		if own = narrow(own); len(own) == 1 {
			return own[0].ID, nil
		}
		return "", &AmbiguousError{Agent: agent, Verb: verb, Calls: own}
	}
	return "", &AmbiguousError{Agent: agent, Verb: verb, Calls: able}
}

// narrow leaves the call the agent is in, where there is one, and the customer's of a transfer.
func narrow(calls []callcontrol.CallView) []callcontrol.CallView {
	in := slices.DeleteFunc(slices.Clone(calls), func(c callcontrol.CallView) bool {
		switch c.Phase {
		case callcontrol.PhaseHeld, callcontrol.PhaseBridged, callcontrol.PhaseForwarding, callcontrol.PhaseReferring, callcontrol.PhaseOffered:
			return true
		}
		return false
	})
	if len(in) > 0 {
		calls = in
	}
	if len(calls) == 2 && calls[0].Transfer != "" && calls[0].Transfer == calls[1].Transfer {
		return calls[:1]
	}
	return calls
}
