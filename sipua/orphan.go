package sipua

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/resolve"
)

// ErrFarewell is wrapped by the error about a Farewell that says too little or nothing readable.
var ErrFarewell = errors.New("farewell cannot be used")

// errNotThere is the answer of a peer that does not know the dialog.
var errNotThere = errors.New("the peer does not know the dialog")

const (
	// orphanLimit bounds EndOrphan: by then a phone has registered anew, or nothing is left of the call there either.
	orphanLimit = 60 * time.Second
	// cseqAhead is beyond what a dialog can have sent since its Farewell was told. CSeq may leave gaps: RFC 3261 §12.2.2.
	cseqAhead = 1 << 16
	restarted = "gateway restart" // in Reason: RFC 3326
)

// EndOrphan ends at the peer a dialog whose process is gone, and returns once the peer has confirmed the end or says that it
// knows of no such dialog. It needs Run, and takes 60 s at most: a phone whose connection died with the process is tried at
// its Contact, and again wherever it registers meanwhile. Errors wrap ErrFarewell, ctx's error, or tell why the peer was not
// reached.
func (s *Stack) EndOrphan(ctx context.Context, f Farewell) error {
	ctx, cancel := context.WithTimeout(ctx, orphanLimit)
	defer cancel()
	c, err := s.adopt(f)
	if err != nil {
		return err
	}
	defer c.post(cmdDo(c.letGo))
	s.learnServer(c.trunk)
	switch {
	case f.Kind == FarewellCancel:
		return s.reach(ctx, f, c.cancelOrphan)
	case f.Invite == "":
		return s.reach(ctx, f, c.byeOrphan)
	}
	return s.refuseOrBye(ctx, c, f)
}

// orphan is the part of a core that ends a dialog of an earlier process.
type orphan struct {
	farewell Farewell
	held     bool         // EndOrphan is at work
	guests   []netip.Addr // let in by the edge meanwhile
	watched  string       // key of the INVITE's transaction

	once  sync.Once
	ended chan struct{} // closed when the INVITE came to an end
	err   error
}

func (o *orphan) end(err error) {
	o.once.Do(func() {
		o.err = err
		close(o.ended)
	})
}

// left is for the answer to the BYE of a call that was answered after all; nil where nobody asks.
func (o *orphan) left() func(*sip.Response, error) {
	if o == nil {
		return nil
	}
	return func(res *sip.Response, err error) { o.end(thereOrNot(byeOutcome(res, err))) }
}

// cmdDo runs on a dialog's goroutine.
type cmdDo func()

// adopt makes a dialog, ended already, out of its farewell: it answers what the peer still sends, as any that has ended.
func (s *Stack) adopt(f Farewell) (*core, error) {
	c := s.newCore(func(DialogEvent) {})
	c.orphan = &orphan{farewell: f, held: true, ended: make(chan struct{})}
	c.log = s.log.With("call_id", clip(f.CallID))
	if err := c.inherit(f); err != nil {
		c.unadopt()
		return nil, fmt.Errorf("%w: %w", ErrFarewell, err)
	}
	c.state, c.causeText = stEnded, restarted
	c.public.Store(uint32(stEnded))
	c.ended.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stopping.Load() {
		c.unadopt()
		return nil, errClosed
	}
	s.dialogs[dialogKey{c.callID, c.localTag}] = c.dialog
	c.box.put(cmdDo(c.finish), false)
	s.wg.Add(1)
	go c.run()
	return c, nil
}

// inherit takes over the state of the dialog.
func (c *core) inherit(f Farewell) error {
	if f.CallID == "" || f.LocalTag == "" {
		return errors.New("no dialog named")
	}
	c.callID, c.localTag, c.remoteTag, c.phone = f.CallID, f.LocalTag, f.RemoteTag, f.Phone
	c.wantCSeq = min(f.CSeq, 1<<30) + cseqAhead
	if err := errors.Join(sip.ParseUri(f.Local, &c.peer.local), sip.ParseUri(f.Remote, &c.peer.remote), sip.ParseUri(f.Target, &c.peer.target)); err != nil {
		return err
	}
	if c.peer.routes = uris(f.Routes); len(c.peer.routes) != len(f.Routes) {
		return errors.New("bad route set")
	}
	if f.Flow.Addr.IsValid() {
		c.peer.flow = f.Flow.target()
	}
	if c.useTrunk(c.s.peers.named(f.Trunk)); c.trunk != nil {
		c.account = c.trunk.lines[f.Line]
	}
	if f.Kind != FarewellCancel && f.Invite != "" {
		c.admit(f.Peer.Addr.Addr())
	}
	switch {
	case f.Kind == FarewellBye && f.RemoteTag != "", f.Kind == FarewellRefuse && f.Invite != "":
		return nil
	case f.Kind == FarewellCancel:
		return c.inheritInvite(f)
	}
	return fmt.Errorf("kind %q", clip(string(f.Kind)))
}

// letGo leaves the dialog to its timer.
func (c *core) letGo() {
	c.orphan.held = false
	c.arm(tmLinger, c.s.timing.timeout())
}

// admit lets answers from an address pass the edge for as long as the orphan is here: a phone that has not registered anew
// is a stranger.
func (c *core) admit(a netip.Addr) {
	c.orphan.guests = append(c.orphan.guests, a.Unmap())
	c.s.guests.add(a.Unmap())
}

// unadopt undoes what an orphan did to the stack.
func (c *core) unadopt() {
	if c.orphan == nil {
		return
	}
	for _, a := range c.orphan.guests {
		c.s.guests.drop(a)
	}
	c.s.txns.unwatch(c.orphan.watched)
}

// learnServer sees that a trunk's server is known by its addresses: challenges from elsewhere are not answered.
func (s *Stack) learnServer(t *trunk) {
	if t == nil {
		return
	}
	if targets, err := s.resolve(sipURI(t.Server)); err == nil {
		s.peers.learn(t, targets)
	}
}

// byeOrphan says BYE, by a flow or as the dialog would go.
func (c *core) byeOrphan(ctx context.Context, via resolve.Target) error {
	said := make(chan error, 1)
	c.post(cmdDo(func() {
		if !via.Zero() {
			c.peer.flow = via
		}
		c.latest = nil // it may wait for a connection that nobody accepts
		c.send(c.newBye(), func(res *sip.Response, err error) { said <- byeOutcome(res, err) })
	}))
	select {
	case err := <-said:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// byeOutcome is nil when the peer has ended the dialog.
func byeOutcome(res *sip.Response, err error) error {
	switch {
	case err != nil:
		return err
	case res.StatusCode < 300:
		return nil
	case res.StatusCode == 481, res.StatusCode == 404, res.StatusCode == 410: // RFC 3261 §12.2.1.2
		return errNotThere
	}
	return fmt.Errorf("the peer answered %d", res.StatusCode)
}

// thereOrNot takes a dialog that is not there for ended.
func thereOrNot(err error) error {
	if errors.Is(err, errNotThere) {
		return nil
	}
	return err
}
