package callcontrol

import (
	"slices"
	"strings"
	"time"
)

var (
	_ Telephony = (*raceWorld)(nil)
	_ Media     = (*raceWorld)(nil)
)

func (w *raceWorld) uptoLocked(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d)))
}

// travelLocked is a time on the wire.
func (w *raceWorld) travelLocked() time.Duration { return w.uptoLocked(40 * time.Millisecond) }

// thereLocked does f at the other end of a leg, unless it is over by then.
func (w *raceWorld) thereLocked(l *raceLeg, after time.Duration, f func()) {
	time.AfterFunc(after, func() {
		w.lock.Lock()
		defer w.lock.Unlock()
		if !l.over {
			f()
		}
	})
}

// tellLocked sends a signal of a leg on its way to the desk.
func (w *raceWorld) tellLocked(l *raceLeg, s Signal) {
	s.Leg, s.Events, s.Info = l.id, true, true
	at := time.Now().Add(w.travelLocked())
	if !at.After(l.heard) {
		at = l.heard.Add(time.Microsecond)
	}
	l.heard = at
	time.AfterFunc(time.Until(at), func() { w.sw.Signal("anna", s) })
}

// endLocked ends a leg at the other end, and tells.
func (w *raceWorld) endLocked(l *raceLeg, s Signal) {
	l.over = true
	w.tellLocked(l, s)
}

func (w *raceWorld) answerLocked(l *raceLeg) {
	l.answered = true
	w.tellLocked(l, Signal{Kind: SignalAnswered})
}

func (w *raceWorld) incoming(id LegID) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.legs[id] = &raceLeg{id: id, party: "customer"}
}

// leaves lets a party hang up, or refuse what it has not answered.
func (w *raceWorld) leaves(party string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	var legs []*raceLeg
	for _, l := range w.legs {
		if l.party == party && !l.over {
			legs = append(legs, l)
		}
	}
	slices.SortFunc(legs, func(a, b *raceLeg) int { return strings.Compare(string(a.id), string(b.id)) })
	for _, l := range legs {
		if l.answered || party == "customer" {
			w.endLocked(l, Signal{Kind: SignalEnded, ByPeer: true})
		} else {
			w.endLocked(l, Signal{Kind: SignalRejected, Status: []int{486, 603, 500}[w.rng.IntN(3)]})
		}
	}
}

func (w *raceWorld) Invite(p Invite) {
	w.lock.Lock()
	defer w.lock.Unlock()
	l := &raceLeg{id: p.Leg, party: "target"}
	w.legs[p.Leg] = l
	arrives := w.travelLocked()
	if !p.Device {
		w.callLocked(l, arrives+w.uptoLocked(80*time.Millisecond))
		return
	}
	l.party = "phone"
	if p.AutoAnswer {
		w.thereLocked(l, arrives, func() { w.answerLocked(l) })
		return
	}
	w.thereLocked(l, arrives, func() { w.tellLocked(l, Signal{Kind: SignalRinging, Status: 180}) })
	switch after := time.Second + w.uptoLocked(5*time.Second); w.rng.IntN(3) { // the agent picks up, declines, or is not there
	case 0:
		w.thereLocked(l, after, func() { w.answerLocked(l) })
	case 1:
		w.thereLocked(l, after, func() { w.endLocked(l, Signal{Kind: SignalRejected, Status: 486}) })
	}
}

// callLocked is what a target does when it is called.
func (w *raceWorld) callLocked(l *raceLeg, rings time.Duration) {
	fate := 3
	if w.fails {
		fate = w.rng.IntN(6)
	}
	refused := Signal{Kind: SignalRejected, Status: []int{486, 603, 503}[w.rng.IntN(3)]}
	if fate == 0 {
		w.thereLocked(l, rings, func() { w.endLocked(l, refused) })
		return
	}
	alert := []SignalKind{SignalRinging, SignalEarly}[w.rng.IntN(2)]
	w.thereLocked(l, rings, func() { w.tellLocked(l, Signal{Kind: alert, Status: 183}) })
	switch after := rings + w.uptoLocked(150*time.Millisecond); fate {
	case 1:
		w.thereLocked(l, after, func() { w.endLocked(l, refused) })
	case 2: // nobody is there
	default:
		w.thereLocked(l, after, func() { w.answerLocked(l) })
	}
}

// reach does f with a leg when our word has reached the other end.
func (w *raceWorld) reach(id LegID, f func(*raceLeg)) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if l := w.legs[id]; l != nil {
		w.thereLocked(l, w.travelLocked(), func() { f(l) })
	}
}

func (w *raceWorld) Answer(_ AgentID, id LegID) { w.reach(id, w.answerLocked) }

func (w *raceWorld) Reject(_ AgentID, id LegID, _ Cause) {
	w.reach(id, func(l *raceLeg) { w.endLocked(l, Signal{Kind: SignalEnded, Cause: CauseRejected}) })
}

func (w *raceWorld) Hangup(_ AgentID, id LegID, _ Cause) {
	w.reach(id, func(l *raceLeg) {
		if l.answered || l.party == "customer" {
			w.endLocked(l, Signal{Kind: SignalEnded})
		} else {
			w.endLocked(l, Signal{Kind: SignalRejected, Status: 487})
		}
	})
}

func (w *raceWorld) Reoffer(_ AgentID, id LegID, _ Direction) {
	w.reach(id, func(l *raceLeg) {
		if w.rng.IntN(2) == 0 {
			w.tellLocked(l, Signal{Kind: SignalReofferFail, Status: 491})
		} else {
			w.tellLocked(l, Signal{Kind: SignalMedia, Direction: DirectionSendRecv})
		}
	})
}

// Refer lets the customer's peer refuse, fail, succeed, or leave without a word.
func (w *raceWorld) Refer(_ AgentID, id LegID, _ Number, replaces LegID) {
	w.reach(id, func(l *raceLeg) {
		fate := w.rng.IntN(4)
		if fate == 0 {
			w.tellLocked(l, Signal{Kind: SignalReferResult, Status: 403, Final: true})
			return
		}
		w.tellLocked(l, Signal{Kind: SignalReferResult, Status: 202})
		w.thereLocked(l, w.uptoLocked(150*time.Millisecond), func() {
			if other := w.legs[replaces]; fate > 1 && other != nil && !other.over && w.rng.IntN(2) == 0 { // its place is taken
				w.endLocked(other, Signal{Kind: SignalEnded, ByPeer: true})
			}
			switch fate {
			case 1:
				w.tellLocked(l, Signal{Kind: SignalReferResult, Status: 486, Final: true})
			case 2:
				w.tellLocked(l, Signal{Kind: SignalReferResult, Status: 200, Final: true})
			case 3:
				w.endLocked(l, Signal{Kind: SignalEnded, ByPeer: true})
			}
		})
	})
}

// Patch comes into force after a while, in order.
func (w *raceWorld) Patch(_ AgentID, p Patch, done func()) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.asked++
	n := w.asked
	if want, ok := w.patches[n]; !ok || !p.equal(want) {
		w.fault("patch %d is %v, the desk's is %v", n, p, want)
	}
	at := time.Now().Add(w.travelLocked())
	if !at.After(w.applied) {
		at = w.applied.Add(time.Microsecond)
	}
	w.applied = at
	time.AfterFunc(time.Until(at), func() {
		w.lock.Lock()
		w.inForce = n
		w.lock.Unlock()
		done()
	})
}
