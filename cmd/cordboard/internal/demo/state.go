package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"cordboard/callcontrol"
)

// reach waits until the daemon says that anna's calls are in a state, and returns what it said last.
func (s *story) reach(ctx context.Context, want string) (string, error) {
	for end := time.Now().Add(5 * time.Second); ; {
		got, err := s.state(ctx)
		if err != nil || got == want || time.Now().After(end) {
			return got, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

func (s *story) state(ctx context.Context) (string, error) {
	snap, err := s.world.client.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	return stateOf(snap), nil
}

// stateOf names the state of anna's calls in a snapshot, in the words of the table "who hears whom".
func stateOf(snap callcontrol.Snapshot) string {
	calls := slices.DeleteFunc(slices.Clone(snap.Calls), func(c callcontrol.CallView) bool { return c.Agent != anna })
	for _, t := range snap.Transfers {
		i := slices.IndexFunc(calls, func(c callcontrol.CallView) bool { return c.ID == t.Call })
		j := slices.IndexFunc(calls, func(c callcontrol.CallView) bool { return c.ID == t.Consult })
		if len(calls) == 2 && i >= 0 && j >= 0 && i != j {
			return consultState(calls[i].Phase, calls[j].Phase, t.Status)
		}
	}
	if len(calls) == 1 {
		return callState(&calls[0])
	}
	var phases []string
	for _, c := range calls {
		phases = append(phases, string(c.Phase))
	}
	if phases == nil {
		return "ended"
	}
	return strings.Join(phases, " and ")
}

func consultState(customer, target callcontrol.Phase, status callcontrol.TransferStatus) string {
	switch {
	case customer == callcontrol.PhaseHeld && target == callcontrol.PhaseDialling && status == callcontrol.TransferAlerting:
		return "consult alerting"
	case customer == callcontrol.PhaseHeld && target == callcontrol.PhaseTalking:
		return "consult talking"
	case customer == callcontrol.PhaseTalking && target == callcontrol.PhaseHeld:
		return "swapped to customer"
	}
	return "consult " + string(status) + ", customer " + string(customer) + ", target " + string(target)
}

func callState(c *callcontrol.CallView) string {
	leg := func(ok func(callcontrol.LegView) bool) bool { return slices.ContainsFunc(c.Legs, ok) }
	switch c.Phase {
	case callcontrol.PhaseTalking:
		if leg(func(l callcontrol.LegView) bool { return l.Role == callcontrol.RoleDevice && l.Muted }) {
			return "muted"
		}
	case callcontrol.PhaseDialling:
		if leg(func(l callcontrol.LegView) bool {
			return l.Role == callcontrol.RoleCustomer && l.State == callcontrol.LegAlerting
		}) {
			return "alerting"
		}
	case callcontrol.PhaseForwarding:
		return "blind transfer in progress"
	case callcontrol.PhaseBridged:
		return "completed"
	}
	return string(c.Phase)
}
