package sipua

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// startSession starts or restarts the session timer.
func (c *core) startSession(t sessionTimer) {
	c.timer = t
	if t.interval <= 0 {
		c.disarm(tmSession)
		return
	}
	c.arm(tmSession, t.wait())
}

// sessionDue refreshes, or gives up a peer that did not: RFC 4028 §10.
func (c *core) sessionDue() {
	if c.state != stEstablished || c.timer.interval <= 0 {
		return
	}
	if !c.timer.ours {
		c.cause, c.causeText = CauseSessionExpired, "session not refreshed"
		c.input(inExpired)
		return
	}
	c.arm(tmSession, c.timer.interval/2) // if the refresh comes to nothing the peer ends the session by then
	if !c.peer.allow["UPDATE"] {
		c.want()
		return
	}
	req := c.newRequest(sip.UPDATE)
	addHeader(req, "Supported", supportedExt)
	c.sessionRequest(req)
	c.send(withBody(req, nil), c.refreshed)
}

func (c *core) refreshed(res *sip.Response, err error) {
	if c.state != stEstablished || c.gone(res, err) {
		return
	}
	if res.StatusCode < 300 {
		c.refreshTarget(res)
		if o := sessionOf(res); o.expires != 0 {
			c.startSession(agreeSession(o, c.timer.interval))
			return
		}
		c.startSession(c.timer)
		return
	}
	if c.timer.interval <= 0 || !c.timer.ours { // an UPDATE for something else, and nothing of ours to refresh
		return
	}
	if v, ok := seconds(firstValue(res, "Min-SE")); ok && res.StatusCode == 422 && v > c.timer.interval && v <= 24*time.Hour {
		c.timer.interval = v
	}
	c.arm(tmSession, max(c.timer.interval/10, 5*time.Second))
}

// sessionRequest adds the headers to a re-INVITE or UPDATE of ours. The one who refreshes stays the same.
func (c *core) sessionRequest(req *sip.Request) {
	if c.timer.interval <= 0 {
		return
	}
	who := "uas"
	if c.timer.ours {
		who = "uac"
	}
	addHeader(req, "Session-Expires", strconv.Itoa(int(c.timer.interval/time.Second))+";refresher="+who)
	addHeader(req, "Min-SE", strconv.Itoa(int(c.s.cfg.MinSE/time.Second)))
}

// sessionHeaders adds the headers to a 2xx: RFC 4028 §9.
func (c *core) sessionHeaders(res *sip.Response, t sessionTimer, req *sip.Request) {
	if t.interval <= 0 {
		return
	}
	who := "uac"
	if t.ours {
		who = "uas"
	}
	addHeader(res, "Session-Expires", strconv.Itoa(int(t.interval/time.Second))+";refresher="+who)
	if !t.ours && sessionOf(req).supported {
		addHeader(res, "Require", "timer")
	}
}
