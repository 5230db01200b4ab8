package mediamix

import "math/bits"

// Board is what the legs of one desk are patched through. It is owned by one goroutine (the loop of the desk's media
// shard) and is not safe for concurrent use. Frame, Tick and Mix allocate nothing.
//
// Per 20 ms tick the owner calls Frame for each slot that sent something, then Tick, then Mix for each slot to send
// to. Join, Leave and SetPatch come between ticks.
type Board struct {
	slots  []*slot
	patch  []Hear
	wanted uint32 // slots whose frames are decoded now
	acc    [FrameSamples]int32
	out    [FrameSamples]int16
}

// slot is one leg: what it sends and what it hears.
type slot struct {
	codec Codec

	pcm   [FrameSamples]int16 // what it sends this tick
	fresh bool                // pcm came from Frame in this tick
	plc   concealer
	past  past

	want    Hear
	live    uint32             // want.Slots that can be heard: joined, and not itself
	heard   uint32             // what sounded at full level at the end of the last tick
	playing player             // the source that did
	tail    [rampSamples]int32 // what legs that left leave behind, fading out
	fading  bool               // tail is to be heard in the next tick
	relay   int                // slot relayed to this one, or -1
	ticks   uint8              // since the last change, counted to 2
	noise   int                // position in comfortNoise
	places  []place
}

// NewBoard gives a board of the given number of slots (0 to MaxSlots; more are cut), none joined, nothing patched.
func NewBoard(slots int) *Board {
	n := min(max(slots, 0), MaxSlots)
	return &Board{slots: make([]*slot, n), patch: make([]Hear, n)}
}

// Join puts a leg with codec c into slot n, where the patch in force applies to it. Joining again changes the codec and
// keeps the rest. A slot outside the board and an unknown codec are ignored.
func (b *Board) Join(n int, c Codec) {
	if n < 0 || n >= len(b.slots) || c != CodecPCMU && c != CodecPCMA {
		return
	}
	if s := b.slot(n); s != nil {
		s.codec = c
	} else {
		b.slots[n] = &slot{codec: c, relay: -1, want: b.patch[n], places: make([]place, 0, maxPlaces)}
	}
	b.changed()
}

// Leave takes a leg out; its places in music are forgotten. Those who heard it hear it fade out in the next tick. The
// patch stays as it is.
func (b *Board) Leave(n int) {
	s := b.slot(n)
	if s == nil {
		return
	}
	b.slots[n] = nil
	known := b.Wants(n) || s.recall()
	if known {
		s.plc.conceal(&s.pcm)
	}
	for _, h := range b.slots {
		if h == nil {
			continue
		}
		if known && (h.relay == n || h.relay < 0 && h.heard>>n&1 != 0) {
			h.leaveTail(&s.pcm)
		}
		h.heard &^= 1 << n
		if h.relay == n {
			h.relay = -1
		}
	}
	b.changed()
}

// SetPatch puts p in force from the next tick on, also for slots that join later. Entries beyond the board are ignored.
func (b *Board) SetPatch(p Patch) {
	clear(b.patch[copy(b.patch, p.Hears):])
	for n := range b.slots {
		if s := b.slot(n); s != nil {
			s.want = b.patch[n]
		}
	}
	b.changed()
}

// RelayFrom gives the slot whose packets this slot hears untouched, or -1. It is one when the slot hears exactly one
// other and no source, both have the same codec, and nothing has to fade out first.
func (b *Board) RelayFrom(n int) int {
	if s := b.slot(n); s != nil {
		return s.relay
	}
	return -1
}

// Wants reports whether somebody's mix needs what this slot sends: then its packets belong into Frame.
func (b *Board) Wants(n int) bool {
	return n >= 0 && n < len(b.slots) && b.wanted>>n&1 != 0
}

// Frame takes the next 20 ms of a slot's payload for this tick. lost (or an empty payload) asks for concealment; so
// does not calling Frame at all. A payload of another length than FrameSamples is cut, or filled up with silence. The
// payload is not kept.
func (b *Board) Frame(n int, payload []byte, lost bool) {
	if lost || len(payload) == 0 || !b.Wants(n) {
		return
	}
	s := b.slots[n]
	got := s.codec.Decode(s.pcm[:], payload)
	clear(s.pcm[got:])
	s.plc.good(&s.pcm)
	s.fresh = true
}

// Tick ends the input of a tick: slots that are wanted but sent nothing are concealed.
func (b *Board) Tick() {
	settled := false
	for n, s := range b.slots {
		if s == nil {
			continue
		}
		switch {
		case s.fresh:
			s.fresh = false
		case b.wanted>>n&1 != 0:
			s.plc.conceal(&s.pcm)
		default:
			s.plc.forget()
		}
		s.past.age = min(s.past.age+1, 3)
		if s.ticks < 2 {
			s.ticks++
		} else if s.unsettled() {
			// Nobody asked for this slot's mix since the change, so there is nothing to fade.
			s.settle()
			settled = true
		}
	}
	if settled {
		b.decide()
	}
}

// Mix writes what slot hears in this tick to dst, in the slot's codec, and returns its length: FrameSamples, or 0 when
// nothing is to be sent (nothing heard and no comfort noise, a relayed or empty slot, a dst that is too short).
func (b *Board) Mix(n int, dst []byte) int {
	s := b.slot(n)
	if s == nil || s.relay >= 0 || len(dst) < FrameSamples {
		return 0
	}
	if s.live|s.heard == 0 && !s.fading && s.want.Source == nil && s.playing.src == nil {
		if !s.want.Comfort {
			return 0
		}
		s.noise = (s.noise + FrameSamples) % len(comfortNoise)
		return s.codec.Encode(dst, comfortNoise[s.noise:s.noise+FrameSamples])
	}
	if s.unsettled() {
		b.sum(s)
		s.heard = s.live
		b.decide()
	} else if pcm := b.plain(s); pcm != nil {
		return s.codec.Encode(dst, pcm)
	} else {
		b.sum(s)
	}
	saturate(&b.out, &b.acc)
	return s.codec.Encode(dst, b.out[:])
}

// plain is the short way for what is mixed most: one or two slots, steadily, without a source. Else it gives nil.
func (b *Board) plain(s *slot) []int16 {
	if s.want.Source != nil {
		return nil
	}
	first := bits.TrailingZeros32(s.live)
	switch rest := s.live & (s.live - 1); bits.OnesCount32(rest) {
	case 0:
		return b.slots[first].pcm[:]
	case 1:
		add2(&b.out, &b.slots[first].pcm, &b.slots[bits.TrailingZeros32(rest)].pcm)
		return b.out[:]
	}
	return nil
}

// sum puts all that s hears into b.acc, with 5 ms ramps for what came or went since the last tick.
func (b *Board) sum(s *slot) {
	clear(b.acc[:])
	for m := s.live & s.heard; m != 0; m &= m - 1 {
		add(&b.acc, &b.slots[bits.TrailingZeros32(m)].pcm)
	}
	for m := s.live &^ s.heard; m != 0; m &= m - 1 {
		addIn(&b.acc, &b.slots[bits.TrailingZeros32(m)].pcm)
	}
	for m := s.heard &^ s.live; m != 0; m &= m - 1 {
		addOut(&b.acc, &b.slots[bits.TrailingZeros32(m)].pcm)
	}
	if s.fading {
		s.fading = false
		for i, v := range s.tail {
			b.acc[i] += v
		}
	}
	if s.playing.src != nil && !s.playing.src.same(s.want.Source) {
		s.playing.render(&b.out)
		addOut(&b.acc, &b.out)
		s.stop()
	}
	switch {
	case s.want.Source == nil:
	case s.playing.src != nil:
		s.playing.render(&b.out)
		add(&b.acc, &b.out)
	default:
		s.start()
		s.playing.render(&b.out)
		addIn(&b.acc, &b.out)
	}
}

// slot gives the leg in slot n, nil if there is none.
func (b *Board) slot(n int) *slot {
	if n < 0 || n >= len(b.slots) {
		return nil
	}
	return b.slots[n]
}
