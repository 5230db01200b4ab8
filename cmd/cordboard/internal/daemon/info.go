package daemon

import (
	"fmt"
	"time"

	"cordboard/callcontrol"
	"cordboard/rtp"
	"cordboard/sipua"
)

// maxInfoQueued bounds the strings of digits that wait for a leg.
const maxInfoQueued = 16

// Info implements callcontrol.Telephony: one INFO a digit, spaced as the string asks. Strings of one leg are sent one
// after the other.
func (t telephony) Info(agent callcontrol.AgentID, id callcontrol.LegID, d callcontrol.Digits) {
	l := t.d.leg(agent, id)
	if l == nil {
		return
	}
	if d.Duration <= 0 {
		d.Duration = rtp.DefaultDigitDuration
	}
	if d.Gap <= 0 {
		d.Gap = rtp.DefaultDigitGap
	}
	l.mu.Lock()
	idle := len(l.infos) == 0
	full := len(l.infos) >= maxInfoQueued
	if !full {
		l.infos = append(l.infos, d)
	}
	l.mu.Unlock()
	switch {
	case full:
		l.digitsFailed(d, callcontrol.CauseCongestion, 0, "too many digits wait to be sent")
	case idle:
		t.d.goRun(l.sendInfos)
	}
}

// sendInfos sends what is queued until nothing is.
func (l *leg) sendInfos(stop <-chan struct{}) {
	for {
		l.mu.Lock()
		d := l.infos[0]
		l.mu.Unlock()
		if !l.sendInfo(d, stop) {
			return
		}
		l.mu.Lock()
		l.infos = l.infos[1:]
		more := len(l.infos) > 0
		l.mu.Unlock()
		if !more {
			return
		}
	}
}

// sendInfo sends one string and tells its end. The next digit goes only when the peer has answered the last, so that they
// arrive in order, and a refusal ends the string. False: the daemon stops.
func (l *leg) sendInfo(d callcontrol.Digits, stop <-chan struct{}) bool {
	dialog, _, _ := l.current()
	taken := false
	for _, r := range d.Text {
		wait := rtp.DefaultDigitPause
		if r != ',' {
			wait = d.Duration + d.Gap
		}
		due := time.After(wait)
		if r != ',' {
			dialog.Digit(r, d.Duration)
			select {
			case out := <-l.infoDone:
				if out.Status != 200 {
					l.digitsFailed(d, callcontrol.CauseOf(out.Status), out.Status, infoReason(out))
					return true
				}
			case <-l.gone:
				l.digitsFailed(d, callcontrol.CauseFailure, 0, "the leg ended")
				return true
			case <-stop:
				return false
			}
			if !taken {
				taken = true
				l.signal(callcontrol.Signal{Kind: callcontrol.SignalDigitsTaken, Serial: d.Serial})
			}
		}
		select {
		case <-due:
		case <-l.gone:
			l.digitsFailed(d, callcontrol.CauseFailure, 0, "the leg ended")
			return true
		case <-stop:
			return false
		}
	}
	l.digitsDone(callcontrol.Signal{Serial: d.Serial})
	return true
}

func infoReason(out sipua.InfoFailed) string {
	switch {
	case out.Status == 0:
		return "the call takes no INFO yet"
	case out.Never:
		return fmt.Sprintf("the peer takes no digits by INFO: it answered %d", out.Status)
	}
	return fmt.Sprintf("the peer answered INFO with %d", out.Status)
}

func (l *leg) digitsFailed(d callcontrol.Digits, c callcontrol.Cause, status int, reason string) {
	l.digitsDone(callcontrol.Signal{Serial: d.Serial, Cause: c, Status: status, Reason: reason})
}

// digitsDone tells the end of a string, and whether the peer takes more.
func (l *leg) digitsDone(s callcontrol.Signal) {
	dialog, _, _ := l.current()
	s.Kind, s.Info = callcontrol.SignalDigitsDone, dialog.AllowsInfo()
	l.signal(s)
}

// onInfoDone hands the outcome of the INFO under way on; there is one at a time.
func (l *leg) onInfoDone(out sipua.InfoFailed) {
	select {
	case l.infoDone <- out:
	default:
	}
}
