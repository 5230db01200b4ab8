package sipua

import (
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
)

// onInvite decides about a new INVITE of a known peer and makes its dialog.
func (s *Stack) onInvite(st *serverTx, src source) {
	req, received := st.req, time.Now()
	refuse := func(status int, name, value string) {
		res := s.reply(req, status, "")
		if name != "" {
			addHeader(res, name, value)
		}
		_ = st.respond(res)
	}
	if tagOf(req.From().Params) == "" { // RFC 2543 peers; such a dialog could not be told from others
		refuse(400, "", "")
		return
	}
	if h := req.MaxForwards(); h != nil && h.Val() == 0 { // calls go through us: RFC 3261 §16.3
		refuse(483, "", "")
		return
	}
	body, ok := sdpBody(req)
	if !ok {
		refuse(415, "Accept", "application/sdp")
		return
	}
	if o := sessionOf(req); o.expires != 0 && o.expires < s.cfg.MinSE && o.supported {
		refuse(422, "Min-SE", strconv.Itoa(int(s.cfg.MinSE/time.Second)))
		return
	}
	in, tr, acc, res := s.classify(req, src)
	if res != nil {
		_ = st.respond(res)
		return
	}
	if in == nil {
		s.counters.strangers.Add(1)
		st.tx.Terminate()
		return
	}
	if len(body) > 0 {
		if err := offer.Check(body); err != nil {
			refuse(offer.Status(err), "Warning", warning(err))
			return
		}
	}
	if status := s.replaces(req, in); status != 0 {
		refuse(status, "", "")
		return
	}
	in.Received = received
	c := s.newIncoming(st, in, tr, acc, src)
	switch status := s.add(c, mergeKeyOf(req)); {
	case status == 482:
		s.counters.merged.Add(1)
		refuse(482, "", "")
	case status != 0:
		refuse(status, "Retry-After", retryAfterLoad)
	default:
		c.box.put(wireInvite{st}, false)
	}
}

// add registers a dialog and starts its goroutine; a status refuses it.
func (s *Stack) add(c *core, key mergeKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.merged[key] != nil:
		return 482
	case s.closed || s.stopping.Load() || s.draining.Load() || s.full():
		return 503
	}
	s.merged[key], c.mergeKey = c, key
	s.dialogs[dialogKey{c.callID, c.localTag}] = c.dialog
	s.live.Add(1)
	s.wg.Add(1)
	go c.run()
	return 0
}

// retryAfterLoad is when who is refused for load may try again, seconds (RFC 3261 §20.33).
const retryAfterLoad = "10"

// full reports whether no more calls are taken. What has ended lingers for 64×T1 and is bounded on its own, so that many
// short calls do not use up the room of live ones.
func (s *Stack) full() bool {
	most := s.dialogMax.Load()
	return s.live.Load() >= most || int64(len(s.dialogs)) >= 8*most
}

func (s *Stack) remove(c *core) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.merged[c.mergeKey] == c {
		delete(s.merged, c.mergeKey)
	}
	delete(s.dialogs, dialogKey{c.callID, c.localTag})
}

// classify says who calls. in nil and res nil: a stranger, who hears nothing.
func (s *Stack) classify(req *sip.Request, src source) (in *Incoming, tr *trunk, acc *account, res *sip.Response) {
	in = &Incoming{}
	uri, err := ParseURI(req.Recipient.String())
	if err != nil {
		return nil, nil, nil, s.reply(req, 416, "")
	}
	in.RequestURI = uri
	if len(src.trunks) > 0 {
		if tr, acc = lineOf(src.trunks, uri.User); tr == nil { // a change may have put others in their place
			tr, acc = lineOf(s.peers.trunksOf(src.addr.Addr()), uri.User)
		}
		if tr == nil && src.isPhone {
			return s.classifyPhone(in, req, src)
		}
		if tr == nil {
			return nil, nil, nil, s.reply(req, 404, "")
		}
		in.Trunk = tr.Name
		if acc != nil {
			in.Line = acc.User
		}
		in.Headers = capture(req, tr.CapturePrefix)
		in.identities(req)
		return in, tr, acc, nil
	}
	return s.classifyPhone(in, req, src)
}

// lineOf finds the line an INVITE is for: by the Contact user we registered, or the line's own name.
func lineOf(trunks []*trunk, user string) (*trunk, *account) {
	trunks = slices.DeleteFunc(slices.Clone(trunks), func(t *trunk) bool { return t.left.Load() })
	for _, t := range trunks {
		if a := t.contacts[user]; a != nil {
			return t, a
		}
	}
	for _, t := range trunks {
		if a := t.lines[user]; a != nil {
			return t, a
		}
	}
	for _, t := range trunks {
		if t.AnyUser {
			return t, nil
		}
	}
	return nil, nil
}

// replaces looks up the dialog named by Replaces: RFC 3891 §3. A status refuses the INVITE.
func (s *Stack) replaces(req *sip.Request, in *Incoming) int {
	hs := req.GetHeaders("Replaces")
	if len(hs) == 0 {
		return 0
	}
	if len(hs) > 1 {
		return 400
	}
	id, early, ok := parseReplaces(hs[0].Value())
	if !ok {
		return 400
	}
	d := s.find(id.CallID, id.LocalTag)
	if d == nil || !d.matches(id.RemoteTag) || d.trunkName() != in.Trunk || d.phone != in.Phone {
		return 481
	}
	switch st := callState(d.public.Load()); {
	case st == stEnded:
		return 603
	case st == stEstablished || st == stAnswered:
		if early {
			return 486
		}
	case d.outgoing && (st == stProceeding || st == stCalling):
		in.EarlyReplaces = true
	default: // an early dialog that the peer began: RFC 3891 §3
		return 481
	}
	in.Replaces = d
	return 0
}

// parseReplaces reads "callid;to-tag=x;from-tag=y;early-only". LocalTag is the to-tag.
func parseReplaces(v string) (id DialogID, early, ok bool) {
	if len(v) > 512 || !cleanText(v) {
		return DialogID{}, false, false
	}
	value, params := splitParams(v)
	_, early = params["early-only"]
	id = DialogID{CallID: value, LocalTag: params["to-tag"], RemoteTag: params["from-tag"]}
	return id, early, id.usable()
}
