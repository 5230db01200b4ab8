package sipua

// command carries out what a method of Dialog asked for.
func (c *core) command(item any) {
	switch m := item.(type) {
	case cmdDo:
		m()
	case cmdRing:
		c.doRing(m.early)
	case cmdAnswer:
		c.doAnswer(m.local)
	case cmdReject:
		c.doReject(m.status, m.reason)
	case cmdHangup:
		c.doHangup(m)
	case cmdReplaced:
		if c.state != stEnded {
			c.cause, c.gaveUp = CauseReplaced, rejection{status: 487, reason: "replaced"}
			if c.outgoing && c.state < stIncoming {
				c.input(doHangup)
			} else {
				c.status = 486
				c.input(inReplaced)
			}
		}
	case cmdReoffer:
		c.local = m.local
		c.want()
	case cmdIdentity:
		c.doIdentity(m.who)
	case cmdDigit:
		c.doDigit(m)
	case cmdRefer:
		c.doRefer(m.target, m.replaces)
	case cmdReferAnswer:
		c.answerRefer(m)
	}
}

func (c *core) doHangup(m cmdHangup) {
	if c.state == stEnded {
		return
	}
	c.cause, c.causeText, c.byPeer = CauseHangup, m.reason, false
	if c.gaveUp.status == 0 {
		c.gaveUp = rejection{status: 487, reason: "cancelled"}
	}
	if m.cause != 0 {
		c.cause = m.cause
	}
	if c.status == 0 {
		c.status = 480
	}
	if c.state == stIncoming || c.state == stRinging || c.state == stAnswerWaits {
		if m.cause == 0 {
			c.cause = CauseRejected
		}
	}
	c.input(doHangup)
}
