package sipua

import (
	"context"
	"errors"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/edge"
	"cordboard/sipua/line"
	"cordboard/sipua/resolve"
)

var (
	errNoFlow = errors.New("no connection")
	errNoPong = errors.New("keep-alive not answered")
)

// Ping keeps a flow open: by a double CRLF on a stream, and on UDP, where nothing answers that, by OPTIONS.
func (l lineSender) Ping(ctx context.Context, trunkName string, t resolve.Target, kind line.KeepAliveKind) error {
	if t.Transport != "udp" && kind != line.KeepAliveOptions {
		return l.s.pingFlow(ctx, t)
	}
	tr := l.s.peers.named(trunkName)
	if tr == nil {
		return ErrNoTrunk
	}
	req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: tr.Domain})
	l.s.fillRequest(req, tr.Domain)
	_, err := l.s.Do(ctx, req, t)
	return err
}

// pingFlow sends a ping, and closes the stream when the answer does not come: RFC 5626 §4.4.1. Many peers answer none at
// all, so one is only missed from those that announced RFC 5626 or have answered before on the same stream.
func (s *Stack) pingFlow(ctx context.Context, t resolve.Target) error {
	c := s.flowTo(t)
	if c == nil {
		return errNoFlow
	}
	pinger, ok := c.Conn.(edge.Pinger)
	if !ok {
		return errNoFlow
	}
	ping, err := pinger.Ping()
	if err != nil || !ping.Answers && !c.outbound.Load() {
		return err
	}
	select {
	case <-ping.Pong:
		return nil
	case <-ping.Gone: // its end is followed by itself
		return nil
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // we stop
		return ctx.Err()
	}
	s.targets.MarkDead(t, 0) // before anyone registers again
	s.unpool(c, t.Addr)
	_ = c.Close()
	return errNoPong
}

// noteOutbound remembers of the stream that an answer came by that its peer announced RFC 5626 (§5.4, §6).
func (s *Stack) noteOutbound(res *sip.Response, t resolve.Target) {
	if t.Transport == "udp" || !hasToken(res, "Supported", "outbound") && !hasToken(res, "k", "outbound") && !hasToken(res, "Require", "outbound") {
		return
	}
	if c := s.flowTo(t); c != nil {
		c.outbound.Store(true)
	}
}
