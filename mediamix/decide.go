package mediamix

import "math/bits"

// changed works out what follows from a new patch or a leg that joined or left.
func (b *Board) changed() {
	var joined uint32
	for n, s := range b.slots {
		if s != nil {
			joined |= 1 << n
		}
	}
	known := b.wanted // slots that can fade out: decoded until now, or recalled
	for n, s := range b.slots {
		if s == nil {
			continue
		}
		s.live, s.ticks = s.want.Slots&joined&^(1<<n), 0
		from := s.relay
		if from < 0 {
			continue
		}
		// What was relayed goes on, or fades out, if its sound is known. When another slot is to be relayed that is not
		// waited for.
		s.heard = 0
		if b.relayable(s) >= 0 {
			continue
		}
		if known>>from&1 == 0 && b.slots[from].recall() {
			known |= 1 << from
		}
		if known>>from&1 != 0 {
			s.heard = 1 << from
		}
	}
	b.decide()
}

// relayable gives the one slot that s hears, in its own codec, or -1.
func (b *Board) relayable(s *slot) int {
	if bits.OnesCount32(s.live) == 1 && s.want.Source == nil {
		if from := bits.TrailingZeros32(s.live); b.slots[from].codec == s.codec {
			return from
		}
	}
	return -1
}

// decide fills in who is relayed and who has to be decoded.
//
//	hears                                   relayed
//	one slot, same codec, no source         yes
//	one slot, other codec                   no: decoded and encoded
//	one slot and a source                   no: mixed
//	two slots or more                       no: mixed
//	a source, or nothing                    no
//	anything, while something fades out     not before the next Mix
func (b *Board) decide() {
	b.wanted = 0
	for _, s := range b.slots {
		if s == nil {
			continue
		}
		s.relay = -1
		if !s.fades() {
			s.relay = b.relayable(s)
		}
		if s.relay < 0 {
			b.wanted |= s.live | s.heard
		}
	}
}

// fades reports whether something that sounded has still to fade out.
func (s *slot) fades() bool {
	return s.fading || s.heard&^s.live != 0 || s.playing.src != nil && !s.playing.src.same(s.want.Source)
}

// unsettled reports whether the next Mix has something to ramp.
func (s *slot) unsettled() bool {
	return s.relay < 0 && (s.fades() || s.heard != s.live || !s.playing.src.same(s.want.Source))
}

// leaveTail lets s hear the end of a leg that left: pcm, fading out.
func (s *slot) leaveTail(pcm *[FrameSamples]int16) {
	if !s.fading {
		clear(s.tail[:])
	}
	s.fading = true
	for i, r := range rampIn {
		s.tail[i] += int32(pcm[i]) * (1<<15 - r) >> 15
	}
}

// settle takes what is wanted as what sounds, without a ramp.
func (s *slot) settle() {
	s.heard, s.fading = s.live, false
	if !s.playing.src.same(s.want.Source) {
		s.stop()
		if s.want.Source != nil {
			s.start()
		}
	}
}
