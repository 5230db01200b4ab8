package sipua

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
	"cordboard/sipua/resolve"
)

// core is a dialog as its goroutine sees it: everything below "owned" is touched by run alone.
type core struct {
	s        *Stack
	log      *slog.Logger
	box      *mailbox
	dialog   *Dialog
	outgoing bool
	callID   string
	localTag string
	phone    string // the other end is this phone
	trunk    *trunk
	used     atomic.Pointer[trunk] // trunk, for others
	account  *account
	mergeKey mergeKey
	public   atomic.Uint32 // callState, for others
	ended    atomic.Bool
	noInfo   atomic.Bool // the peer's Allow is without INFO
	noDigits atomic.Bool // the peer has refused digits by INFO for good
	quiet    atomic.Bool // ended, and nothing more to say or to hear an answer to

	mu        sync.Mutex
	handler   func(DialogEvent)
	early     []DialogEvent // before the handler was set
	remoteTag string

	onFarewell func(Farewell)

	// owned
	state    callState
	offers   offerMachine
	params   InviteParams
	incoming *Incoming
	timers   map[timerKind]*time.Timer
	timerGen map[timerKind]uint64
	batch    []any // taken from the mailbox, the first is being applied
	closing  bool
	lingered bool       // for twice the time: an answer to a request of ours was missing
	held     netip.Addr // of a phone: the edge knows it as long as the dialog is there
	parting  bool       // the farewell may have changed
	told     Farewell
	cut      bool // the stack closed, or a defect ended the dialog, before all was said
	orphan   *orphan

	peer     peer
	sess     *offer.Session
	local    offer.Local // our side as last wanted
	neg      offer.Negotiated
	hasNeg   bool
	wantCSeq uint32 // last CSeq of ours
	seenCSeq uint32 // last CSeq of the peer, hasSeen
	hasSeen  bool
	pending  int       // transactions of ours under way
	latest   *clientTx // our newest request: the next one goes out after it, for CSeq must rise (RFC 3261 §12.2.2)

	invite  inviteState
	server  serverState
	reoffer reofferState
	timer   sessionTimer
	refer   referState
	info    infoState

	cause     Cause
	causeText string
	status    int // final status to reject with, or that ended an outgoing call
	byPeer    bool
	last      rejection // what ended an outgoing call
	gaveUp    rejection // why we cancelled it ourselves
}

// peer is the other end of the dialog: RFC 3261 §12.
type peer struct {
	local, remote sip.Uri // From and To addresses
	localName     string
	remoteName    string
	target        sip.Uri
	routes        []sip.Uri
	flow          resolve.Target // where to send whatever the target says: phones behind NAT, connections of the peer
	allow         map[string]bool
	lastAsserted  Identity
}

type rejection struct {
	status  int
	reason  string
	after   time.Duration
	headers []Header
}

func (s *Stack) newCore(h func(DialogEvent)) *core {
	c := &core{s: s, handler: h, localTag: sip.GenerateTagN(20), timers: map[timerKind]*time.Timer{}, timerGen: map[timerKind]uint64{}}
	c.dialog = &Dialog{c}
	c.box = newMailbox(func() {
		s.wg.Add(1)
		go c.run()
	})
	c.offers.state = osOpening
	c.peer.allow = map[string]bool{}
	return c
}

func (c *core) setHandler(h func(DialogEvent)) {
	c.mu.Lock()
	early := c.early
	c.early, c.handler = nil, h
	c.mu.Unlock()
	if h == nil {
		return
	}
	for _, e := range early {
		h(e)
	}
}

func (c *core) id() DialogID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return DialogID{CallID: c.callID, LocalTag: c.localTag, RemoteTag: c.remoteTag}
}

func (c *core) matches(remoteTag string) bool { return c.id().RemoteTag == remoteTag }

func (c *core) setRemoteTag(tag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remoteTag = tag
}

func (c *core) trunkName() string {
	if c.trunk == nil {
		return ""
	}
	return c.trunk.Name
}

func (c *core) post(cmd any) { c.box.put(cmd, false) }

// emit tells the handler, outside every lock.
func (c *core) emit(e DialogEvent) {
	c.mu.Lock()
	h := c.handler
	if h == nil {
		if len(c.early) < 64 {
			c.early = append(c.early, e)
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	h(e)
}

// run applies what comes until the dialog is over, or parked: one that ended and waits for nothing but what its peer may
// still send has no goroutine until that comes or it is forgotten. A panic ends this dialog only.
func (c *core) run() {
	defer c.s.wg.Done()
	parked := false
	defer func() {
		if !parked {
			c.over()
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("dialog failed", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.cut = true
			if c.endOnce() {
				c.emit(Ended{Cause: CauseTransport, Reason: "internal error"})
			}
		}
	}()
	for !c.closing {
		<-c.box.wake
		for c.batch = c.box.take(); len(c.batch) > 0 && !c.closing; c.batch = c.batch[1:] {
			c.apply(c.batch[0])
			c.public.Store(uint32(c.state))
			if c.parting {
				c.tellFarewell()
			}
		}
		if len(c.batch) == 0 {
			c.batch = nil // what was read is not kept while parked
		}
		idle := c.state == stEnded && c.pending == 0
		c.quiet.Store(idle)
		if idle {
			c.forgetFarewell()
		}
		if idle && !c.closing {
			if parked = c.box.park(); parked { // from here c may be another goroutine's
				return
			}
		}
	}
}

// over frees all that the dialog held. Requests that it has not answered are: their transactions have no timer.
func (c *core) over() {
	for _, item := range append(c.batch, c.box.close()...) {
		if r, ok := item.(wireRequest); ok && !r.st.answered() {
			c.respond(r.st, c.answerWith(r.st, 481, ""))
		}
	}
	if c.refer.in != nil {
		c.respond(c.refer.in, c.answerWith(c.refer.in, 481, ""))
	}
	if st := c.server.st; st != nil && !st.answered() { // dropped without a word, by Forget or a defect
		st.tx.Terminate()
	}
	for _, t := range c.timers {
		t.Stop()
	}
	if c.invite.tx != nil {
		c.invite.tx.terminate()
	}
	if c.held.IsValid() {
		c.s.phones.drop(c.held)
	}
	c.endOnce()
	if !c.cut {
		c.forgetFarewell()
	}
	c.quiet.Store(true)
	c.unadopt()
	c.s.remove(c)
}

// useTrunk sets the trunk of the other end.
func (c *core) useTrunk(t *trunk) {
	c.trunk = t
	c.used.Store(t)
}

// hold lets the edge know the phone at an address until the dialog is forgotten.
func (c *core) hold(a netip.Addr) {
	c.held = a.Unmap()
	c.s.phones.hold(c.held)
}

// endOnce says that the dialog has ended: true the first time. It goes on to answer what is resent, but counts no more.
func (c *core) endOnce() bool {
	if c.ended.Swap(true) {
		return false
	}
	c.s.live.Add(-1)
	return true
}

func (c *core) apply(item any) {
	switch m := item.(type) {
	case wireInvite:
		c.onInvite(m.st)
	case wireRequest:
		c.onRequest(m.st)
	case wireAck:
		c.onAck(m.req)
	case wireCancel:
		if c.state < stAnswered { // no effect after a final answer: RFC 3261 §9.2
			c.cause, c.byPeer, c.causeText = CauseCancelled, true, reasonText(m.req)
		}
		c.input(inCancel)
	case wireSuccess:
		c.onSuccess(m.res)
	case wireReply:
		c.onReply(m)
	case wireFinal:
		c.onFinal(m.res)
	case timerFired:
		c.onTimer(m)
	case startInvite:
		c.startInvite()
	case wireClose:
		c.cut = c.state != stEnded || c.pending > 0
		if c.state != stEnded {
			c.cause = CauseShutdown
			c.end()
		}
		c.closing = true
	default:
		c.command(item)
	}
}

// input runs the call machine and does what it says.
func (c *core) input(in callInput) {
	to, acts, ok := nextCall(c.state, in)
	if !ok {
		c.log.Debug("input means nothing now", "state", c.state.String(), "input", in.String())
		return
	}
	was := c.state
	c.state = to
	c.parting = c.parting || to != was
	c.public.Store(uint32(to))
	for _, a := range acts {
		c.do(a)
	}
	if to == stEnded && was != stEnded {
		c.finish()
	}
}

func (c *core) do(a callAction) {
	switch a {
	case actResendInvite:
		c.sendInvite()
	case actEmitProvisional:
		c.emitProvisional()
	case actAck:
		c.sendAck()
	case actEstablish:
		c.establish()
	case actForkBye:
		c.closeFork()
	case actCancel:
		c.sendCancel(nil)
	case actArmCancel:
		c.arm(tmCancel, c.s.timing.timeout())
	case actDisarmCancel:
		c.disarm(tmCancel)
	case actBye:
		c.sendBye()
	case actProvisional:
		c.sendProvisional()
	case actOK:
		c.sendOK()
	case actArmAck:
		c.arm(tmAck, c.s.timing.timeout())
	case actDisarmAck:
		c.disarm(tmAck)
		c.disarm(tmResend)
	case actConfirm:
		c.confirm()
	case actReject:
		c.sendReject(c.status, c.causeText)
	case act487:
		c.sendReject(487, "")
	case act504:
		c.sendReject(504, "")
	case actOKToBye:
		c.answerBye()
	case actEmitRejected:
		c.emitRejected()
	case actEmitEnded:
		c.end()
	}
}

// end tells the handler the end, once.
func (c *core) end() {
	if !c.endOnce() {
		return
	}
	if c.cause == 0 {
		c.cause = CauseHangup
	}
	c.emit(Ended{ByPeer: c.byPeer, Cause: c.cause, Reason: c.causeText})
	c.log.Info("dialog ended", "cause", c.cause.String(), "by_peer", c.byPeer)
}

// finish lets the dialog linger as long as the peer may still send what belongs to it: late 2xx of forks to an outgoing
// INVITE, resent requests to any.
func (c *core) finish() {
	for k := range c.timers {
		if k != tmLinger && k != tmBye {
			c.disarm(k)
		}
	}
	c.arm(tmLinger, c.s.timing.timeout())
}
