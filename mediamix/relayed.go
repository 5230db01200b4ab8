package mediamix

// pastBytes is how much relayed sound is kept: what the concealer looks back on, rounded up to frames.
const pastBytes = 3 * FrameSamples

// past is the coded sound of a slot that was relayed lately, as it came. It is decoded only when a relay ends, so that
// what was heard can go on for a moment and fade instead of breaking off.
type past struct {
	ring  [pastBytes]byte
	at    int   // where the next byte goes
	kept  int   // bytes, up to pastBytes
	age   int   // ticks since the last packet
	codec Codec // of the bytes, which the slot may have changed since
}

// Relayed tells the board what payload of slot n was just relayed. The board copies it. Calling this is optional: with
// it a relay that ends (hold, mute, a third party, a leg that leaves) fades out over 5 ms, and the first frames of a mix
// are bridged until the slot's own arrive; without it the sound breaks off there.
func (b *Board) Relayed(n int, payload []byte) {
	s := b.slot(n)
	if s == nil {
		return
	}
	p := &s.past
	if p.codec != s.codec {
		p.codec, p.kept = s.codec, 0
	}
	if len(payload) > pastBytes {
		payload = payload[len(payload)-pastBytes:]
	}
	p.kept, p.age = min(p.kept+len(payload), pastBytes), 0
	m := copy(p.ring[p.at:], payload)
	copy(p.ring[:], payload[m:])
	p.at = (p.at + len(payload)) % pastBytes
}

// recall gives a slot that was relayed until now the history of its sound, and reports whether there is one.
func (s *slot) recall() bool {
	p := &s.past
	if p.age > 2 || p.kept < FrameSamples {
		return false
	}
	var pcm [pastBytes]int16
	m := p.codec.Decode(pcm[:], p.ring[p.at:])
	p.codec.Decode(pcm[m:], p.ring[:p.at])
	clear(pcm[:pastBytes-p.kept])
	copy(s.plc.hist[:], pcm[pastBytes-plcHistory:])
	s.plc.live, s.plc.made = true, 0
	p.kept = 0
	return true
}
