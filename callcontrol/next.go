package callcontrol

import (
	"errors"
	"time"
)

// Input is everything that can happen to a desk: exactly one of its parts is set. At is the time it
// happened; next has no clock of its own.
type Input struct {
	At      time.Time `json:"at"`
	Command *Command  `json:"command,omitempty"`
	Signal  *Signal   `json:"signal,omitempty"`
	Offer   *Offer    `json:"offer,omitempty"`
	Timer   *Timer    `json:"timer,omitempty"`
	Drain   bool      `json:"drain,omitempty"`   // no new calls from now on
	Release bool      `json:"release,omitempty"` // hang up everything
	Retire  bool      `json:"retire,omitempty"`  // the agent leaves: no new calls, running ones go on
	Fault   CallID    `json:"fault,omitempty"`   // a fault of ours in this call: end it
	Reset   bool      `json:"reset,omitempty"`   // a fault of ours in no call: end all of them

	// Internal says whether Command.Number or Offer.To is a number of the same house.
	Internal bool `json:"internal,omitempty"`

	Configure *DeskConfig `json:"configure,omitempty"` // other settings for the same agent
}

// ActionKind says what to do.
type ActionKind string

// Actions.
const (
	ActInvite     ActionKind = "invite"
	ActRing       ActionKind = "ring"
	ActAnswer     ActionKind = "answer"
	ActReject     ActionKind = "reject"
	ActHangup     ActionKind = "hangup"
	ActRefer      ActionKind = "refer"
	ActReferReply ActionKind = "refer_reply"
	ActInfo       ActionKind = "info"
	ActDigits     ActionKind = "digits"
	ActIdentify   ActionKind = "identify"
	ActReoffer    ActionKind = "reoffer"
	ActPatch      ActionKind = "patch"
	ActStartTimer ActionKind = "start_timer"
	ActStopTimer  ActionKind = "stop_timer"
	ActPublish    ActionKind = "publish"
	ActReply      ActionKind = "reply"
	ActDefer      ActionKind = "defer" // the command is replied to later, by its Serial
)

// Action is one thing to do, as data.
type Action struct {
	Kind      ActionKind
	Leg       LegID
	Cause     Cause
	Invite    *Invite
	Target    Number // refer
	Replaces  LegID  // refer
	Status    int    // refer_reply
	Digits    Digits
	Identity  Identity
	Direction Direction
	Patch     Patch
	Timer     Timer
	Event     *Event
	Result    Result
	Refusal   *Refusal // reply: in place of the result
	Serial    uint64   // defer, and the reply that was deferred
}

// errIgnored marks an input that means nothing in this state: a stale timer, a signal of a leg that
// has ended. It changes nothing.
var errIgnored = errors.New("nothing to do in this state")

// step is one application of next.
type step struct {
	d      *Desk
	before *Desk
	in     Input
	acts   []Action
	events []Event
	causes map[LegID]Cause // of the legs that end in this step
	result *Result
	serial uint64   // not 0: the result is deferred under it
	late   []Action // replies to commands before
}

// next is the whole machine: no clock, no I/O, no locks, no randomness. It leaves d alone and returns
// the desk after in with what to do, in order. An error is a *Refusal of a command, or errIgnored;
// then the desk is unchanged and the actions are at most events for the audit.
func next(d Desk, in Input) (Desk, []Action, error) {
	after := d.clone()
	s := &step{d: &after, before: &d, in: in}
	if err := s.handle(); err != nil {
		return d, s.audit(err), err
	}
	s.settle()
	return after, s.acts, nil
}

func (s *step) handle() error {
	switch in := s.in; {
	case in.Command != nil:
		if r := s.command(in.Command); r != nil {
			return r
		}
		return nil
	case in.Signal != nil:
		return s.signal(in.Signal)
	case in.Offer != nil:
		return s.offer(in.Offer)
	case in.Timer != nil:
		return s.timer(*in.Timer)
	case in.Release:
		return s.release()
	case in.Drain:
		if s.d.draining {
			return errIgnored
		}
		s.d.draining = true
		return nil
	case in.Retire:
		return s.retire()
	case in.Configure != nil:
		return s.configure(in.Configure)
	case in.Fault != "":
		if c := s.d.call(in.Fault); c != nil {
			s.endCall(c, CauseInternal)
			return nil
		}
	case in.Reset:
		s.endAll(CauseInternal)
		return nil
	}
	return errIgnored
}

func (s *step) act(a Action) { s.acts = append(s.acts, a) }

// audit keeps the events of a refused input: a refused dial is worth a record.
func (s *step) audit(err error) []Action {
	var r *Refusal
	if !errors.As(err, &r) || s.in.Command == nil || s.in.Command.Number == "" {
		return nil
	}
	return []Action{{Kind: ActPublish, Event: &Event{
		At: s.in.At, Kind: EventRefused, Agent: s.d.config.Agent, Reason: string(r.Code), Remote: Identity{Number: s.in.Command.Number},
	}}}
}

// endLeg records why a leg ends; the caller removes it or leaves it to endCall.
func (s *step) endLeg(id LegID, c Cause) {
	if s.causes == nil {
		s.causes = make(map[LegID]Cause)
	}
	s.causes[id] = c
}

// setPhase moves a call and starts its phase's timer anew.
func (s *step) setPhase(c *call, p Phase) {
	s.d.epoch++
	c.phase, c.epoch = p, s.d.epoch
}
