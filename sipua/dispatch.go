package sipua

import (
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/registrar"
)

// counters of what came over the wire.
type counters struct {
	strangers, malformed, merged, strayResponses, full atomic.Uint64
}

// Counters are faults of the wire since the start.
type Counters struct {
	Strangers      uint64 // requests of unknown sources, not answered
	Malformed      uint64
	Merged         uint64 // 482
	StrayResponses uint64
	MailboxFull    uint64
}

// Counters returns the counters.
func (s *Stack) Counters() Counters {
	c := &s.counters
	return Counters{c.strangers.Load(), c.malformed.Load(), c.merged.Load(), c.strayResponses.Load(), c.full.Load()}
}

// Messages of the wire as they wait in a mailbox.
type (
	wireInvite  struct{ st *serverTx }
	wireRequest struct{ st *serverTx } // in the dialog
	wireAck     struct{ req *sip.Request }
	wireCancel  struct{ req *sip.Request }
	wireSuccess struct{ res *sip.Response } // 2xx to INVITE outside its transaction: again, or of another branch
	wireClose   struct{}                    // the stack closes
)

// source says who sent a request.
type source struct {
	addr    netip.AddrPort
	network string
	trunks  []*trunk
	isPhone bool // some phone is there
}

func (src source) known() bool { return len(src.trunks) > 0 || src.isPhone }

func (s *Stack) sourceOf(req *sip.Request) source {
	src := source{network: lower(req.Transport())}
	ap, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return src
	}
	src.addr = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	src.trunks = s.peers.trunksOf(src.addr.Addr())
	_, registered := s.registrar.UserOf(s.flow(src))
	src.isPhone = registered || s.phones.has(src.addr.Addr())
	return src
}

func (s *Stack) flow(src source) registrar.Flow {
	return registrar.Flow{Network: src.network, Remote: src.addr}
}

// onMessage takes every message in the order of its socket. It never blocks: what takes time is done by dialogs.
func (s *Stack) onMessage(msg sip.Message) {
	switch m := msg.(type) {
	case *sip.Response:
		s.onResponse(m)
	case *sip.Request:
		s.onRequest(m)
	}
}

func (s *Stack) onResponse(res *sip.Response) {
	cseq := res.CSeq()
	if res.Via() == nil || cseq == nil || res.From() == nil || res.To() == nil || res.CallID() == nil || res.StatusCode < 100 || res.StatusCode > 699 {
		s.counters.malformed.Add(1)
		return
	}
	if s.txns.response(res) {
		return
	}
	if cseq.MethodName == sip.INVITE && res.IsSuccess() {
		if d := s.find(res.CallID().Value(), tagOf(res.From().Params)); d != nil {
			s.post(d, wireSuccess{res})
			return
		}
	}
	s.counters.strayResponses.Add(1)
}

func (s *Stack) post(d *Dialog, item any) {
	if !d.box.put(item, true) {
		s.counters.full.Add(1)
	}
}

func (s *Stack) find(callID, localTag string) *Dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[dialogKey{callID, localTag}]
}

func (s *Stack) onRequest(req *sip.Request) {
	restoreMethod(req)
	if !wellFormed(req) {
		s.malformedRequest(req)
		return
	}
	toTag := tagOf(req.To().Params)
	switch req.Method {
	case sip.ACK:
		if !s.txns.absorbAck(req) {
			if d := s.find(req.CallID().Value(), toTag); d != nil {
				s.post(d, wireAck{req})
			}
		}
		return
	case sip.CANCEL:
		s.onCancel(req)
		return
	}
	src := s.sourceOf(req)
	if toTag != "" {
		s.inDialog(req, src, toTag)
		return
	}
	if req.Method == sip.REGISTER {
		s.onRegister(req, src)
		return
	}
	if !src.known() && !s.isCheck(req) {
		s.counters.strangers.Add(1)
		return
	}
	st, err := s.txns.accept(req)
	if st == nil {
		if err != nil {
			s.log.Debug("request not taken", "remote", src.addr, "error", err)
		}
		return
	}
	s.outOfDialog(st, src)
}

// wellFormed checks what sipgo's parser lets pass.
func wellFormed(req *sip.Request) bool {
	cseq, from, to := req.CSeq(), req.From(), req.To()
	if req.Via() == nil || cseq == nil || from == nil || to == nil || req.CallID() == nil {
		return false
	}
	return cseq.MethodName == req.Method && req.SipVersion == "SIP/2.0" && len(req.CallID().Value()) <= 256
}

// malformedRequest answers 400 to known peers, if there is enough to answer: RFC 4475.
func (s *Stack) malformedRequest(req *sip.Request) {
	s.counters.malformed.Add(1)
	if req.Method == sip.ACK || req.Via() == nil || !s.sourceOf(req).known() {
		return
	}
	if st, err := s.txns.accept(req); st != nil && err == nil {
		_ = st.respond(s.reply(req, 400, ""))
	}
}

func (s *Stack) onCancel(req *sip.Request) {
	invite := s.txns.find(req)
	if invite == nil && !s.sourceOf(req).known() {
		s.counters.strangers.Add(1)
		return
	}
	st, _ := s.txns.accept(req)
	if st == nil {
		return
	}
	if invite == nil {
		_ = st.respond(s.reply(req, 481, ""))
		return
	}
	res := s.reply(req, 200, "")
	d := s.ofInvite(invite.req)
	if d != nil {
		if to := res.To(); to != nil { // RFC 3261 §9.2: the same tag as in the answers to the INVITE
			to.Params.Add("tag", d.localTag)
		}
	}
	_ = st.respond(res)
	if d != nil {
		s.post(d, wireCancel{req})
	}
}

// ofInvite finds the dialog that an INVITE transaction without a To tag made.
func (s *Stack) ofInvite(req *sip.Request) *Dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.merged[mergeKeyOf(req)]
	if c == nil {
		return s.dialogs[dialogKey{req.CallID().Value(), tagOf(req.To().Params)}]
	}
	return s.dialogs[dialogKey{c.callID, c.localTag}]
}

func mergeKeyOf(req *sip.Request) mergeKey {
	return mergeKey{req.CallID().Value(), tagOf(req.From().Params), req.CSeq().SeqNo}
}

func (s *Stack) inDialog(req *sip.Request, src source, toTag string) {
	d := s.find(req.CallID().Value(), toTag)
	if d == nil && !src.known() {
		s.counters.strangers.Add(1)
		return
	}
	st, _ := s.txns.accept(req)
	if st == nil {
		return
	}
	if d == nil {
		_ = st.respond(s.reply(req, 481, ""))
		return
	}
	if !d.box.put(wireRequest{st}, true) {
		s.counters.full.Add(1)
		status := 481
		if !d.ended.Load() {
			status = 503
		}
		_ = st.respond(s.reply(req, status, ""))
	}
}

func (s *Stack) onRegister(req *sip.Request, src source) {
	st, _ := s.txns.accept(req)
	if st == nil {
		return
	}
	res := s.registrar.Handle(req, s.flow(src))
	if res == nil {
		st.tx.Terminate()
		return
	}
	addHeader(res, "Server", s.cfg.UserAgent)
	_ = st.respond(res)
}

// outOfDialog answers a request of a known peer that belongs to no dialog.
func (s *Stack) outOfDialog(st *serverTx, src source) {
	req := st.req
	if bad := unknownRequire(req); len(bad) > 0 {
		res := s.reply(req, 420, "")
		addHeader(res, "Unsupported", strings.Join(bad, ", "))
		_ = st.respond(res)
		return
	}
	if sc := lower(req.Recipient.Scheme); sc != "sip" && sc != "sips" {
		_ = st.respond(s.reply(req, 416, ""))
		return
	}
	switch req.Method {
	case sip.INVITE:
		s.onInvite(st, src)
	case sip.OPTIONS:
		_ = st.respond(s.capabilities(req, 200))
	case sip.BYE, sip.UPDATE, sip.PRACK, sip.INFO, sip.NOTIFY:
		_ = st.respond(s.reply(req, 481, ""))
	case sip.REFER: // RFC 3515 outside a dialog would let anyone dial
		_ = st.respond(s.reply(req, 403, ""))
	case sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH:
		_ = st.respond(s.capabilities(req, 405))
	default:
		_ = st.respond(s.capabilities(req, 501))
	}
}

// capabilities is the answer to OPTIONS, 405 and 501: RFC 3261 §11.2.
func (s *Stack) capabilities(req *sip.Request, status int) *sip.Response {
	res := s.reply(req, status, "")
	addHeader(res, "Allow", s.allow())
	if status == 200 {
		addHeader(res, "Accept", "application/sdp")
		addHeader(res, "Accept-Encoding", "identity")
		addHeader(res, "Accept-Language", "en")
		addHeader(res, "Supported", supportedExt)
	}
	return res
}
