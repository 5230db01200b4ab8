package sipua

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// errNoAnswer is a client transaction that timed out (RFC 3261 §17.1.1.2 timer B, §17.1.2.2 timer F); anything else that
// ends one without a final answer is a failure of the transport.
var errNoAnswer = errors.New("no answer")

// clientTx is one request of ours: sipgo's transaction, fed in wire order. Two faults of sipgo's ClientTx (v1.7.2) are
// mended here: an answer that overtakes Init leaves timer B running, and an answer ≥ 300 that comes again makes the
// caller sleep for T2 before the ACK.
type clientTx struct {
	key string
	req *sip.Request
	// onRes is called for each response, retransmissions included, in wire order on the socket's goroutine.
	onRes func(*sip.Response)
	onErr func(error)
	sent  chan struct{} // closed once the request is on the wire, or never will be

	mu    sync.Mutex
	tx    *sip.ClientTx
	final int // status of the final answer
	stop  bool
	cut   bool // the connection it was sent on has ended
}

// start sends a request in a transaction of its own, once the one before it (nil: none) is on the wire. It does not block;
// connecting is done by the transaction's goroutine, which ends with the transaction.
func (t *transactions) start(req *sip.Request, before *clientTx, onRes func(*sip.Response), onErr func(error)) *clientTx {
	key, err := sip.ClientTxKeyMake(req)
	c := &clientTx{key: key, req: req, onRes: onRes, onErr: onErr, sent: make(chan struct{})}
	t.mu.Lock()
	if t.closed {
		err = errClosed
	}
	if err != nil {
		t.mu.Unlock()
		close(c.sent)
		onErr(err)
		return c
	}
	t.clients[key] = c
	t.wg.Add(1)
	t.mu.Unlock()
	go func() {
		defer t.wg.Done()
		if before != nil {
			<-before.sent
		}
		t.run(c)
	}()
	return c
}

func (t *transactions) run(c *clientTx) {
	err := t.connect(c)
	close(c.sent)
	if err == nil {
		if t.drain(c) {
			return
		}
		err = c.tx.Err()
		if errors.Is(err, sip.ErrTransactionTimeout) {
			err = errNoAnswer
		}
	}
	t.forgetClient(c)
	c.mu.Lock()
	final := c.final
	if c.cut {
		err = errFlowLost
	}
	c.mu.Unlock()
	if final == 0 {
		c.onErr(err)
	}
}

func (t *transactions) connect(c *clientTx) error {
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	conn, err := t.dial(ctx, c.req)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tx = sip.NewClientTx(c.key, c.req, conn, t.log)
	if c.stop {
		c.tx.Terminate()
		return errClosed
	}
	if err := c.tx.Init(); err != nil {
		c.tx.Terminate()
		return err
	}
	return nil
}

func (t *transactions) forgetClient(c *clientTx) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients[c.key] == c {
		delete(t.clients, c.key)
	}
}

// drain takes the responses off sipgo's channel; they have been delivered in wire order already. done: the transaction
// only waits for its INVITE's refusal to come again (timer D), for which it needs no goroutine.
func (t *transactions) drain(c *clientTx) (done bool) {
	for {
		select {
		case res := <-c.tx.Responses():
			if c.req.IsInvite() && res.StatusCode >= 300 && c.tx.OnTerminate(func(string, error) { t.forgetClient(c) }) {
				return true
			}
		case <-c.tx.Done():
			return false
		}
	}
}

// receive feeds one response, on the socket's goroutine.
func (c *clientTx) receive(res *sip.Response) {
	c.mu.Lock()
	tx, again := c.tx, c.final != 0
	if tx == nil {
		c.mu.Unlock()
		return // an answer before the request was sent
	}
	if res.StatusCode >= 200 {
		c.final = res.StatusCode
	}
	c.mu.Unlock()
	switch {
	case again && c.req.IsInvite() && res.StatusCode >= 300:
		_ = tx.Connection().WriteMsg(ackNon2xx(c.req, res)) // lost again: the peer sends its answer again
		return
	case again && res.StatusCode < 200:
		return
	}
	if !again {
		tx.Receive(res) // before the dialog hears of it: the ACK of a refusal goes out before the next INVITE
	}
	c.onRes(res)
	if res.StatusCode >= 200 && (!c.req.IsInvite() || res.StatusCode < 300) {
		tx.Terminate() // a 2xx to INVITE is the dialog's business from here: RFC 6026 §7.2 without the timer
	}
}

// terminate gives the transaction up without telling anyone.
func (c *clientTx) terminate() {
	c.mu.Lock()
	c.stop = true
	if c.final == 0 {
		c.final = -1
	}
	tx := c.tx
	c.mu.Unlock()
	if tx != nil {
		tx.Terminate()
	}
}

// dial finds the connection for a request. A UDP request too large for one unfragmented datagram goes by TCP if the peer
// takes it (RFC 3261 §18.1.1), else whole by UDP.
func (t *transactions) dial(ctx context.Context, req *sip.Request) (sip.Connection, error) {
	if lower(req.Transport()) == "udp" && t.tcp && len(req.String()) > maxDatagram && !t.noTCP.has(req.Destination()) {
		tctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		big, laddr, port := req.Via().Transport, req.Laddr, req.Via().Port
		req.SetTransport("TCP")
		req.Via().Transport, req.Via().Port, req.Laddr = "TCP", t.tcpPort, sip.Addr{}
		if conn, err := t.connection(tctx, req, false); err == nil {
			return conn, nil
		}
		t.noTCP.add(req.Destination())
		req.SetTransport("UDP")
		req.Via().Transport, req.Via().Port, req.Laddr = big, port, laddr
	}
	return t.connection(ctx, req, false)
}

// maxDatagram is RFC 3261 §18.1.1: 1300 bytes when the path MTU is unknown.
const maxDatagram = 1300

// ackNon2xx is RFC 3261 §17.1.1.3.
func ackNon2xx(invite *sip.Request, res *sip.Response) *sip.Request {
	ack := sip.NewRequest(sip.ACK, *invite.Recipient.Clone())
	if v := invite.Via(); v != nil {
		ack.AppendHeader(v.Clone())
	}
	sip.CopyHeaders("Route", invite, ack)
	hops := sip.MaxForwardsHeader(70)
	ack.AppendHeader(&hops)
	if h := invite.From(); h != nil {
		ack.AppendHeader(sip.HeaderClone(h))
	}
	if h := res.To(); h != nil {
		ack.AppendHeader(sip.HeaderClone(h))
	}
	if h := invite.CallID(); h != nil {
		ack.AppendHeader(sip.HeaderClone(h))
	}
	if h := invite.CSeq(); h != nil {
		ack.AppendHeader(&sip.CSeqHeader{SeqNo: h.SeqNo, MethodName: sip.ACK})
	}
	ack.SetBody(nil)
	ack.SetTransport(invite.Transport())
	ack.SetDestination(invite.Destination())
	ack.Laddr = invite.Laddr
	return ack
}
