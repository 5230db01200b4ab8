package daemon

import (
	"fmt"
	"time"

	"cordboard/callcontrol"
	"cordboard/rtp"
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
		l.digitsFailed(callcontrol.CauseCongestion, "too many digits wait to be sent")
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
	for _, r := range d.Text {
		wait := rtp.DefaultDigitPause
		if r != ',' {
			wait = d.Duration + d.Gap
		}
		due := time.After(wait)
		if r != ',' {
			dialog.Info("application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", r, d.Duration.Milliseconds()))
			select {
			case status := <-l.infoDone:
				if status != 200 {
					l.digitsFailed(callcontrol.CauseOf(status), infoReason(status))
					return true
				}
			case <-l.gone:
				l.digitsFailed(callcontrol.CauseFailure, "the leg ended")
				return true
			case <-stop:
				return false
			}
		}
		select {
		case <-due:
		case <-l.gone:
			l.digitsFailed(callcontrol.CauseFailure, "the leg ended")
			return true
		case <-stop:
			return false
		}
	}
	l.signal(callcontrol.Signal{Kind: callcontrol.SignalDigitsDone})
	return true
}

func infoReason(status int) string {
	if status == 0 {
		return "the call takes no INFO yet"
	}
	return fmt.Sprintf("the peer answered INFO with %d", status)
}

func (l *leg) digitsFailed(c callcontrol.Cause, reason string) {
	l.signal(callcontrol.Signal{Kind: callcontrol.SignalDigitsDone, Cause: c, Reason: reason})
}

// onInfoDone hands the outcome of the INFO under way on; there is one at a time.
func (l *leg) onInfoDone(status int) {
	select {
	case l.infoDone <- status:
	default:
	}
}
