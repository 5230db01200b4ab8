package callcontrol

import (
	"log/slog"
	"runtime/debug"
	"time"
)

// do carries out one action. What tells of the state goes into p and waits for the patch.
func (r *runner) do(a *Action, p *publication) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("action panicked", slog.String("action", string(a.Kind)), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			if c, _ := r.desk.legOf(a.Leg); c != nil {
				r.inbox.push(envelope{in: Input{Fault: c.id}})
			}
		}
	}()
	switch a.Kind {
	case ActPatch:
		r.asked++
		n := r.asked
		r.sw.deps.Media.Patch(r.agent, a.Patch, func() { r.inbox.push(envelope{patched: n}) })
	case ActStartTimer:
		t := a.Timer
		r.timers[t] = time.AfterFunc(t.After, func() { r.inbox.push(envelope{in: Input{Timer: &t}}) })
	case ActStopTimer:
		if t := r.timers[a.Timer]; t != nil {
			t.Stop()
			delete(r.timers, a.Timer)
		}
	case ActPublish:
		p.events = append(p.events, *a.Event)
		r.logEvent(a.Event)
	case ActReply:
		r.reply(a, p)
	case ActDefer:
		r.postpone(a.Serial, p)
	default:
		r.telephone(a)
	}
}

// postpone keeps the command at hand until its reply comes.
func (r *runner) postpone(serial uint64, p *publication) {
	if p.entry == nil {
		return
	}
	if r.deferred == nil {
		r.deferred = make(map[uint64]*entry)
	}
	r.deferred[serial], p.entry = p.entry, nil
}

// reply gives the result of the command at hand, or of one before whose result was deferred.
func (r *runner) reply(a *Action, p *publication) {
	if a.Serial == 0 {
		p.result = a.Result
		return
	}
	e := r.deferred[a.Serial]
	if e == nil {
		return
	}
	delete(r.deferred, a.Serial)
	late := publication{agent: r.agent, entry: e, result: a.Result}
	if a.Refusal != nil {
		late.err = a.Refusal
	}
	r.late = append(r.late, late)
}

func (r *runner) telephone(a *Action) {
	t := r.sw.deps.Telephony
	switch a.Kind {
	case ActInvite:
		t.Invite(*a.Invite)
	case ActRing:
		t.Ring(r.agent, a.Leg, false)
	case ActAnswer:
		t.Answer(r.agent, a.Leg)
	case ActReject:
		t.Reject(r.agent, a.Leg, a.Cause)
	case ActHangup:
		t.Hangup(r.agent, a.Leg, a.Cause)
	case ActRefer:
		t.Refer(r.agent, a.Leg, a.Target, a.Replaces)
	case ActReferReply:
		t.ReferReply(r.agent, a.Leg, a.Status)
	case ActInfo:
		t.Info(r.agent, a.Leg, a.Digits)
	case ActIdentify:
		t.Identify(r.agent, a.Leg, a.Identity)
	case ActReoffer:
		t.Reoffer(r.agent, a.Leg, a.Direction)
	case ActDigits:
		leg := a.Leg
		r.sw.deps.Media.Digits(r.agent, leg, a.Digits, func(err error) {
			s := &Signal{Kind: SignalDigitsDone, Leg: leg}
			if err != nil {
				s.Cause, s.Reason = CauseFailure, err.Error()
			}
			r.inbox.push(envelope{in: Input{Signal: s}})
		})
	}
}

// logEvent writes info once per phase of a call, refusals too.
func (r *runner) logEvent(e *Event) {
	switch e.Kind {
	case EventCallStarted, EventCallEnded, EventLegConnected, EventLegFailed, EventRefused:
		r.log.Info("call event", slog.String("event", string(e.Kind)), slog.String("call", string(e.CallID)),
			slog.String("leg", string(e.Leg)), slog.String("cause", string(e.Cause)), slog.String("reason", e.Reason))
	case EventTransferChanged:
		r.log.Info("transfer event", slog.String("call", string(e.CallID)), slog.String("transfer", string(e.Transfer.ID)),
			slog.String("status", string(e.Transfer.Status)), slog.String("cause", string(e.Cause)))
	}
}
