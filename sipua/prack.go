package sipua

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// reliable is the UAS side of RFC 3262: one provisional response at a time awaits its PRACK.
type reliable struct {
	required bool          // the peer sent Require: 100rel
	seq      uint32        // RSeq of the last one
	out      *sip.Response // not acknowledged yet
	wait     time.Duration
	elapsed  time.Duration
	next     *queued // to be sent after it, the newest
	withSDP  bool    // out carries our answer
	answered bool    // our answer went out in one: the 200 carries none
	warning  string
}

type queued struct {
	status int
	body   []byte
}

// waiting: an answer must wait, because our SDP is unacknowledged: RFC 3262 §3.
func (r *reliable) waiting() bool { return r.out != nil && r.withSDP }

// provisional sends 180 or 183, reliably if the peer requires it.
func (c *core) provisional(status int, body []byte) {
	r := &c.server.rel
	if r.required && r.out != nil {
		r.next = &queued{status, body}
		return
	}
	if r.required && r.answered {
		body = nil
	}
	res := c.answerWith(c.server.st, status, "")
	if r.required {
		if r.seq == 0 {
			r.seq = rand.Uint32N(1 << 30)
		}
		r.seq++
		addHeader(res, "Require", "100rel")
		addHeader(res, "RSeq", strconv.FormatUint(uint64(r.seq), 10))
		r.out, r.wait, r.elapsed, r.withSDP = res, c.s.timing.t1, 0, body != nil
		r.answered = r.answered || body != nil
		c.arm(tmPrack, r.wait)
	}
	setSDP(res, body)
	c.respond(c.server.st, res)
}

func (c *core) resendReliable() {
	r := &c.server.rel
	if r.out == nil || c.state == stEnded {
		return
	}
	if r.elapsed += r.wait; r.elapsed >= c.s.timing.timeout() {
		c.cause, c.causeText = firstCause(c.cause, CauseGone), "no PRACK"
		c.input(inPrackTimeout)
		return
	}
	c.respond(c.server.st, r.out)
	r.wait = min(2*r.wait, c.s.timing.timeout()-r.elapsed)
	c.arm(tmPrack, r.wait)
}

// onPrack: RFC 3262 §3.
func (c *core) onPrack(st *serverTx) {
	r := &c.server.rel
	f := strings.Fields(firstValue(st.req, "RAck"))
	match := r.out != nil && len(f) == 3 && f[0] == strconv.FormatUint(uint64(r.seq), 10) &&
		f[1] == strconv.FormatUint(uint64(c.server.st.req.CSeq().SeqNo), 10) && strings.EqualFold(f[2], "INVITE")
	if !match {
		c.respond(st, c.answerWith(st, 481, ""))
		return
	}
	res := c.answerWith(st, 200, "")
	if body, ok := sdpBody(st.req); ok && len(body) > 0 { // a new offer
		answer, n, err := c.sess.Answer(c.local, body)
		if err != nil {
			c.respond(st, c.answerWith(st, 488, ""))
			return
		}
		setSDP(res, answer)
		c.server.neg = n
	}
	r.out = nil
	c.disarm(tmPrack)
	c.respond(st, res)
	if q := r.next; q != nil && c.state == stRinging {
		r.next = nil
		c.provisional(q.status, q.body)
	}
	c.input(inPracked)
}

// sendPrack acknowledges a reliable provisional response: RFC 3262 §4.
func (c *core) sendPrack(res *sip.Response, f *fork) {
	req := c.newRequest(sip.PRACK)
	cseq := res.CSeq()
	addHeader(req, "RAck", strconv.FormatUint(uint64(f.rseq), 10)+" "+strconv.FormatUint(uint64(cseq.SeqNo), 10)+" "+string(cseq.MethodName))
	setSDP(req, f.answer)
	c.send(req, nil)
}
