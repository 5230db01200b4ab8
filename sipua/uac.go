package sipua

import (
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
	"cordboard/sipua/offer"
	"cordboard/sipua/resolve"
)

// inviteState is an outgoing INVITE under way.
type inviteState struct {
	tx      *clientTx
	p       *pendingTx
	exch    *digest.Exchange
	targets []resolve.Target // still to try: RFC 3263 §4.3
	recip   sip.Uri
	routes  []sip.Uri
	expires time.Duration // Session-Expires asked for
	minSE   time.Duration
	raised  bool // a 422 was followed once
	heard   bool // somebody rings, or at least more than 100 came
	forks   map[string]*fork
	now     *fork         // branch of the response being handled
	res     *sip.Response // that response
	ack     *sip.Request  // of the branch that counts
	head    string        // of the INVITE, for the farewell
	hop     Hop           // where it went
}

// fork is one branch of a forked INVITE: an early dialog of its own (RFC 3261 §12.1.2).
type fork struct {
	tag     string
	target  sip.Uri
	routes  []sip.Uri
	rseq    uint32
	sess    *offer.Session
	neg     offer.Negotiated
	hasNeg  bool
	answer  []byte // our answer to the peer's offer in a reliable 1xx, or in its 2xx
	byeSent bool
}

type startInvite struct{}

// Invite starts a call and returns at once; everything follows as events in order on h, ending with Rejected or Ended.
func (s *Stack) Invite(p InviteParams, h func(DialogEvent)) *Dialog {
	c := s.newCore(h)
	c.outgoing, c.callID, c.params, c.onFarewell = true, newCallID(), p, p.OnFarewell
	c.state = stCalling
	c.public.Store(uint32(stCalling))
	c.log = s.log.With("call_id", c.callID)
	s.mu.Lock()
	if s.closed || s.stopping.Load() {
		s.mu.Unlock()
		c.ended.Store(true)
		c.box.close()
		go c.emit(Rejected{Reason: errClosed.Error()})
		return c.dialog
	}
	s.dialogs[dialogKey{c.callID, c.localTag}] = c.dialog
	s.live.Add(1)
	s.wg.Add(1)
	s.mu.Unlock()
	c.box.put(startInvite{}, false)
	go c.run()
	return c.dialog
}

func (c *core) startInvite() {
	if c.state != stCalling {
		return
	}
	if err := c.prepareInvite(); err != nil {
		c.last = rejection{reason: err.Error()}
		c.input(inTimeout)
		return
	}
	if c.params.Offer != nil {
		c.local = *c.params.Offer
	} else {
		c.local = *c.params.Answer
	}
	c.sess = offer.NewSession("cordboard")
	c.invite.forks = map[string]*fork{}
	c.wantCSeq = 0
	wait := c.params.NoAnswer
	if wait <= 0 {
		wait = c.s.cfg.NoAnswer
	}
	c.arm(tmNoAnswer, wait)
	c.sendInvite()
}

// prepareInvite decides the parties, the Request-URI and where to send.
func (c *core) prepareInvite() error {
	p := c.params
	if err := p.validate(); err != nil {
		return err
	}
	c.invite.expires, c.invite.minSE = c.s.cfg.SessionExpires, c.s.cfg.MinSE
	if p.Phone != "" {
		return c.preparePhone(p)
	}
	t := c.s.peers.named(p.Trunk)
	if t == nil {
		return ErrNoTrunk
	}
	c.useTrunk(t)
	if t.SessionExpires != 0 {
		c.invite.expires = t.SessionExpires
	}
	domain := t.Domain
	from := sip.Uri{Scheme: "sip", Host: domain, User: escapeUser(p.From.Number)}
	if p.Line != "" {
		if c.account = t.lines[p.Line]; c.account == nil {
			return ErrNoLine
		}
		if p.From.Number == "" {
			from.User = escapeUser(c.account.User)
		}
		if p.From.Display == "" {
			c.peer.localName = c.account.Display
		}
	}
	if p.From.Display != "" {
		c.peer.localName = p.From.Display
	}
	to := sip.Uri{Scheme: "sip", User: escapeUser(p.To.User), Host: p.To.Host, Port: int(p.To.Port)}
	if to.Host == "" {
		to.Host = domain
	}
	if p.From.Private { // RFC 3323 §4.1.1.3
		from, c.peer.localName = sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}, "Anonymous"
	}
	c.peer.local, c.peer.remote, c.peer.remoteName = from, to, p.ToDisplay
	c.invite.recip = to
	targets, err := c.s.resolve(sipURI(t.hop()))
	if err != nil {
		return err
	}
	c.s.peers.learn(t, targets)
	c.invite.routes, c.invite.targets = c.registeredRoute(targets)
	return nil
}

func (c *core) preparePhone(p InviteParams) error {
	b, err := c.s.contactOf(p)
	if err != nil {
		return err
	}
	c.phone = p.Phone
	var contact sip.Uri
	if err := sip.ParseUri(b.Contact, &contact); err != nil {
		return err
	}
	c.invite.recip = contact
	c.invite.routes = uris(b.Path)
	if b.Flow.Remote.IsValid() {
		c.peer.flow = resolve.Target{Transport: b.Flow.Network, Addr: b.Flow.Remote}
		c.invite.targets = []resolve.Target{c.peer.flow}
	} else {
		targets, err := c.s.resolve(contact)
		if err != nil {
			return err
		}
		c.invite.targets = targets
	}
	c.hold(c.invite.targets[0].Addr.Addr())
	host, _, _ := c.s.via(c.invite.targets[0].Transport, c.invite.targets[0].Addr.Addr())
	if p.From.Host != "" {
		host = p.From.Host
	}
	c.peer.local = sip.Uri{Scheme: "sip", User: escapeUser(p.From.Number), Host: host}
	c.peer.localName = p.From.Display
	c.peer.remote = sip.Uri{Scheme: "sip", User: escapeUser(p.Phone), Host: host}
	c.peer.remoteName = p.ToDisplay
	return nil
}

func trimAngle(s string) string {
	if len(s) > 1 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}

func sipURI(u URI) sip.Uri {
	out := sip.Uri{Scheme: u.Scheme, User: escapeUser(u.User), Host: u.Host, Port: int(u.Port)}
	if out.Scheme == "" {
		out.Scheme = "sip"
	}
	if u.Transport != "" {
		out.UriParams.Add("transport", u.Transport)
	}
	return out
}

// sendInvite sends the INVITE, for the first time or again.
func (c *core) sendInvite() {
	c.peer.target, c.peer.routes = c.invite.recip, c.invite.routes
	c.setRemoteTag("")
	req := c.newRequest(sip.INVITE)
	c.inviteHeaders(req)
	if c.params.Offer != nil {
		setSDP(req, c.sess.Offer(c.local))
	} else {
		req.SetBody(nil)
	}
	if c.invite.exch == nil {
		c.invite.exch = c.authExchange(sip.INVITE, req.Recipient.String())
	}
	p := &pendingTx{req: req, target: c.invite.targets[0], exch: c.invite.exch, invite: true}
	c.invite.p = p
	clear(c.invite.forks)
	c.launch(p)
	c.invite.tx = p.tx
}

func (c *core) inviteHeaders(req *sip.Request) {
	addHeader(req, "Allow", c.s.allow())
	addHeader(req, "Supported", supportedExt)
	if c.invite.expires > 0 {
		addHeader(req, "Session-Expires", strconv.Itoa(int(max(c.invite.expires, c.invite.minSE)/time.Second)))
		addHeader(req, "Min-SE", strconv.Itoa(int(c.invite.minSE/time.Second)))
	}
	who := c.params.From
	if c.params.OnBehalf.Number != "" {
		who = c.params.OnBehalf
		who.Private = who.Private || c.params.From.Private
	}
	c.identityHeaders(req, who)
	if c.params.AutoAnswer {
		addHeader(req, "Call-Info", "<sip:"+c.domain()+">;answer-after=0")
		addHeader(req, "Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0")
		addHeader(req, "Answer-Mode", "Auto")
	}
	if r := c.params.Replaces; r != nil {
		addHeader(req, "Replaces", replacesValue(*r))
		addHeader(req, "Require", "replaces")
	}
	for _, h := range c.params.Headers {
		addHeader(req, h.Name, h.Value)
	}
}

// onInviteReply takes a response to the INVITE, or its failure.
func (c *core) onInviteReply(p *pendingTx, res *sip.Response, err error) {
	if p != c.invite.p {
		return // of an INVITE that was sent again since
	}
	if err != nil {
		c.inviteUnanswered(p, err)
		return
	}
	c.invite.res = res
	if c.state == stCalling || c.state == stCancelQueued {
		c.noteInvite(p)
	}
	switch {
	case res.StatusCode == 100:
		c.input(inTrying)
	case res.StatusCode < 200:
		c.onProvisional(res)
	case res.StatusCode < 300:
		c.onSuccess(res)
	default:
		c.onFailure(p, res)
	}
}

func (c *core) inviteUnanswered(p *pendingTx, err error) {
	c.s.targets.MarkDead(p.target, 0)
	if c.failover() {
		return
	}
	c.last = rejection{status: 408, reason: "no answer"}
	if !errors.Is(err, errNoAnswer) {
		c.last = rejection{reason: "transport: " + err.Error()}
	}
	c.input(inTimeout)
}

// failover tries the next address, RFC 3263 §4.3, unless the call has got somewhere already: a 100 is of the server alone.
func (c *core) failover() bool {
	if len(c.invite.targets) < 2 || c.invite.heard || c.state != stCalling && c.state != stProceeding {
		return false
	}
	c.invite.targets = c.invite.targets[1:]
	c.input(inRetry)
	return true
}

func (c *core) onFailure(p *pendingTx, res *sip.Response) {
	c.last = rejection{status: res.StatusCode, reason: clean(res.Reason), after: retryAfter(res), headers: rejectionHeaders(res)}
	switch res.StatusCode {
	case 401, 407:
		if c.answerChallenge(c.invite.exch, res) {
			c.input(inRetry)
			return
		}
	case 422: // RFC 4028 §7.3
		if v, ok := seconds(firstValue(res, "Min-SE")); ok && !c.invite.raised && v > c.invite.minSE && v <= 24*time.Hour {
			c.invite.raised, c.invite.minSE = true, v
			c.input(inRetry)
			return
		}
	case 503:
		c.s.targets.MarkDead(p.target, c.last.after)
		if c.failover() {
			return
		}
	}
	c.input(inFailure)
}

func rejectionHeaders(res *sip.Response) []Header {
	var out []Header
	for _, name := range []string{"Reason", "Warning", "Retry-After", "Error-Info"} {
		for _, h := range res.GetHeaders(name) {
			if v := h.Value(); len(out) < 8 && len(v) <= maxHeader && cleanText(v) {
				out = append(out, Header{Name: name, Value: v})
			}
		}
	}
	return out
}

func (c *core) emitRejected() {
	if !c.endOnce() {
		return
	}
	r := c.last
	if c.gaveUp.status != 0 {
		r = c.gaveUp
	}
	c.emit(Rejected{Status: r.status, Reason: r.reason, RetryAfter: r.after, Headers: r.headers})
	c.log.Info("call not answered", "status", r.status, "reason", r.reason)
}

// clean drops what must not reach logs and events from a peer's free text.
func clean(s string) string {
	if !cleanText(s) {
		return ""
	}
	return clip(s)
}
