package sipua

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// onRequest takes a request within the dialog.
func (c *core) onRequest(st *serverTx) {
	req := st.req
	if status := c.checkRequest(req); status != 0 {
		c.respond(st, c.answerWith(st, status, ""))
		return
	}
	if bad := unknownRequire(req); len(bad) > 0 {
		res := c.answerWith(st, 420, "")
		addHeader(res, "Unsupported", strings.Join(bad, ", "))
		c.respond(st, res)
		return
	}
	if req.Method == sip.BYE {
		c.onBye(st)
		return
	}
	if c.state == stEnded {
		c.respond(st, c.answerWith(st, 481, ""))
		return
	}
	switch req.Method {
	case sip.INVITE, sip.UPDATE:
		c.peerOffers(st)
	case sip.PRACK:
		c.onPrack(st)
	case sip.INFO:
		if c.s.cfg.Info == InfoRefused {
			c.notAllowed(st)
			return
		}
		c.onInfo(st)
	case sip.REFER:
		c.onRefer(st)
	case sip.NOTIFY:
		c.onNotify(st)
	case sip.OPTIONS:
		res := c.s.capabilities(req, 200)
		res.To().Params.Add("tag", c.localTag)
		c.respond(st, res)
	case sip.MESSAGE, sip.SUBSCRIBE, sip.PUBLISH, sip.REGISTER:
		c.notAllowed(st)
	default:
		c.respond(st, c.answerWith(st, 501, ""))
	}
}

func (c *core) notAllowed(st *serverTx) {
	res := c.answerWith(st, 405, "")
	addHeader(res, "Allow", c.s.allow())
	c.respond(st, res)
}

// checkRequest: the right dialog, and in order (RFC 3261 §12.2.2). 0: go on.
func (c *core) checkRequest(req *sip.Request) int {
	tag := tagOf(req.From().Params)
	if c.id().RemoteTag != tag && c.invite.forks[tag] == nil {
		return 481
	}
	seq := req.CSeq().SeqNo
	if c.hasSeen && seq <= c.seenCSeq {
		return 500
	}
	c.seenCSeq, c.hasSeen = seq, true
	return 0
}

func (c *core) onBye(st *serverTx) {
	tag := tagOf(st.req.From().Params)
	if c.state == stEnded {
		if c.refer.bye && tag == c.id().RemoteTag { // the peer was first: ours is not needed
			c.refer.bye = false
			c.disarm(tmBye)
		}
		c.respond(st, c.answerWith(st, 200, ""))
		return
	}
	if c.outgoing && c.state == stEstablished && tag != c.id().RemoteTag { // another branch ends itself
		c.respond(st, c.answerWith(st, 200, ""))
		return
	}
	c.server.bye = st
	if c.state != stHangupOnAck && !(c.outgoing && c.state < stIncoming) {
		c.cause, c.byPeer, c.causeText = CauseHangup, true, reasonText(st.req)
	}
	c.input(inBye)
	c.answerBye()
}

// refreshTarget: RFC 3261 §12.2.2, RFC 3311 §5.2.
func (c *core) refreshTarget(m interface{ Contact() *sip.ContactHeader }) {
	if h := m.Contact(); h != nil && !h.Address.Wildcard && h.Address.Host != "" {
		c.peer.target = *h.Address.Clone()
		c.parting = true
	}
}

// noteIdentity tells the handler when the peer asserts another party: RFC 3325 on trunks, phones are configured.
func (c *core) noteIdentity(req *sip.Request) {
	vals := values(req, "P-Asserted-Identity")
	if len(vals) == 0 {
		vals = values(req, "Remote-Party-ID")
	}
	if len(vals) == 0 {
		return
	}
	id, _ := parseParty(vals[0])
	if id.IsZero() || id == c.peer.lastAsserted {
		return
	}
	c.peer.lastAsserted = id
	c.emit(IdentityChanged{Identity: id})
}

// gone handles answers that say the dialog is no more: RFC 3261 §12.2.1.2. True: it is.
func (c *core) gone(res *sip.Response, err error) bool {
	if err == nil && res.StatusCode != 481 && res.StatusCode != 408 {
		return false
	}
	if c.state != stEstablished && c.state != stAnswered {
		return true
	}
	c.cause, c.byPeer, c.causeText = CauseGone, true, "the peer does not know the dialog"
	if err != nil {
		c.causeText = "no answer within the dialog"
	}
	c.input(inGone)
	return true
}

func resolveSource(req *sip.Request) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(req.Source())
	return ap
}
