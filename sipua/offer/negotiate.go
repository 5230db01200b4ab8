package offer

import (
	"fmt"
	"net/netip"
	"strings"
)

const defaultPTime = 20

func (l Local) withDefaults() Local {
	if len(l.Codecs) == 0 {
		l.Codecs = []Codec{PCMA, PCMU}
	}
	if l.PTime == 0 {
		l.PTime = defaultPTime
	}
	l.Addr = l.Addr.Unmap()
	return l
}

// Check reports why no answer to an offer is possible with any of these codecs (none: PCMA, PCMU), whatever else the answer
// would say. A call that could only fail when it is answered need not ring. The errors are those of Answer.
func Check(remote []byte, codecs ...Codec) error {
	r, err := Parse(remote)
	if err != nil {
		return err
	}
	_, _, err = answerAudio(Local{Codecs: codecs}.withDefaults(), r)
	return err
}

// answerAudio picks the first audio line of an offer that we can take and negotiates it. If there is none, the error
// is that of the first live audio line.
func answerAudio(l Local, r Remote) (audio int, n Negotiated, err error) {
	err = ErrNoAudio
	live := 0
	for i, m := range r.Media {
		if m.Kind != "audio" || m.Port == 0 {
			continue
		}
		n, e := answerMedia(l, m)
		if e == nil {
			return i, n, nil
		}
		if live++; live == 1 {
			err = e
		}
	}
	return 0, Negotiated{}, err
}

func answerMedia(l Local, m Media) (Negotiated, error) {
	if err := usable(l.Addr, m); err != nil {
		return Negotiated{}, err
	}
	theirs, _, ok := choose(m.Codecs, l.Codecs, l.Prefer)
	if !ok {
		return Negotiated{}, ErrNoCodec
	}
	n := agree(l.Direction, l.PTime, m)
	n.Codec, n.RecvPT = theirs, theirs.PT // the answer uses the offer's numbers (RFC 3264 §6.1)
	if ev, ok := findEvent(m.Codecs, theirs.ClockRate); ok && l.EventPT != 0 {
		n.EventSendPT, n.EventRecvPT = ev.PT, ev.PT
	}
	return n, nil
}

// acceptAudio negotiates the answer to an offer of ours.
func acceptAudio(o *offered, r Remote) (Negotiated, error) {
	// Fewer lines than offered is a fault that some peers make about lines which are refused anyway.
	if len(r.Media) > len(o.slots) || len(r.Media) <= o.audio || r.Media[o.audio].Kind != "audio" {
		return Negotiated{}, fmt.Errorf("%w: %d media for %d", ErrMediaMismatch, len(r.Media), len(o.slots))
	}
	m := r.Media[o.audio]
	if m.Port == 0 {
		return Negotiated{}, fmt.Errorf("%w: refused by the answer", ErrNoAudio)
	}
	if err := usable(o.st.addr, m); err != nil {
		return Negotiated{}, err
	}
	theirs, mine, ok := choose(m.Codecs, o.st.codecs, "")
	if !ok {
		return Negotiated{}, ErrNoCodec
	}
	n := agree(o.st.direction, o.st.ptime, m)
	n.Codec, n.RecvPT = theirs, mine.PT
	if my, ok := find(o.st.codecs, format{eventName, eventRate}); ok {
		if ev, ok := find(m.Codecs, my.format()); ok {
			n.EventSendPT, n.EventRecvPT = ev.PT, my.PT
		}
	}
	return n, nil
}

// usable reports why a live audio line cannot be used, apart from its codecs.
func usable(local netip.Addr, m Media) error {
	proto := strings.ToUpper(m.Proto)
	switch {
	case strings.Contains(proto, "SAVP"):
		return fmt.Errorf("%w: %s", ErrSecureMedia, m.Proto)
	case proto != "RTP/AVP" && proto != "RTP/AVPF":
		return fmt.Errorf("%w: protocol %q", ErrNoAudio, m.Proto)
	case !m.Addr.IsValid(), m.Addr.IsMulticast(), m.Addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ErrNoAddress
	case m.Addr.IsUnspecified(), !local.IsValid(), local.IsUnspecified():
		return nil
	case m.Addr.Is4() != local.Is4():
		return ErrAddressFamily
	}
	return nil
}

// agree settles what does not depend on codecs: addresses, direction, packet time.
func agree(ours Direction, ptime int, m Media) Negotiated {
	peer := m.Direction
	if m.Addr.IsUnspecified() { // hold in the way of RFC 2543
		peer = peer.And(SendOnly)
	}
	n := Negotiated{
		Remote: netip.AddrPortFrom(m.Addr, m.Port), RemoteRTCP: m.RTCP,
		Direction: ours.And(peer.Reverse()), Peer: peer, PTime: ptime,
	}
	if m.PTime >= 10 && m.PTime <= 200 && m.PTime%10 == 0 {
		n.PTime = m.PTime
	}
	if m.MaxPTime >= 10 && n.PTime > m.MaxPTime {
		n.PTime = m.MaxPTime / 10 * 10
	}
	return n
}
