package sim

import (
	"net"
	"net/netip"
	"sync"

	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// bridge is a call from one line of the PBX to another: two dialogs, and the packets of each side passed to the other as
// they come. Each side keeps what it agreed with the PBX; hold and identity are told across.
type bridge struct {
	a, b *side // caller and called
	wg   sync.WaitGroup
}

// side is one dialog of a bridge with the socket that its packets come to.
type side struct {
	conn *net.UDPConn

	mu     sync.Mutex
	dialog *sipua.Dialog
	local  offer.Local
	media  offer.Negotiated
	talks  bool // answered
	ended  bool
}

// call rings the line and answers the caller when it answers.
func (p *PBX) call(d *sipua.Dialog, in sipua.Incoming) {
	refuse := func(status int) {
		d.Handle(func(sipua.DialogEvent) {})
		d.Reject(status, "")
	}
	a, errA := newSide(p.Addr().Addr())
	b, errB := newSide(p.Addr().Addr())
	if errA != nil || errB != nil {
		a.close()
		b.close()
		refuse(503)
		return
	}
	br := &bridge{a: a, b: b}
	br.wg.Go(func() { a.pass(b) })
	br.wg.Go(func() { b.pass(a) })
	p.workers.Go(br.wg.Wait)
	a.dialog = d
	d.Handle(br.onCaller)
	from := in.Caller
	from.Host = ""
	if from.Number == "" || !in.Privacy {
		from.Number = in.Phone
	}
	b.mu.Lock()
	local := b.local
	b.dialog = p.stack.Invite(sipua.InviteParams{Phone: in.RequestURI.User, From: from, Offer: &local}, br.onCalled)
	b.mu.Unlock()
}

func newSide(addr netip.Addr) (*side, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		return nil, err
	}
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &side{conn: conn, local: offer.Local{
		Addr: at.Addr().Unmap(), Port: at.Port(), Codecs: []offer.Codec{offer.PCMA, offer.PCMU}, EventPT: 101, PTime: 20,
	}}, nil
}

func (s *side) close() {
	if s != nil {
		s.conn.Close()
	}
}

// pass sends what comes to s on to the other side, until its socket is closed.
func (s *side) pass(other *side) {
	buf := make([]byte, 2048)
	for {
		n, _, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if n < 12 || buf[1] >= 192 && buf[1] <= 223 { // RTCP: RFC 5761 §4
			continue
		}
		other.mu.Lock()
		to := other.media
		other.mu.Unlock()
		if to.Remote.IsValid() && !to.Remote.Addr().IsUnspecified() && to.Direction.Send() {
			_, _ = other.conn.WriteToUDPAddrPort(buf[:n], to.Remote)
		}
	}
}

// agree keeps what this side negotiated.
func (s *side) agree(n offer.Negotiated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.media = n
}

func (s *side) get() *sipua.Dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialog
}

// speak makes this side take the codec that the other side has agreed: packets pass as they are.
func (s *side) speak(codec offer.Codec) offer.Local {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.local.Codecs = []offer.Codec{codec}
	return s.local
}

// redirect offers another direction.
func (s *side) redirect(dir offer.Direction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.talks || s.ended || s.local.Direction == dir {
		return
	}
	s.local.Direction = dir
	s.dialog.Reoffer(s.local)
}

// end closes this side and reports whether it was open.
func (s *side) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := !s.ended
	s.ended = true
	s.conn.Close()
	return was
}

func (br *bridge) onCaller(ev sipua.DialogEvent) { br.on(br.a, br.b, ev) }

func (br *bridge) onCalled(ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Ringing:
		br.a.get().Ring(nil)
	case sipua.Early:
		br.b.agree(e.Media)
		local := br.a.speak(static(e.Media.Codec))
		br.a.get().Ring(&local)
	case sipua.Answered:
		br.on(br.b, br.a, ev)
		br.a.get().Answer(br.a.speak(static(e.Media.Codec)))
	case sipua.Rejected:
		if br.b.end(); br.a.end() {
			br.a.get().Reject(max(e.Status, 480), "")
		}
	default:
		br.on(br.b, br.a, ev)
	}
}

// on follows one side's event at the other side.
func (br *bridge) on(at, other *side, ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Early:
		at.agree(e.Media)
	case sipua.Answered:
		at.agree(e.Media)
		at.mu.Lock()
		at.talks = true
		at.mu.Unlock()
	case sipua.Media:
		at.agree(e.Media)
		if e.ByPeer {
			other.redirect(across(e.Media))
		}
	case sipua.IdentityChanged:
		other.get().Identity(e.Identity)
	case sipua.ReferRequested:
		e.Reject(501)
	case sipua.Ended:
		if at.end(); other.end() {
			other.get().Hangup("")
		}
	}
}

// across is the direction offered to one side for what the other side wants: its hold is passed on.
func across(n offer.Negotiated) offer.Direction {
	switch {
	case n.Peer.Recv() && n.Peer.Send():
		return offer.SendRecv
	case n.Peer.Send():
		return offer.SendOnly
	case n.Peer.Recv():
		return offer.RecvOnly
	}
	return offer.Inactive
}

// static is a codec with its static payload type, which both sides then use.
func static(c offer.Codec) offer.Codec {
	if c.Name == offer.PCMU.Name {
		return offer.PCMU
	}
	return offer.PCMA
}
