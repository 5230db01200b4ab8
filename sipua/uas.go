package sipua

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
	"cordboard/sipua/resolve"
)

// serverState is an incoming INVITE under way.
type serverState struct {
	st      *serverTx
	offer   []byte // the peer's; empty: late offer
	answer  []byte // ours, or our offer when the peer's is late
	neg     offer.Negotiated
	ring    *offer.Local
	ok      *sip.Response // 200, resent until the ACK
	okWait  time.Duration
	bye     *serverTx // BYE to be answered
	rel     reliable
	session sessionTimer
	digits  []cmdDigit // to be sent after the ACK
}

func (s *Stack) newIncoming(st *serverTx, in *Incoming, tr *trunk, acc *account, src source) *core {
	req := st.req
	c := s.newCore(nil)
	c.callID, c.account, c.phone, c.incoming = req.CallID().Value(), acc, in.Phone, in
	c.useTrunk(tr)
	c.state = stIncoming
	c.public.Store(uint32(stIncoming))
	c.log = s.log.With("call_id", clip(c.callID))
	c.remoteTag = tagOf(req.From().Params)
	c.seenCSeq, c.hasSeen = req.CSeq().SeqNo, true
	c.peer.local, c.peer.remote = *req.To().Address.Clone(), *req.From().Address.Clone()
	c.peer.localName, c.peer.remoteName = req.To().DisplayName, req.From().DisplayName
	c.peer.target = *req.From().Address.Clone()
	if h := req.Contact(); h != nil && h.Address.Host != "" {
		c.peer.target = *h.Address.Clone()
	}
	c.peer.routes = routeSet(req, false)
	c.peer.lastAsserted = in.Asserted
	// Phones sit behind NATs, and a stream is the way back as long as it stands (RFC 5923).
	if in.Phone != "" && len(c.peer.routes) == 0 || src.network != "udp" {
		c.peer.flow = resolve.Target{Transport: src.network, Addr: src.addr}
	}
	return c
}

func (c *core) onInvite(st *serverTx) {
	req := st.req
	c.server.st = st
	c.server.offer, _ = sdpBody(req)
	c.incoming.OfferSDP = len(c.server.offer) > 0
	c.noteAllow(req)
	if c.phone != "" {
		c.hold(c.s.sourceOf(req).addr.Addr())
	}
	c.sess = offer.NewSession("cordboard")
	wanted := c.s.cfg.SessionExpires
	if c.trunk != nil && c.trunk.SessionExpires != 0 {
		wanted = c.trunk.SessionExpires
	}
	c.server.session, _ = acceptSession(sessionOf(req), max(wanted, 0), c.s.cfg.MinSE)
	c.server.rel.required = hasToken(req, "Require", "100rel")
	c.arm(tmNoAnswer, c.s.cfg.NoAnswer)
	c.log.Info("call in", "trunk", c.trunkName(), "line", c.incoming.Line, "phone", c.phone)
	if c.s.deps.OnInvite == nil {
		c.doReject(480, "")
		return
	}
	c.s.deps.OnInvite(c.dialog, *c.incoming)
	c.tellFarewell() // before the peer relies on us: with 100 it sends its INVITE no more
	c.respond(st, c.s.reply(req, 100, ""))
}

// answerWith makes a response to a request within the dialog, with our tag and Contact.
func (c *core) answerWith(st *serverTx, status int, reason string) *sip.Response {
	res := c.s.reply(st.req, status, reason)
	if to := res.To(); to != nil && status > 100 {
		to.Params.Add("tag", c.localTag)
	}
	switch st.req.Method {
	case sip.INVITE, sip.UPDATE:
		if status > 100 && status < 300 {
			ap := resolveSource(st.req)
			res.AppendHeader(c.contact(lower(st.req.Transport()), ap.Addr()))
			addHeader(res, "Allow", c.s.allow())
			addHeader(res, "Supported", supportedExt)
		}
	}
	return res
}

func (c *core) respond(st *serverTx, res *sip.Response) {
	if err := st.respond(res); err != nil {
		c.log.Debug("response not sent", "status", res.StatusCode, "error", err)
	}
}

func (c *core) doRing(early *offer.Local) {
	switch c.state {
	case stIncoming, stRinging:
	default:
		return
	}
	c.server.ring = early
	c.input(doRing)
}

// sendProvisional sends 180, or 183 with our answer.
func (c *core) sendProvisional() {
	status := 180
	var body []byte
	if early := c.server.ring; early != nil && len(c.server.offer) > 0 {
		answer, n, err := c.sess.Answer(*early, c.server.offer)
		if err != nil {
			c.refuseOffer(err)
			return
		}
		c.local, c.server.answer, c.server.neg = *early, answer, n
		status, body = 183, answer
	}
	c.provisional(status, body)
	if body != nil {
		c.emit(Early{Status: status, Media: c.server.neg})
	}
}

func (c *core) refuseOffer(err error) {
	c.status, c.cause, c.causeText = offer.Status(err), CauseNoMedia, err.Error()
	if code, text := offer.Warning(err); code != 0 {
		c.server.rel.warning = strconv.Itoa(code) + ` cordboard "` + quotable(text) + `"`
	}
	c.input(doReject)
}

func (c *core) doAnswer(l offer.Local) {
	if c.state != stIncoming && c.state != stRinging {
		return
	}
	c.local = l
	switch {
	case len(c.server.offer) == 0:
		c.server.answer = c.sess.Offer(l)
	case c.server.rel.answered: // agreed already in a reliable 1xx: a second answer is not allowed
	default:
		answer, n, err := c.sess.Answer(l, c.server.offer)
		if err != nil {
			c.refuseOffer(err)
			return
		}
		c.server.answer, c.server.neg = answer, n
	}
	if c.server.rel.waiting() {
		c.input(doAnswerLater)
		return
	}
	c.input(doAnswer)
}

func (c *core) doReject(status int, reason string) {
	if status < 300 || status > 699 {
		status = 480
	}
	if c.outgoing || c.state == stAnswered || c.state == stEstablished {
		c.doHangup(cmdHangup{reason: reason})
		return
	}
	c.status, c.causeText = status, reason
	if c.cause == 0 {
		c.cause = CauseRejected
	}
	c.input(doReject)
}

func (c *core) sendReject(status int, reason string) {
	if status < 300 {
		status = 480
	}
	if !cleanText(reason) || len(reason) > 64 || c.cause == CauseNoMedia {
		reason = ""
	}
	res := c.answerWith(c.server.st, status, reason)
	if c.server.rel.warning != "" && status == 488 {
		addHeader(res, "Warning", c.server.rel.warning)
	}
	if status == 503 {
		addHeader(res, "Retry-After", retryAfterLoad)
	}
	c.respond(c.server.st, res)
}

// sendOK answers the INVITE and sends the 200 again, T1 doubling up to T2, until the ACK: RFC 3261 §13.3.1.4.
func (c *core) sendOK() {
	c.disarm(tmNoAnswer)
	c.disarm(tmPrack)
	res := c.answerWith(c.server.st, 200, "")
	c.sessionHeaders(res, c.server.session, c.server.st.req)
	if c.server.rel.answered {
		res.SetBody(nil)
	} else {
		setSDP(res, c.server.answer)
	}
	c.server.ok, c.server.okWait = res, c.s.timing.t1
	c.respond(c.server.st, res)
	c.arm(tmResend, c.server.okWait)
	if d := c.incoming.Replaces; d != nil {
		d.post(cmdReplaced{})
	}
	if len(c.server.offer) > 0 {
		c.neg, c.hasNeg = c.server.neg, true
		c.emit(Answered{Media: c.neg})
		c.offerInput(oiSettled)
	}
}

func (c *core) resendOK() {
	if c.state != stAnswered && c.state != stHangupOnAck {
		return
	}
	c.respond(c.server.st, c.server.ok)
	c.server.okWait = min(2*c.server.okWait, c.s.timing.t2)
	c.arm(tmResend, c.server.okWait)
}

// onAck takes an ACK to a 200 of ours.
func (c *core) onAck(req *sip.Request) {
	seq := req.CSeq().SeqNo
	if c.reoffer.ok != nil && seq == c.reoffer.okSeq {
		c.reinviteAcked(req)
		return
	}
	if c.server.st == nil || seq != c.server.st.req.CSeq().SeqNo || c.state != stAnswered && c.state != stHangupOnAck {
		return
	}
	if len(c.server.offer) == 0 {
		body, ok := sdpBody(req)
		var err error
		if ok && len(body) > 0 {
			c.neg, err = c.sess.Accept(body)
		}
		if !ok || len(body) == 0 || err != nil {
			c.cause, c.causeText = firstCause(c.cause, CauseNoMedia), "no usable answer in ACK"
			c.input(inAckUnusable)
			return
		}
		c.hasNeg = true
		if c.state == stAnswered {
			c.emit(Answered{Media: c.neg})
		}
	}
	c.input(inAck)
}

// confirm: the ACK came.
func (c *core) confirm() {
	c.startSession(c.server.session)
	c.offerInput(oiSettled)
	c.offerInput(oiConfirmed)
	if r := c.refer.wanted; r != nil {
		c.refer.wanted = nil
		c.doRefer(r.target, r.replaces)
	}
	for _, m := range c.server.digits {
		c.doDigit(m)
	}
	c.server.digits = nil
}

func (c *core) answerBye() {
	if st := c.server.bye; st != nil {
		c.server.bye = nil
		c.respond(st, c.answerWith(st, 200, ""))
	}
}

type cmdReplaced struct{}
