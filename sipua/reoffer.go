package sipua

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
)

// reofferState is what re-INVITEs and UPDATEs under way need.
type reofferState struct {
	ack     *sip.Request // ours to the last 2xx to a re-INVITE of ours
	ackSeq  uint32
	st      *serverTx     // the peer's request being handled
	ok      *sip.Response // our 200 to a re-INVITE, until its ACK
	okTx    *serverTx
	okSeq   uint32
	okWait  time.Duration
	okLeft  time.Duration
	noOffer bool // the 200 carries our offer
	neg     offer.Negotiated
	status  int // of a refusal
	who     *Identity
}

// want asks for an offer of c.local.
func (c *core) want() {
	if c.state == stEnded {
		return
	}
	c.offerInput(oiWant)
}

// offerInput runs the offer machine and does what it says.
func (c *core) offerInput(in offerInput) {
	to, acts := c.offers.next(in)
	c.offers = to
	for _, a := range acts {
		if c.state == stEnded {
			return
		}
		switch a {
		case oaSend:
			c.sendOffer()
		case oaTake:
			c.takeMedia(c.reoffer.neg, in == oiAnswer)
		case oaRollback:
			c.sess.Rollback()
		case oaArmRetry:
			c.arm(tmGlare, glareWait(c.outgoing))
		case oaAnswer:
			c.answerPeer()
		case oaOfferInOK:
			c.offerInOK()
		case oaRefuse491:
			c.respond(c.reoffer.st, c.answerWith(c.reoffer.st, 491, ""))
		case oaRefuse500:
			res := c.answerWith(c.reoffer.st, 500, "")
			addHeader(res, "Retry-After", strconv.Itoa(rand.IntN(11)))
			c.respond(c.reoffer.st, res)
		case oaEmitFailed:
			c.emit(ReofferFailed{Status: c.reoffer.status})
		}
	}
	if who := c.reoffer.who; who != nil && c.offers.state == osStable && c.state == stEstablished {
		c.reoffer.who = nil
		c.doIdentity(*who)
	}
}

// glareWait is RFC 3261 §14.1, in steps of 10 ms: the owner of the Call-ID waits longer.
func glareWait(owner bool) time.Duration {
	if owner {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

func (c *core) takeMedia(n offer.Negotiated, byPeer bool) {
	if c.hasNeg && c.neg == n && byPeer {
		return
	}
	c.neg, c.hasNeg = n, true
	c.emit(Media{Media: n, ByPeer: byPeer})
}

// sendOffer sends a re-INVITE with what is wanted now.
func (c *core) sendOffer() {
	req := c.newRequest(sip.INVITE)
	addHeader(req, "Allow", c.s.allow())
	addHeader(req, "Supported", supportedExt)
	c.sessionRequest(req)
	if c.reoffer.who != nil {
		c.identityHeaders(req, *c.reoffer.who)
		c.reoffer.who = nil
	}
	setSDP(req, c.sess.Offer(c.local))
	var p *pendingTx
	p = c.send(req, func(res *sip.Response, err error) { c.reofferDone(p, res, err) })
}

func (c *core) reofferDone(p *pendingTx, res *sip.Response, err error) {
	if err == nil && res.StatusCode < 300 {
		c.reofferAccepted(res)
		return
	}
	if c.state == stEnded {
		return
	}
	if err != nil {
		c.s.targets.MarkDead(p.target, 0)
	}
	if c.gone(res, err) {
		return
	}
	c.reoffer.status = res.StatusCode
	switch {
	case res.StatusCode == 491, res.StatusCode == 500 && firstValue(res, "Retry-After") != "":
		c.offerInput(oiGlare)
	case res.StatusCode == 422:
		if v, ok := seconds(firstValue(res, "Min-SE")); ok && v > c.timer.interval && v <= 24*time.Hour {
			c.timer.interval = v
			c.offerInput(oiGlare)
			return
		}
		c.offerInput(oiRefused)
	default:
		c.offerInput(oiRefused)
	}
}

// reofferAccepted acknowledges a 2xx to our re-INVITE and takes the answer.
func (c *core) reofferAccepted(res *sip.Response) {
	if c.state != stEnded {
		c.refreshTarget(res)
		c.noteAllow(res)
	}
	ack := c.newRequest(sip.ACK)
	ack.AppendHeader(&sip.CSeqHeader{SeqNo: res.CSeq().SeqNo, MethodName: sip.ACK})
	ack.SetBody(nil)
	c.routeAck(ack)
	c.reoffer.ack, c.reoffer.ackSeq = ack, res.CSeq().SeqNo
	c.writeAck(ack)
	if c.state == stEnded {
		return
	}
	body, ok := sdpBody(res)
	var err error
	if ok && len(body) > 0 {
		c.reoffer.neg, err = c.sess.Accept(body)
	}
	if !ok || len(body) == 0 || err != nil {
		c.cause, c.causeText = CauseNoMedia, "no usable answer to re-INVITE"
		c.input(inMediaFailed)
		return
	}
	if o := sessionOf(res); o.expires != 0 {
		c.startSession(agreeSession(o, c.timer.interval))
	} else {
		c.startSession(c.timer)
	}
	c.offerInput(oiOK)
}

// peerOffers takes a re-INVITE or UPDATE of the peer.
func (c *core) peerOffers(st *serverTx) {
	req := st.req
	invite := req.Method == sip.INVITE
	body, ok := sdpBody(req)
	if !ok {
		res := c.answerWith(st, 415, "")
		addHeader(res, "Accept", "application/sdp")
		c.respond(st, res)
		return
	}
	if o := sessionOf(req); o.expires != 0 && o.expires < c.s.cfg.MinSE && o.supported {
		res := c.answerWith(st, 422, "")
		addHeader(res, "Min-SE", strconv.Itoa(int(c.s.cfg.MinSE/time.Second)))
		c.respond(st, res)
		return
	}
	if invite && c.state != stEstablished { // before the first exchange is over: RFC 3261 §14.2
		res := c.answerWith(st, 500, "")
		addHeader(res, "Retry-After", strconv.Itoa(rand.IntN(11)))
		c.respond(st, res)
		return
	}
	c.reoffer.st = st
	c.noteAllow(req)
	switch {
	case len(body) > 0:
		c.offerInput(oiPeerOffer)
	case invite:
		c.offerInput(oiPeerRequest)
	default: // UPDATE without SDP: a refresh, or a new identity
		c.refreshTarget(req)
		c.acceptPeer(st, nil)
	}
	if c.state != stEnded {
		c.noteIdentity(req)
	}
}

// warning says what is wrong with a description: RFC 3261 §20.43.
func warning(err error) string {
	code, text := offer.Warning(err)
	return strconv.Itoa(code) + ` cordboard "` + quotable(text) + `"`
}

// answerPeer answers the peer's offer from our current side; a bad one gets 488 and changes nothing.
func (c *core) answerPeer() {
	st := c.reoffer.st
	body, _ := sdpBody(st.req)
	answer, n, err := c.sess.Answer(c.local, body)
	if err != nil {
		res := c.answerWith(st, offer.Status(err), "")
		addHeader(res, "Warning", warning(err))
		c.respond(st, res)
		return
	}
	c.refreshTarget(st.req)
	c.reoffer.noOffer = false
	c.acceptPeer(st, answer)
	c.takeMedia(n, true)
}

func (c *core) offerInOK() {
	c.refreshTarget(c.reoffer.st.req)
	c.reoffer.noOffer = true
	c.acceptPeer(c.reoffer.st, c.sess.Offer(c.local))
}

// acceptPeer sends the 200 to a re-INVITE or UPDATE; to a re-INVITE again and again until the ACK.
func (c *core) acceptPeer(st *serverTx, body []byte) {
	res := c.answerWith(st, 200, "")
	o := sessionOf(st.req)
	t, _ := acceptSession(o, c.timer.interval, c.s.cfg.MinSE)
	c.sessionHeaders(res, t, st.req)
	setSDP(res, body)
	c.respond(st, res)
	if c.state == stEstablished {
		c.startSession(t)
	}
	if st.req.Method != sip.INVITE {
		return
	}
	c.reoffer.ok, c.reoffer.okTx, c.reoffer.okSeq = res, st, st.req.CSeq().SeqNo
	c.reoffer.okWait, c.reoffer.okLeft = c.s.timing.t1, c.s.timing.timeout()
	c.arm(tmReResend, c.reoffer.okWait)
	c.arm(tmReAck, c.reoffer.okLeft)
}

func (c *core) resendReinviteOK() {
	if c.reoffer.ok == nil {
		return
	}
	c.respond(c.reoffer.okTx, c.reoffer.ok)
	c.reoffer.okWait = min(2*c.reoffer.okWait, c.s.timing.t2)
	c.arm(tmReResend, c.reoffer.okWait)
}

func (c *core) reinviteAcked(req *sip.Request) {
	c.reoffer.ok = nil
	c.disarm(tmReResend)
	c.disarm(tmReAck)
	if !c.reoffer.noOffer {
		return
	}
	c.reoffer.noOffer = false
	body, ok := sdpBody(req)
	var err error
	if ok && len(body) > 0 {
		c.reoffer.neg, err = c.sess.Accept(body)
	}
	if !ok || len(body) == 0 || err != nil {
		c.offerInput(oiNoAnswer)
		return
	}
	c.offerInput(oiAnswer)
}

// reinviteUnacked: RFC 3261 §14.2 with §13.3.1.4.
func (c *core) reinviteUnacked() {
	c.reoffer.ok = nil
	c.disarm(tmReResend)
	c.cause, c.causeText = CauseAckTimeout, "no ACK to re-INVITE"
	c.input(inGone)
}
