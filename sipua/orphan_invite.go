package sipua

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/offer"
	"cordboard/sipua/resolve"
)

// wireFinal is a refusal of the INVITE of an orphan.
type wireFinal struct{ res *sip.Response }

// inheritInvite takes over an INVITE of ours that had no final answer. A 2xx that still comes finds the dialog, which
// acknowledges it and says BYE.
func (c *core) inheritInvite(f Farewell) error {
	req, err := f.invitation()
	if err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	c.outgoing = true
	c.params.Offer = &offer.Local{} // an offer in the 2xx is not answered: BYE follows
	c.invite.forks = map[string]*fork{}
	c.invite.recip = *req.Recipient.Clone()
	c.invite.p = &pendingTx{req: req, target: f.Peer.target(), invite: true, over: true}
	if c.orphan.watched, err = sip.ClientTxKeyMake(req); err != nil {
		return err
	}
	c.s.txns.watch(c.orphan.watched, func(res *sip.Response) { c.box.put(wireFinal{res}, true) })
	c.admit(f.Peer.Addr.Addr())
	return nil
}

// onFinal acknowledges a refusal, each time that it comes: RFC 3261 §17.1.1.3.
func (c *core) onFinal(res *sip.Response) {
	c.writeAck(ackNon2xx(c.invite.p.req, res))
	c.orphan.end(nil)
}

// cancelOrphan cancels the INVITE, by a flow or where it was sent, and sees it ended.
func (c *core) cancelOrphan(ctx context.Context, via resolve.Target) error {
	answered := make(chan error, 1)
	c.post(cmdDo(func() {
		if via.Zero() {
			via = c.cancelTarget()
		}
		c.admit(via.Addr.Addr())
		c.aim(c.invite.p.req, via)
		c.sendCancel(func(res *sip.Response, err error) { answered <- byeOutcome(res, err) })
	}))
	select {
	case <-c.orphan.ended:
		return c.orphan.err
	case err := <-answered:
		return c.cancelled(ctx, err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cancelled goes on with the answer to the CANCEL. An INVITE that is not there was never received, or has been answered; and
// if the ACK went out too, only BYE ends the call, which is known if it ever rang. A peer may also take the CANCEL of an
// answered INVITE with 200, which then has no effect (RFC 3261 §9.2): a final answer that does not come says so.
func (c *core) cancelled(ctx context.Context, err error) error {
	rang := c.orphan.farewell.RemoteTag != ""
	switch {
	case errors.Is(err, errNotThere) && rang:
		return c.byeOrphan(ctx, resolve.Target{})
	case err != nil:
		return err
	}
	if rang {
		if done, err := c.finalWithin(ctx, 4*c.s.timing.t1); done {
			return err
		}
		if c.byeOrphan(ctx, resolve.Target{}) == nil {
			return nil
		}
	}
	_, err = c.finalWithin(ctx, c.s.timing.timeout()) // RFC 3261 §9.1: then it counts as cancelled
	return err
}

// finalWithin waits for the final answer to the INVITE of an orphan.
func (c *core) finalWithin(ctx context.Context, d time.Duration) (done bool, err error) {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-c.orphan.ended:
		return true, c.orphan.err
	case <-late.C:
		return false, nil
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

// cancelTarget is where the INVITE went, or, if that was a connection which the peer had made, its Contact.
func (c *core) cancelTarget() resolve.Target {
	was := c.invite.p.target
	if c.peer.flow.Zero() || was.Transport == "udp" || c.s.connected(was) {
		return was
	}
	if targets, err := c.s.resolve(c.invite.recip); err == nil {
		return targets[0]
	}
	return was
}

// aim sends a request that has its Via already to a target.
func (c *core) aim(req *sip.Request, t resolve.Target) {
	c.s.txns.dialler.note(t)
	_, _, req.Laddr = c.s.via(t.Transport, t.Addr.Addr())
	req.SetTransport(strings.ToUpper(t.Transport))
	req.SetDestination(t.Addr.String())
}

// refuseOrBye ends an incoming call that was not acknowledged: by a final answer to its INVITE, and by BYE in case the peer
// had our 200 already, which nobody can know now. Only an ACK proves that the peer has the final answer: a BYE is answered
// by callers that ring on all the same.
func (s *Stack) refuseOrBye(ctx context.Context, c *core, f Farewell) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unanswered, left := make(chan struct{}), make(chan error, 1)
	go func() {
		c.patience(ctx, unanswered)
		left <- s.reach(ctx, f, c.byeOrphan)
	}()
	refused := s.refuseOrphan(ctx, f)
	if refused == nil {
		cancel()
		<-left
		return nil
	}
	close(unanswered)
	if err := <-left; err != nil {
		return errors.Join(refused, err)
	}
	return nil
}

// patience waits as long as an answered peer may take to acknowledge.
func (c *core) patience(ctx context.Context, unanswered <-chan struct{}) {
	wait := 4 * c.s.timing.t1
	if c.orphan.farewell.Kind == FarewellBye {
		wait = c.s.timing.t1
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-unanswered:
	case <-ctx.Done():
	}
}

// refuseOrphan answers the INVITE with 480, as often as it takes, and returns when that is acknowledged.
func (s *Stack) refuseOrphan(ctx context.Context, f Farewell) error {
	req, err := f.invitation()
	if err != nil {
		return err
	}
	if err := s.wayBack(ctx, req, f.Peer); err != nil {
		return err
	}
	st, err := s.txns.accept(req)
	if err != nil {
		return err
	}
	if st == nil {
		return errMalformed // the INVITE of another orphan
	}
	res := s.reply(req, 480, "")
	res.To().Params.Add("tag", f.LocalTag)
	addHeader(res, "Reason", reasonValue(restarted))
	if err := st.respond(res); err != nil {
		return err
	}
	select {
	case <-st.tx.Done():
	case <-ctx.Done():
		st.tx.Terminate()
	}
	if !st.acknowledged() {
		return errNoAnswer
	}
	return nil
}

// wayBack is the connection for the answer to a request: its socket, its stream, or a new one to the port of its Via
// (RFC 3261 §18.2.2).
func (s *Stack) wayBack(ctx context.Context, req *sip.Request, peer Hop) error {
	req.SetSource(peer.Addr.String())
	if peer.Network == "udp" {
		_, _, req.Laddr = s.via("udp", peer.Addr.Addr())
		return nil
	}
	if s.connected(peer.target()) {
		return nil
	}
	via := req.Via()
	to := peer.target()
	to.Name = via.Host
	to.Addr = netip.AddrPortFrom(peer.Addr.Addr(), uint16(max(via.Port, 0)))
	if to.Addr.Port() == 0 {
		to.Addr = netip.AddrPortFrom(peer.Addr.Addr(), defaultPort(peer.Network))
	}
	s.txns.dialler.note(to)
	req.SetSource(to.Addr.String())
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.txns.dialler.connect(ctx, s.tpl, peer.Network, to.Addr.String())
}
