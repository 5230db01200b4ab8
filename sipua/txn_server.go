package sipua

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// serverTx is one request of a peer: sipgo's transaction, fed in wire order and answered from the dialog.
type serverTx struct {
	key  string
	req  *sip.Request
	tx   *sip.ServerTx
	dest string // where answers go: RFC 3261 §18.2.2, RFC 3581 §4
	t    *transactions

	// guarded by transactions.mu
	status int           // last status sent
	last   *sip.Response // answer to a CANCEL
	dead   bool          // acknowledged: only absorbs what comes late
}

// accept makes the transaction of a new request, or returns nil when the request belongs to one that exists (it was
// resent, and has been answered again).
func (t *transactions) accept(req *sip.Request) (*serverTx, error) {
	key, err := serverKey(req, req.Method)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	if old := t.servers[key]; old != nil {
		dead, cancelled := old.dead, old.last
		t.mu.Unlock()
		switch {
		case dead:
		case cancelled != nil:
			_ = old.tx.Respond(cancelled)
		default:
			_ = old.tx.Receive(req)
		}
		return nil, nil
	}
	full := t.closed || len(t.servers) >= maxServerTx
	t.mu.Unlock()
	if full {
		return nil, errClosed
	}
	network, addr := lower(req.Transport()), req.Source()
	if network == "udp" { // the socket it came by
		addr = req.Laddr.String()
	}
	conn, err := t.tpl.GetConnection(network, addr)
	if err != nil {
		return nil, fmt.Errorf("no connection to answer on: %w", err)
	}
	st := &serverTx{key: key, req: req, dest: answerTo(req), t: t}
	st.tx = sip.NewServerTx(key, req, conn, t.log)
	if err := st.tx.Init(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.servers[key] = st
	t.mu.Unlock()
	if !st.tx.OnTerminate(func(string, error) { t.forget(st) }) {
		t.forget(st)
	}
	return st, nil
}

// maxServerTx bounds the transactions that peers can make us keep.
const maxServerTx = 100_000

func (t *transactions) forget(st *serverTx) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !st.dead && t.servers[st.key] == st {
		delete(t.servers, st.key)
	}
}

// find returns the INVITE transaction that an ACK or CANCEL belongs to.
func (t *transactions) find(req *sip.Request) *serverTx {
	key, err := serverKey(req, sip.INVITE)
	if err != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.servers[key]
}

// absorbAck takes the ACK to a final answer other than 2xx; false: it is not one.
func (t *transactions) absorbAck(req *sip.Request) bool {
	st := t.find(req)
	if st == nil {
		return false
	}
	t.mu.Lock()
	status, dead := st.status, st.dead
	if status >= 300 {
		st.dead = true
	}
	t.mu.Unlock()
	if status < 300 {
		return false
	}
	if !dead {
		st.tx.Terminate()
		t.after(sip.T4, func() { // timer I: late INVITEs and ACKs are absorbed
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.servers[st.key] == st {
				delete(t.servers, st.key)
			}
		})
	}
	return true
}

// acknowledged reports whether a final answer other than 2xx has been.
func (st *serverTx) acknowledged() bool {
	st.t.mu.Lock()
	defer st.t.mu.Unlock()
	return st.dead
}

// respond sends a response to the request.
func (st *serverTx) respond(res *sip.Response) error {
	if res.Destination() != st.dest { // not written again: sipgo may be repeating it right now
		res.SetDestination(st.dest)
	}
	st.t.mu.Lock()
	if st.status < 200 {
		st.status = res.StatusCode
	}
	cancel := st.req.Method == sip.CANCEL
	if cancel {
		st.last = res
	}
	st.t.mu.Unlock()
	if cancel { // sipgo v1.7.2 writes answers to CANCEL past the transaction, which then neither repeats them nor ends
		st.t.after(sip.Timer_J, st.tx.Terminate)
	}
	return st.tx.Respond(res)
}

// answered says that a final answer was sent.
func (st *serverTx) answered() bool {
	st.t.mu.Lock()
	defer st.t.mu.Unlock()
	return st.status >= 200
}

// answerTo is where responses go: the source, at the port of Via unless rport is given (RFC 3261 §18.2.2, RFC 3581 §4).
// Behind a NAT without rport the source's own port is the better guess when Via names a private host other than it.
func answerTo(req *sip.Request) string {
	src := req.Source()
	via := req.Via()
	if via == nil || sip.IsReliable(lower(req.Transport())) {
		return src
	}
	if _, ok := via.Params.Get("rport"); ok {
		return src
	}
	host, _, err := sip.ParseAddr(src)
	if err != nil || host != via.Host {
		return src
	}
	port := via.Port
	if port <= 0 || port > 65535 {
		port = sip.DefaultUdpPort
	}
	return joinHostPort(host, port)
}

// serverKey matches requests to transactions: RFC 3261 §17.2.3, both forms.
func serverKey(req *sip.Request, method sip.RequestMethod) (string, error) {
	via, cseq := req.Via(), req.CSeq()
	if via == nil || cseq == nil {
		return "", errMalformed
	}
	branch, _ := via.Params.Get("branch")
	if len(branch) > len(sip.RFC3261BranchMagicCookie) && strings.HasPrefix(branch, sip.RFC3261BranchMagicCookie) {
		return lower(branch) + "|" + lower(via.Host) + "|" + strconv.Itoa(via.Port) + "|" + string(method), nil
	}
	from, id := req.From(), req.CallID()
	if from == nil || id == nil {
		return "", errMalformed
	}
	tag, _ := from.Params.Get("tag")
	return strings.Join([]string{tag, id.Value(), strconv.FormatUint(uint64(cseq.SeqNo), 10), via.Value(), string(method)}, "|"), nil
}

// after runs f later; f must be harmless once the layer is closed.
func (t *transactions) after(d time.Duration, f func()) { time.AfterFunc(d, f) }
