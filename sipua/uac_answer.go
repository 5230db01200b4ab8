package sipua

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
)

// maxForks bounds the branches of one INVITE that are kept.
const maxForks = 16

// forkOf finds or makes the branch a response belongs to.
func (c *core) forkOf(res *sip.Response) *fork {
	tag := tagOf(res.To().Params)
	f := c.invite.forks[tag]
	if f == nil {
		if len(c.invite.forks) >= maxForks {
			return nil
		}
		f = &fork{tag: tag, target: c.invite.recip}
		if c.sess != nil {
			f.sess = c.sess.Clone()
		}
		if c.invite.forks == nil {
			c.invite.forks = map[string]*fork{}
		}
		c.invite.forks[tag] = f
	}
	if h := res.Contact(); h != nil && !h.Address.Wildcard && h.Address.Host != "" {
		f.target = *h.Address.Clone()
	}
	if f.routes == nil {
		f.routes = routeSet(res, true)
	}
	return f
}

// routeSet takes the Record-Route values; reversed for the UAC: RFC 3261 §12.1.
func routeSet(m sip.Message, reversed bool) []sip.Uri {
	var out []sip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok && len(out) < 32 {
			out = append(out, *rr.Address.Clone())
		}
	}
	if reversed {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// onFork runs f as if the branch were the dialog.
func (c *core) onFork(b *fork, f func()) {
	tag, target, routes := c.id().RemoteTag, c.peer.target, c.peer.routes
	c.usePeer(b)
	f()
	c.peer.target, c.peer.routes = target, routes
	c.setRemoteTag(tag)
}

func (c *core) usePeer(b *fork) {
	c.peer.target, c.peer.routes = b.target, b.routes
	c.setRemoteTag(b.tag)
	c.parting = true
}

// noteAllow keeps what the peer's newest Allow says; a message without one changes nothing.
func (c *core) noteAllow(m sip.Message) {
	methods := values(m, "Allow")
	if len(methods) == 0 {
		return
	}
	clear(c.peer.allow)
	for _, v := range methods[:min(len(methods), 64)] {
		c.peer.allow[v] = true
	}
	c.noInfo.Store(!c.peer.allow["INFO"])
}

// onProvisional takes 101–199.
func (c *core) onProvisional(res *sip.Response) {
	c.invite.now, c.invite.heard = nil, true
	c.noteAllow(res)
	if tagOf(res.To().Params) == "" {
		c.input(inProvisional)
		return
	}
	f := c.forkOf(res)
	if f == nil || c.state != stCalling && c.state != stProceeding {
		c.input(inTrying)
		return
	}
	reliable := hasToken(res, "Require", "100rel")
	if reliable {
		n, err := strconv.ParseUint(firstValue(res, "RSeq"), 10, 32)
		if err != nil || f.rseq != 0 && uint32(n) != f.rseq+1 { // seen, or ahead of one that is lost: RFC 3262 §4
			c.input(inTrying)
			return
		}
		f.rseq = uint32(n)
	}
	media := c.earlyMedia(f, res, reliable)
	if reliable {
		c.onFork(f, func() { c.sendPrack(res, f) })
	}
	c.usePeer(f) // the newest branch speaks, until one answers
	if media {
		c.invite.now = f
	}
	c.input(inProvisional)
}

// earlyMedia takes the session description of a provisional response; true: there is new early media.
func (c *core) earlyMedia(f *fork, res *sip.Response, reliable bool) bool {
	body, ok := sdpBody(res)
	if !ok || len(body) == 0 {
		return false
	}
	var n offer.Negotiated
	var err error
	switch {
	case c.params.Offer != nil:
		n, err = f.sess.Accept(body)
	case reliable && f.answer == nil: // the peer's offer: we answer in the PRACK
		f.answer, n, err = f.sess.Answer(c.local, body)
	default:
		return false
	}
	if err != nil {
		c.log.Debug("early media not usable", "error", err)
		return false
	}
	again := f.hasNeg && f.neg == n
	f.neg, f.hasNeg = n, true
	return !again || c.invite.now != f
}

func (c *core) emitProvisional() {
	status := c.invite.res.StatusCode
	if f := c.invite.now; f != nil {
		c.emit(Early{Status: status, Media: f.neg})
		return
	}
	c.emit(Ringing{Status: status})
}

// onSuccess takes a 2xx to an INVITE of ours: the first, one that comes again, or one of another branch.
func (c *core) onSuccess(res *sip.Response) {
	if c.reoffer.ack != nil && res.CSeq().SeqNo == c.reoffer.ackSeq {
		c.writeAck(c.reoffer.ack)
		return
	}
	if !c.outgoing || c.invite.p == nil || res.CSeq().SeqNo != c.invite.p.req.CSeq().SeqNo {
		return
	}
	tag := tagOf(res.To().Params)
	confirmed := c.invite.ack != nil
	if confirmed && c.state == stEstablished && tag == c.id().RemoteTag {
		c.input(inSuccess)
		return
	}
	f := c.forkOf(res)
	if f == nil {
		return
	}
	c.invite.now, c.invite.res = f, res
	if confirmed || c.state == stEnded {
		c.input(inForkSuccess)
		return
	}
	c.usePeer(f)
	c.noteAllow(res)
	c.input(inSuccess)
}

// sendAck acknowledges the 2xx that counts; resent as it was when the 2xx comes again.
func (c *core) sendAck() {
	if c.invite.ack == nil {
		c.invite.ack = c.ackFor(c.invite.now, c.invite.res)
		c.tellFarewell() // before it leaves: without it the peer says its 2xx again, by which the next life learns of it
	}
	c.writeAck(c.invite.ack)
}

// ackFor builds the ACK of a branch: RFC 3261 §13.2.2.4. It carries our answer when the 2xx carried the offer.
func (c *core) ackFor(f *fork, res *sip.Response) *sip.Request {
	var body []byte
	if c.params.Offer == nil && f.answer == nil {
		if sdp, ok := sdpBody(res); ok && len(sdp) > 0 {
			var err error
			f.answer, f.neg, err = f.sess.Answer(c.local, sdp)
			f.hasNeg = err == nil
			body = f.answer
		}
	}
	ack := c.newRequest(sip.ACK)
	ack.AppendHeader(&sip.CSeqHeader{SeqNo: c.invite.p.req.CSeq().SeqNo, MethodName: sip.ACK})
	for _, name := range []string{"Authorization", "Proxy-Authorization"} { // RFC 3261 §22.1
		sip.CopyHeaders(name, c.invite.p.req, ack)
	}
	setSDP(ack, body)
	c.routeAck(ack)
	return ack
}

// routeAck gives an ACK its Via; without a route it gets none, and writeAck leaves it.
func (c *core) routeAck(ack *sip.Request) {
	target, err := c.nextHop(ack)
	if err != nil {
		c.log.Warn("no route for ACK", "error", err)
		return
	}
	c.s.route(ack, target)
}

func (c *core) writeAck(ack *sip.Request) {
	if ack.Via() == nil {
		return
	}
	if err := c.s.txns.write(ack); err != nil {
		c.log.Warn("ACK not sent", "error", err)
	}
}

// establish takes the answer and tells the handler.
func (c *core) establish() {
	f := c.invite.now
	c.disarm(tmNoAnswer)
	body, ok := sdpBody(c.invite.res)
	switch {
	case !ok:
		f.hasNeg = false
	case c.params.Offer != nil && len(body) > 0:
		n, err := f.sess.Accept(body)
		if err != nil {
			c.log.Info("answer not usable", "error", err)
		}
		f.neg, f.hasNeg = n, err == nil
	}
	c.sess = f.sess
	if !f.hasNeg {
		c.cause, c.causeText = CauseNoMedia, "no usable answer"
		c.input(inMediaFailed)
		return
	}
	c.neg, c.hasNeg = f.neg, true
	c.startSession(agreeSession(sessionOf(c.invite.res), c.invite.expires))
	c.log.Info("call answered", "remote_media", f.neg.Remote.String())
	c.emit(Answered{Media: f.neg})
	c.offerInput(oiSettled)
	c.offerInput(oiConfirmed)
}

// closeFork ends a branch that answered too late: ACK, then BYE once.
func (c *core) closeFork() {
	f := c.invite.now
	if f == nil || c.invite.res == nil {
		return
	}
	c.onFork(f, func() {
		c.writeAck(c.ackFor(f, c.invite.res))
		if !f.byeSent {
			f.byeSent = true
			c.quiet.Store(false)
			c.send(c.newBye(), c.orphan.left())
		}
	})
}

func withBody(req *sip.Request, body []byte) *sip.Request {
	req.SetBody(body)
	return req
}

// sendCancel cancels the INVITE under way: RFC 3261 §9.1. done gets the answer to the CANCEL; nil: nobody asks.
func (c *core) sendCancel(done func(*sip.Response, error)) {
	inv := c.invite.p.req
	req := sip.NewRequest(sip.CANCEL, *inv.Recipient.Clone())
	req.AppendHeader(inv.Via().Clone())
	sip.CopyHeaders("Route", inv, req)
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(sip.HeaderClone(inv.From()))
	req.AppendHeader(sip.HeaderClone(inv.To()))
	req.AppendHeader(sip.HeaderClone(inv.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sip.CANCEL})
	c.addReason(req)
	req.SetBody(nil)
	req.SetTransport(inv.Transport())
	req.SetDestination(inv.Destination())
	req.Laddr = inv.Laddr
	p := &pendingTx{req: req, done: done}
	c.pending++
	p.tx = c.s.txns.start(req, nil,
		func(res *sip.Response) { c.box.put(wireReply{p: p, res: res}, res.StatusCode < 200) },
		func(err error) { c.box.put(wireReply{p: p, err: err}, false) })
}

// sendBye ends the dialog at the peer, once it has answered our NOTIFYs: a BYE must not overtake what became of its REFER.
func (c *core) sendBye() {
	if c.refer.telling > 0 {
		c.refer.bye = true
		c.arm(tmBye, 4*c.s.timing.t1)
		return
	}
	c.byeNow()
}

func (c *core) byeNow() {
	c.refer.bye = false
	c.disarm(tmBye)
	if f := c.invite.now; f != nil && f.tag == c.id().RemoteTag {
		f.byeSent = true
	}
	c.send(c.newBye(), nil)
}

func (c *core) newBye() *sip.Request {
	req := c.newRequest(sip.BYE)
	c.addReason(req)
	return withBody(req, nil)
}

// addReason says why: RFC 3326.
func (c *core) addReason(req *sip.Request) {
	if c.causeText == "" || !cleanText(c.causeText) || len(c.causeText) > 128 {
		return
	}
	addHeader(req, "Reason", reasonValue(c.causeText))
}

// reasonValue is the Reason header of a text, which may be a value already.
func reasonValue(text string) string {
	if strings.HasPrefix(text, "SIP;") {
		return text
	}
	return `SIP;cause=200;text="` + quotable(text) + `"`
}

// reasonText is the text of a Reason header, for events.
func reasonText(m sip.Message) string {
	for _, v := range values(m, "Reason") {
		if _, params := splitParams(v); params["text"] != "" {
			return clean(params["text"])
		} else if params["cause"] != "" {
			return clean(v)
		}
	}
	return ""
}
