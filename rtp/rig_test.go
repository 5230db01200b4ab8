package rtp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"
)

// The rig drives shards by hand: sockets are fakes and the clock is a variable, so that everything is exact.

type fakeBackend struct {
	mu   sync.Mutex
	next uint16
}

func (b *fakeBackend) open(addr netip.AddrPort, in inlet) (socket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	port := addr.Port()
	if port == 0 {
		b.next += 2
		port = 10000 + b.next
	}
	return &fakeSocket{addr: netip.AddrPortFrom(addr.Addr(), port), in: in}, nil
}

type fakeSocket struct {
	addr    netip.AddrPort
	in      inlet
	discard bool
	n       int
	sent    []sentPacket
	onSend  func(b []byte, to netip.AddrPort)
}

type sentPacket struct {
	to   netip.AddrPort
	data []byte
}

func (s *fakeSocket) local() netip.AddrPort { return s.addr }

func (s *fakeSocket) send(b []byte, to netip.AddrPort) error {
	s.n++
	if s.onSend != nil {
		s.onSend(b, to)
	}
	if !s.discard {
		s.sent = append(s.sent, sentPacket{to, slices.Clone(b)})
	}
	return nil
}

func (s *fakeSocket) close() {}

// packets parses what was sent.
func (s *fakeSocket) packets(t testing.TB) []pionrtp.Packet {
	t.Helper()
	out := make([]pionrtp.Packet, len(s.sent))
	for i, p := range s.sent {
		if err := out[i].Unmarshal(p.data); err != nil {
			t.Fatalf("sent packet %d: %v", i, err)
		}
	}
	return out
}

// testBoard is a board whose answers are fields.
type testBoard struct {
	relay  [MaxSlots]int
	wants  [MaxSlots]bool
	mix    func(slot int, dst []byte) int
	frames [MaxSlots][][]byte // nil = lost
	ticks  int
	keep   bool
}

func newTestBoard() *testBoard {
	b := &testBoard{keep: true}
	for i := range b.relay {
		b.relay[i] = -1
	}
	return b
}

func (b *testBoard) RelayFrom(slot int) int { return b.relay[slot] }
func (b *testBoard) Wants(slot int) bool    { return b.wants[slot] }
func (b *testBoard) Tick()                  { b.ticks++ }

func (b *testBoard) Frame(slot int, payload []byte, lost bool) {
	if b.keep {
		b.frames[slot] = append(b.frames[slot], slices.Clone(payload))
	}
}

func (b *testBoard) Mix(slot int, dst []byte) int {
	if b.mix == nil {
		return 0
	}
	return b.mix(slot, dst)
}

// mixTone fills frames with a constant byte.
func mixTone(v byte) func(int, []byte) int {
	return func(_ int, dst []byte) int {
		for i := range FrameSamples {
			dst[i] = v
		}
		return FrameSamples
	}
}

type rig struct {
	t     testing.TB
	e     *Engine
	s     *shard
	board *testBoard
	now   time.Duration
	legs  []*Stream
	peers []netip.AddrPort
}

func newRig(t testing.TB, legs int) *rig {
	t.Helper()
	e, err := New(Config{Bind: netip.MustParseAddr("192.0.2.1"), Shards: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.backend = &fakeBackend{}
	r := &rig{t: t, e: e, s: e.shards[0], board: newTestBoard()}
	for i := range legs {
		st, err := e.Open(OpenParams{Group: "desk", Board: r.board, Slot: i, Name: "leg"})
		if err != nil {
			t.Fatal(err)
		}
		st.onEvent = func(Event) {} // events are read from the engine's inbox
		r.legs = append(r.legs, st)
		r.peers = append(r.peers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}), 4000))
		r.update(i, func(*Params) {})
	}
	r.s.beat = metronome{}
	return r
}

// params are plain two-way PCMU with events as 101 in and 96+i out.
func (r *rig) params(i int) Params {
	return Params{Remote: r.peers[i], Codec: PCMU, PTime: frameTime, Send: true, Recv: true,
		EventSendPT: uint8(96 + i), EventRecvPT: 101}
}

func (r *rig) update(i int, change func(*Params)) {
	p := r.params(i)
	change(&p)
	r.legs[i].Update(p)
	r.s.letters()
	r.legs[i].leg.lastIn = r.now // letters run on the real clock
}

func (r *rig) out(i int) *fakeSocket  { return r.legs[i].media.(*fakeSocket) }
func (r *rig) rtcp(i int) *fakeSocket { return r.legs[i].control.(*fakeSocket) }

// events takes what was told since.
func (r *rig) events() (out []Event) {
	items, _ := r.e.events.take()
	for _, d := range items {
		out = append(out, d.event)
	}
	return out
}

// advance runs the ticks up to now + d.
func (r *rig) advance(d time.Duration) {
	end := r.now + d
	for r.s.beat.next() <= end {
		r.now = r.s.beat.next()
		r.s.tick(r.now)
	}
	r.now = end
}

// receive brings a datagram to leg i's media port.
func (r *rig) receive(i int, from netip.AddrPort, data []byte) {
	p := &packet{stream: r.legs[i], from: from, n: len(data)}
	copy(p.buf[:], data)
	r.legs[i].leg.packet(r.now, p)
}

// receiveRTCP brings a datagram to leg i's control port.
func (r *rig) receiveRTCP(i int, from netip.AddrPort, data []byte) {
	p := &packet{stream: r.legs[i], from: from, n: len(data), rtcp: true}
	copy(p.buf[:], data)
	r.legs[i].leg.packet(r.now, p)
}

// talker makes the packets of a peer.
type talker struct {
	ssrc uint32
	seq  uint16
	ts   uint32
	pt   uint8
	n    byte
}

func (k *talker) next() []byte {
	k.seq++
	k.ts += FrameSamples
	k.n++
	payload := make([]byte, FrameSamples)
	for i := range payload {
		payload[i] = k.n + byte(i)
	}
	return rtpPacket(k.pt, k.seq, k.ts, k.ssrc, false, payload)
}

// event makes one packet of a telephone-event that began at start.
func (k *talker) event(pt, code uint8, start uint32, duration uint16, end, marker bool) []byte {
	k.seq++
	payload := []byte{code, 10, 0, 0}
	if end {
		payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(payload[2:], duration)
	return rtpPacket(pt, k.seq, start, k.ssrc, marker, payload)
}

func rtpPacket(pt uint8, seq uint16, ts, ssrc uint32, marker bool, payload []byte) []byte {
	b := make([]byte, headerLen+len(payload))
	putHeader(b, pt, stamp{seq: seq, ts: ts, marker: marker}, ssrc)
	copy(b[headerLen:], payload)
	return b
}

// continuity is what a strict receiver sees of a stream.
type continuity struct {
	ssrcChanges, seqGaps, tsErrors int
}

func checkContinuity(packets []pionrtp.Packet) (c continuity) {
	for i := 1; i < len(packets); i++ {
		a, b := packets[i-1].Header, packets[i].Header
		if a.SSRC != b.SSRC {
			c.ssrcChanges++
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			c.seqGaps++
		}
		if b.Timestamp-a.Timestamp != uint32(b.SequenceNumber-a.SequenceNumber)*FrameSamples {
			c.tsErrors++
		}
	}
	return c
}
