package sipua

import "time"

type timerKind uint8

const (
	tmAck      timerKind = iota + 1 // 64*T1 for the ACK to our 200
	tmResend                        // next copy of our 200
	tmCancel                        // 64*T1 for the final answer after CANCEL
	tmNoAnswer                      // nobody answers
	tmPrack                         // next copy of our reliable 1xx
	tmSession                       // refresh, or give up
	tmGlare                         // our offer again
	tmReAck                         // ACK to our 200 to a re-INVITE
	tmReResend                      // next copy of that 200
	tmLinger                        // the dialog is forgotten
	tmBye                           // our BYE waits no longer for the answer to a NOTIFY
)

type timerFired struct {
	kind timerKind
	gen  uint64
}

// arm starts or restarts a timer; an older one that has fired already is recognised by its generation.
func (c *core) arm(k timerKind, d time.Duration) {
	c.disarm(k)
	gen := c.timerGen[k]
	c.timers[k] = time.AfterFunc(d, func() { c.box.put(timerFired{k, gen}, false) })
}

func (c *core) disarm(k timerKind) {
	c.timerGen[k]++
	if t := c.timers[k]; t != nil {
		t.Stop()
		delete(c.timers, k)
	}
}

func (c *core) onTimer(f timerFired) {
	if c.timerGen[f.kind] != f.gen {
		return
	}
	delete(c.timers, f.kind)
	switch f.kind {
	case tmAck:
		c.cause, c.causeText = firstCause(c.cause, CauseAckTimeout), "no ACK"
		c.input(inAckTimeout)
	case tmResend:
		c.resendOK()
	case tmCancel:
		c.input(inCancelTimeout)
	case tmNoAnswer:
		c.gaveUp = rejection{status: 408, reason: "no answer"}
		c.status, c.cause = 480, CauseRejected
		c.input(inNoAnswer)
	case tmPrack:
		c.resendReliable()
	case tmSession:
		c.sessionDue()
	case tmGlare:
		c.offerInput(oiRetry)
	case tmReAck:
		c.reinviteUnacked()
	case tmReResend:
		c.resendReinviteOK()
	case tmBye:
		c.byeNow()
	case tmLinger:
		if c.orphan != nil && c.orphan.held {
			return // letGo sets it again
		}
		if c.pending > 0 && !c.lingered { // an INVITE that we cancelled may be without a final answer for ever
			c.lingered = true
			c.arm(tmLinger, c.s.timing.timeout())
			return
		}
		c.closing = true
	}
}

func firstCause(have, other Cause) Cause {
	if have != 0 {
		return have
	}
	return other
}
