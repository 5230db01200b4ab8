package sipua

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// pendingTx is a request of ours with what to do about its final answer.
type pendingTx struct {
	tx     *clientTx
	req    *sip.Request
	target resolve.Target
	exch   *digest.Exchange
	done   func(*sip.Response, error) // final answer, or no answer; not called for provisional ones
	invite bool                       // the dialog's first INVITE: every response goes to onInviteReply
	over   bool                       // the final answer has come, or none will
}

// wireReply is a response to a request of ours, or its failure.
type wireReply struct {
	p   *pendingTx
	res *sip.Response
	err error
}

// newRequest makes a request within the dialog: RFC 3261 §12.2.1.1. For ACK, CSeq is set by the caller.
func (c *core) newRequest(method sip.RequestMethod) *sip.Request {
	target, routes := *c.peer.target.Clone(), c.peer.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // strict router: RFC 2543
		first := *routes[0].Clone()
		routes = append(append([]sip.Uri(nil), routes[1:]...), target)
		target = first
	}
	req := sip.NewRequest(method, target)
	for i := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *routes[i].Clone()})
	}
	c.addDialogHeaders(req)
	return req
}

func (c *core) addDialogHeaders(req *sip.Request) {
	from := &sip.FromHeader{DisplayName: quotable(c.peer.localName), Address: *c.peer.local.Clone()}
	from.Params.Add("tag", c.localTag)
	to := &sip.ToHeader{DisplayName: quotable(c.peer.remoteName), Address: *c.peer.remote.Clone()}
	if tag := c.id().RemoteTag; tag != "" {
		to.Params.Add("tag", tag)
	}
	req.AppendHeader(from)
	req.AppendHeader(to)
	id := sip.CallIDHeader(c.callID)
	req.AppendHeader(&id)
	if req.Method != sip.ACK {
		c.wantCSeq++
		req.AppendHeader(&sip.CSeqHeader{SeqNo: c.wantCSeq, MethodName: req.Method})
	}
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	addHeader(req, "User-Agent", c.s.cfg.UserAgent)
}

// quotable makes a display name safe inside quotes.
func quotable(s string) string { return strings.NewReplacer(`"`, "'", `\`, "/").Replace(s) }

// send starts a request's transaction. done gets the final answer after authentication.
func (c *core) send(req *sip.Request, done func(*sip.Response, error)) *pendingTx {
	p := &pendingTx{req: req, done: done}
	target, err := c.nextHop(req)
	if err != nil {
		c.pending++
		c.box.put(wireReply{p: p, err: err}, false)
		return p
	}
	p.target = target
	p.exch = c.authExchange(req.Method, req.Recipient.String())
	c.launch(p)
	return p
}

// launch sends p.req as it is, with the credentials known so far.
func (c *core) launch(p *pendingTx) {
	if p.exch != nil {
		for _, h := range p.exch.Headers() {
			p.req.RemoveHeader(h.Name)
			addHeader(p.req, h.Name, h.Value)
		}
	}
	c.s.route(p.req, p.target)
	c.setContact(p.req)
	switch {
	case p.invite:
		c.noteInvite(p)
		c.tellFarewell() // before it leaves
	case c.orphan != nil:
		c.admit(p.target.Addr.Addr())
	}
	c.pending++
	p.tx = c.s.txns.start(p.req, c.latest,
		func(res *sip.Response) { c.box.put(wireReply{p: p, res: res}, res.StatusCode < 200) },
		func(err error) { c.box.put(wireReply{p: p, err: err}, false) })
	c.latest = p.tx
}

// authExchange begins digest for a request of ours; nil when we have no credentials for the peer.
func (c *core) authExchange(method sip.RequestMethod, uri string) *digest.Exchange {
	if c.account == nil {
		return nil
	}
	return c.s.credentials(c.account).Begin(string(method), uri)
}

// setContact fills in our Contact where the method makes or refreshes a target: RFC 3261 §12.1, RFC 3311 §5.1.
func (c *core) setContact(req *sip.Request) {
	req.RemoveHeader("Contact")
	switch req.Method {
	case sip.INVITE, sip.UPDATE, sip.REFER:
		to := netip.Addr{}
		if ap, err := netip.ParseAddrPort(req.Destination()); err == nil {
			to = ap.Addr()
		}
		req.AppendHeader(c.contact(lower(req.Transport()), to))
	}
}

// contact names us within this dialog.
func (c *core) contact(network string, to netip.Addr) *sip.ContactHeader {
	host, port, _ := c.s.via(network, to)
	u := sip.Uri{Scheme: "sip", User: "cordboard", Host: host, Port: port}
	if c.account != nil {
		u.User = c.account.contact
	}
	if network != "udp" {
		u.UriParams.Add("transport", network)
	}
	return &sip.ContactHeader{Address: u}
}

// onReply takes one response to a request of ours.
func (c *core) onReply(m wireReply) {
	p := m.p
	if m.res != nil && m.res.StatusCode < 200 {
		if p.invite {
			c.onInviteReply(p, m.res, nil)
		}
		return
	}
	if p.over { // the answer again, or that of another branch, while the transaction lasts
		if m.res != nil && m.res.StatusCode < 300 && p.req.IsInvite() {
			c.onSuccess(m.res)
		}
		return
	}
	p.over = true
	c.pending--
	if p.invite {
		c.onInviteReply(p, m.res, m.err)
		return
	}
	if m.res != nil && (m.res.StatusCode == 401 || m.res.StatusCode == 407) && c.authenticate(p, m.res) {
		return
	}
	if p.done != nil {
		p.done(m.res, m.err)
	}
}

// authenticate answers a challenge by sending the request again: RFC 3261 §22.2. Only a challenge that comes from the
// trunk the account belongs to is answered, and only once per nonce.
func (c *core) authenticate(p *pendingTx, res *sip.Response) bool {
	if !c.answerChallenge(p.exch, res) {
		return false
	}
	req := c.again(p.req)
	next := &pendingTx{req: req, target: p.target, exch: p.exch, done: p.done}
	c.launch(next)
	return true
}

func (c *core) answerChallenge(x *digest.Exchange, res *sip.Response) bool {
	if x == nil {
		return false
	}
	from := ""
	if src, err := netip.ParseAddrPort(res.Source()); err == nil && c.s.peers.is(src.Addr(), c.trunk) {
		from = c.trunk.Name
	}
	_, err := x.Challenge(from, res.StatusCode, rawValues(res, "WWW-Authenticate"), rawValues(res, "Proxy-Authenticate"))
	if err != nil {
		c.log.Warn("challenge not answered", "status", res.StatusCode, "error", err)
		return false
	}
	return true
}

// again copies a request for another try with the next CSeq; Via, Contact and credentials are set anew.
func (c *core) again(old *sip.Request) *sip.Request {
	req := sip.NewRequest(old.Method, *old.Recipient.Clone())
	for _, h := range old.Headers() {
		switch lower(h.Name()) {
		case "via", "contact", "authorization", "proxy-authorization", "content-length":
		case "cseq":
			c.wantCSeq++
			req.AppendHeader(&sip.CSeqHeader{SeqNo: c.wantCSeq, MethodName: req.Method})
		default:
			req.AppendHeader(sip.HeaderClone(h))
		}
	}
	req.SetBody(old.Body())
	return req
}

// nextHop is where a request goes: the flow of the peer if it has one, else the first Route, else the Request-URI
// (RFC 3261 §8.1.2, RFC 3263).
func (c *core) nextHop(req *sip.Request) (resolve.Target, error) {
	if f := c.peer.flow; !f.Zero() && (f.Transport == "udp" || c.s.connected(f)) {
		return f, nil
	}
	u := req.Recipient
	if r := req.Route(); r != nil {
		u = r.Address
	}
	targets, err := c.s.resolve(u)
	if err != nil {
		return resolve.Target{}, err
	}
	return targets[0], nil
}

// connected reports whether a stream to the target is open.
func (s *Stack) connected(t resolve.Target) bool {
	conn, err := s.tpl.GetConnection(t.Transport, t.Addr.String())
	if err != nil {
		return false
	}
	_, _ = conn.TryClose() // only the reference
	return true
}

// resolve finds the addresses of a URI. It may wait for DNS, but never long; it is called on dialogs' goroutines only.
func (s *Stack) resolve(u sip.Uri) ([]resolve.Target, error) {
	uri, err := ParseURI(u.String())
	if err != nil {
		return nil, err
	}
	if a, ok := uri.Addr(); ok {
		return []resolve.Target{{Transport: uri.network(), Addr: a, Name: uri.Host}}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	targets, err := s.targets.Resolve(ctx, resolveURI(uri))
	if err == nil && len(targets) == 0 {
		err = errors.New("no address")
	}
	return targets, err
}
