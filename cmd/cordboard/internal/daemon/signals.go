package daemon

import (
	"cordboard/callcontrol"
	"cordboard/rtp"
	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// signal hands an outcome to the desk.
func (l *leg) signal(s callcontrol.Signal) {
	s.Leg = l.id
	l.d.board.Signal(l.desk.agent, s)
}

// onDialog turns a dialog's events into signals, in order.
func (l *leg) onDialog(ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Ringing:
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalRinging, Status: e.Status})
	case sipua.Early:
		l.agree(e.Media)
		l.signal(l.mediaSignal(callcontrol.SignalEarly, e.Media))
	case sipua.Answered:
		l.agree(e.Media)
		l.signal(l.mediaSignal(callcontrol.SignalAnswered, e.Media))
	case sipua.Media:
		l.agree(e.Media)
		s := l.mediaSignal(callcontrol.SignalMedia, e.Media)
		s.ByPeer = e.ByPeer
		l.signal(s)
	case sipua.ReofferFailed:
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalReofferFail, Status: e.Status})
	case sipua.Rejected:
		l.close()
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalRejected, Status: rejectStatus(e.Status), Reason: e.Reason})
	case sipua.Ended:
		l.close()
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalEnded, ByPeer: meant(e), Cause: endCause(e.Cause), Reason: e.Reason})
	case sipua.Info:
		if e.Digit != 0 {
			l.signal(callcontrol.Signal{Kind: callcontrol.SignalDigit, Digits: string(e.Digit)})
		}
	case sipua.InfoAccepted:
		l.onInfoDone(sipua.InfoFailed{Status: 200})
	case sipua.InfoFailed:
		l.onInfoDone(e)
	case sipua.ReferRequested:
		l.onRefer(e)
	case sipua.ReferProgress:
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalReferResult, Status: e.Status, Final: e.Final})
	case sipua.IdentityChanged:
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalIdentity, Identity: identity(e.Identity)})
	}
}

// mediaSignal tells what was negotiated, with the direction from the peer's side.
func (l *leg) mediaSignal(kind callcontrol.SignalKind, n offer.Negotiated) callcontrol.Signal {
	dialog, _, _ := l.current()
	return callcontrol.Signal{
		Kind:      kind,
		Direction: callcontrol.Direction(n.Peer.String()),
		Events:    n.EventSendPT != 0,
		Info:      dialog != nil && dialog.AllowsInfo(),
	}
}

func (l *leg) onRefer(e sipua.ReferRequested) {
	number, err := callcontrol.ParseNumber(e.Target.User)
	if err != nil {
		e.Reject(400)
		return
	}
	l.mu.Lock()
	l.refer = &e
	l.mu.Unlock()
	l.signal(callcontrol.Signal{Kind: callcontrol.SignalReferRequest, Number: number})
}

// onMedia turns a stream's events into signals.
func (l *leg) onMedia(e rtp.Event) {
	switch e.Kind {
	case rtp.EventDigit:
		media{l.d}.passKey(l, e)
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalDigit, Digits: string(e.Code)})
	case rtp.EventDigitsDone:
		l.mu.Lock()
		var done func(error)
		if len(l.digits) > 0 {
			done, l.digits = l.digits[0], l.digits[1:]
		}
		l.mu.Unlock()
		if done != nil {
			done(e.Err)
		}
	case rtp.EventTimeout:
		l.signal(callcontrol.Signal{Kind: callcontrol.SignalLost})
	case rtp.EventSourceLocked:
		l.d.log.Info("media source learnt", "leg", l.id, "remote", e.Addr)
	}
}

// rejectStatus gives a final failure also to what never reached the wire.
func rejectStatus(status int) int {
	if status < 300 {
		return 503
	}
	return status
}

// meant reports whether the other side wanted the end: a BYE or CANCEL, and not that it restarted and knows nothing of it.
func meant(e sipua.Ended) bool { return e.ByPeer && e.Cause != sipua.CauseGone }

func endCause(c sipua.Cause) callcontrol.Cause {
	switch c {
	case sipua.CauseHangup:
		return callcontrol.CauseNormal
	case sipua.CauseCancelled:
		return callcontrol.CauseCancelled
	case sipua.CauseRejected:
		return callcontrol.CauseRejected
	case sipua.CauseAckTimeout, sipua.CauseSessionExpired, sipua.CauseTransport:
		return callcontrol.CauseTimeout
	case sipua.CauseNoMedia:
		return callcontrol.CauseNotAcceptable
	case sipua.CauseReplaced:
		return callcontrol.CauseReplaced
	case sipua.CauseShutdown:
		return callcontrol.CauseDraining
	}
	return callcontrol.CauseFailure
}
