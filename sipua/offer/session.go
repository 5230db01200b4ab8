package offer

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/pion/sdp/v3"
)

// Session holds the descriptions of one dialog. It is not safe for concurrent use: its dialog owns it.
type Session struct {
	user        string
	id, version uint64
	sent        string // last description sent, with version 0 in its o= line
	slots       []slot // m= lines as last agreed; nil: nothing agreed yet
	audio       int    // index of our audio in slots
	offered     *offered
	types       map[format]uint8 // payload types of our descriptions: they keep their meaning (RFC 3264 §8.3.2)
}

// offered is the last offer of ours that may still be answered.
type offered struct {
	slots []slot
	audio int
	st    stream
}

// NewSession returns a session for one dialog. user is the o= user name; anything that is not a plain word
// there becomes "-".
func NewSession(user string) *Session {
	// Some peers keep the id in 32 bits with a sign.
	return newSession(user, uint64(rand.Uint32()>>1)+1)
}

func newSession(user string, id uint64) *Session {
	return &Session{user: word(user), id: id, version: id, types: map[format]uint8{}}
}

// Offer returns our offer: the first, a later one, or one in a 200 to an INVITE without an offer. The version
// in o= rises only if the description differs from the last one sent (RFC 3264 §8).
func (s *Session) Offer(l Local) []byte {
	o := &offered{slots: s.slots, audio: s.audio, st: s.stream(l)}
	if o.slots == nil {
		o.slots = []slot{audioSlot}
	}
	s.offered = o
	s.bind(o.st.codecs)
	return s.send(describe(o.slots, o.audio, o.st), l)
}

// Answer negotiates a peer's offer and returns our answer. On an error (which maps to 488) the session stays
// as it was. An offer of ours that was still open is forgotten.
func (s *Session) Answer(l Local, remote []byte) (answer []byte, n Negotiated, err error) {
	r, err := Parse(remote)
	if err != nil {
		return nil, Negotiated{}, err
	}
	l = l.withDefaults()
	audio, n, err := answerAudio(l, r)
	if err != nil {
		return nil, Negotiated{}, err
	}
	st := stream{addr: l.Addr, port: l.Port, direction: n.Direction, ptime: l.PTime}
	mine, _ := find(l.Codecs, n.Codec.format())
	st.codecs = append(st.codecs, Codec{Name: mine.Name, PT: n.RecvPT, ClockRate: mine.ClockRate, Fmtp: mine.Fmtp})
	if n.EventRecvPT != 0 {
		rate := uint32(eventRate)
		if ev, ok := findEvent(r.Media[audio].Codecs, n.Codec.ClockRate); ok {
			rate = ev.ClockRate
		}
		st.codecs = append(st.codecs, Codec{Name: eventName, PT: n.EventRecvPT, ClockRate: rate, Fmtp: eventFmtp})
	}
	slots := make([]slot, len(r.Media))
	for i, m := range r.Media {
		slots[i] = slot{kind: m.Kind, proto: m.Proto, format: "0"}
		if len(m.Formats) > 0 {
			slots[i].format = m.Formats[0]
		}
	}
	s.slots, s.audio, s.offered = slots, audio, nil
	s.bind(st.codecs)
	return s.send(describe(slots, audio, st), l), n, nil
}

// Accept negotiates the peer's answer to our last offer. It may be called again with a newer answer to the same
// offer (a 183 and then the 200, or another branch of a forked INVITE). On an error the session stays as it was.
// ErrNoOffer says that there is no offer of ours, or the peer's own offer has been answered since.
func (s *Session) Accept(remote []byte) (Negotiated, error) {
	if s.offered == nil {
		return Negotiated{}, ErrNoOffer
	}
	r, err := Parse(remote)
	if err != nil {
		return Negotiated{}, err
	}
	n, err := acceptAudio(s.offered, r)
	if err != nil {
		return Negotiated{}, err
	}
	s.slots, s.audio = s.offered.slots, s.offered.audio
	return n, nil
}

// Rollback forgets our last offer because the peer refused it: what was agreed before it is in force again.
func (s *Session) Rollback() { s.offered = nil }

// Clone returns a copy that goes its own way: one for each dialog that a forked INVITE of ours creates.
func (s *Session) Clone() *Session {
	c := *s
	c.types = maps.Clone(s.types)
	return &c
}

// bind remembers the payload types of a description of ours. A number that the peer's offer gave another meaning is
// lost to the codec that had it.
func (s *Session) bind(codecs []Codec) {
	for _, c := range codecs {
		maps.DeleteFunc(s.types, func(_ format, pt uint8) bool { return pt == c.PT })
		s.types[c.format()] = c.PT
	}
}

// send fills in the origin and remembers the description.
func (s *Session) send(d *sdp.SessionDescription, l Local) []byte {
	d.Origin = sdp.Origin{Username: s.user, SessionID: s.id, NetworkType: "IN", AddressType: family(l.Addr), UnicastAddress: host(l.Addr)}
	if now := marshal(d); now != s.sent {
		if s.sent != "" {
			s.version++
		}
		s.sent = now
	}
	d.Origin.SessionVersion = s.version
	return []byte(marshal(d))
}

func marshal(d *sdp.SessionDescription) string {
	b, err := d.Marshal()
	if err != nil { // Marshal of pion/sdp has no failing path
		return ""
	}
	return string(b)
}

// stream returns our audio as an offer states it, each codec with the payload type it already has in this session.
func (s *Session) stream(l Local) stream {
	l = l.withDefaults()
	st := stream{addr: l.Addr, port: l.Port, direction: DirectionOf(l.Direction.Send(), l.Direction.Recv()), ptime: l.PTime}
	want := slices.Clone(l.Codecs)
	if l.EventPT != 0 {
		want = append(want, Codec{Name: eventName, PT: l.EventPT, ClockRate: eventRate, Fmtp: eventFmtp})
	}
	var taken [maxType + 1]bool
	for _, pt := range s.types {
		taken[pt] = true
	}
	for _, c := range want {
		if _, twice := find(st.codecs, c.format()); twice {
			continue
		}
		if pt, known := s.types[c.format()]; known {
			c.PT = pt
		} else if c.PT > maxType || taken[c.PT] {
			c.PT = freeType(taken)
		}
		taken[c.PT] = true
		st.codecs = append(st.codecs, c)
	}
	return st
}

func freeType(taken [maxType + 1]bool) uint8 {
	for pt := firstDynamic; pt < maxType; pt++ {
		if !taken[pt] {
			return uint8(pt)
		}
	}
	return maxType
}
