package callcontrol

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// refusalOf gives a command that is refused, and returns with what.
func refusalOf(t *testing.T, sw *Switchboard, ctx context.Context, c Command) Refusal {
	t.Helper()
	var r *Refusal
	if _, err := sw.Do(ctx, c); !errors.As(err, &r) {
		t.Fatalf("%s: %v", c.Kind, err)
	}
	return *r
}

// TestRefusalsTellTheMoment: whatever a command is refused for, the refusal says what the agent's desk was at that moment, and
// the call where one is named.
func TestRefusalsTellTheMoment(t *testing.T) {
	for code, tc := range map[Code]struct {
		refuse func(t *testing.T, sw *Switchboard, w *world, c CallID) Refusal
		agent  AgentID
		state  Phase
	}{
		CodeNotAllowedInState: {agent: "anna", state: PhaseTalking, refuse: func(t *testing.T, sw *Switchboard, _ *world, c CallID) Refusal {
			return refusalOf(t, sw, t.Context(), Command{Kind: KindRetrieve, Call: c})
		}},
		CodeNoSuchCall: {agent: "anna", refuse: func(t *testing.T, sw *Switchboard, _ *world, _ CallID) Refusal {
			return refusalOf(t, sw, t.Context(), Command{Kind: KindHold, Agent: "anna", Call: "c-b.0-999"})
		}},
		CodeNotOwner: {agent: "boris", state: PhaseTalking, refuse: func(t *testing.T, sw *Switchboard, _ *world, c CallID) Refusal {
			return refusalOf(t, sw, t.Context(), Command{Kind: KindHold, Agent: "boris", Call: c})
		}},
		CodeBadNumber: {agent: "anna", state: PhaseTalking, refuse: func(t *testing.T, sw *Switchboard, _ *world, c CallID) Refusal {
			return refusalOf(t, sw, t.Context(), Command{Kind: KindConsult, Agent: "anna", Call: c, Number: "a b"})
		}},
		CodePeerRefused: {agent: "anna", state: PhaseTalking, refuse: digitsRefused},
		CodeTimeout: {agent: "anna", state: PhaseTalking, refuse: func(t *testing.T, sw *Switchboard, w *world, c CallID) Refusal {
			w.mu.Lock()
			w.hold = true // music does not come
			w.mu.Unlock()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return refusalOf(t, sw, ctx, Command{Kind: KindHold, Call: c})
		}},
		CodeConflict: {agent: "anna", state: PhaseTalking, refuse: func(t *testing.T, sw *Switchboard, _ *world, c CallID) Refusal {
			must(t, sw, Command{ID: "k", Kind: KindMute, Call: c})
			return refusalOf(t, sw, t.Context(), Command{ID: "k", Kind: KindUnmute, Call: c})
		}},
	} {
		t.Run(string(code), func(t *testing.T) {
			withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
				c := talkOn(t, sw, w)
				got := tc.refuse(t, sw, w, c.ID)
				now := snapshot(t, sw)
				if got.Code != code || got.State != string(tc.state) || got.Moment == nil {
					t.Fatalf("%+v", got)
				}
				m, calls := got.Moment, []CallPhase(nil)
				if tc.agent == "anna" {
					calls = []CallPhase{{c.ID, PhaseTalking}}
				}
				if m.Agent != tc.agent || m.Cursor != now.Cursor || m.Status != StatusReady || !m.Registered || !m.DeviceReachable ||
					m.Busy != (calls != nil) || !slices.Equal(m.Calls, calls) {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// digitsRefused has a customer whose PBX answers INFO with 415.
func digitsRefused(t *testing.T, sw *Switchboard, _ *world, c CallID) Refusal {
	leg := snapshot(t, sw).Calls[0].Legs[1].ID
	sw.Signal("anna", Signal{Kind: SignalMedia, Leg: leg, Info: true, Direction: DirectionSendRecv})
	synctest.Wait()
	got := make(chan Refusal, 1)
	go func() { got <- refusalOf(t, sw, t.Context(), Command{Kind: KindDigits, Call: c, Digits: "1"}) }()
	synctest.Wait()
	r, _ := sw.find(&Command{Agent: "anna"})
	serial := r.desk.untaken[0].serial
	sw.Signal("anna", Signal{Kind: SignalDigitsDone, Leg: leg, Serial: serial, Status: 415, Cause: CauseNotAcceptable, Info: true})
	return <-got
}

// TestNothingIsBegunTooLate: a command whose time is over when it comes is not carried out, nor remembered.
func TestNothingIsBegunTooLate(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := Command{ID: "k", Kind: KindDial, Agent: "anna", Number: "200"}
		if r := refusalOf(t, sw, ctx, c); r.Code != CodeTimeout || r.Moment == nil {
			t.Errorf("%+v", r)
		}
		if w.has("invite") {
			t.Error("it was carried out")
		}
		if r := must(t, sw, c); r.Replayed {
			t.Error("it is remembered")
		}
	})
}

// TestRefusalReplayed: a refusal is a first result, too.
func TestRefusalReplayed(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		swap := Command{ID: "k", Kind: KindSwap, Call: c.ID}
		first := refusalOf(t, sw, t.Context(), swap)
		must(t, sw, Command{Kind: KindHold, Call: c.ID})
		again := refusalOf(t, sw, t.Context(), swap)
		if first.Replayed || !again.Replayed || again.State != first.State || again.Moment.Cursor != first.Moment.Cursor {
			t.Errorf("%+v, then %+v", first, again)
		}
	})
}
