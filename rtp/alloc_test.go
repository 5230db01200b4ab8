package rtp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// stepper gives leg 0 of a rig one packet after another in the same buffer.
type stepper struct {
	r   *rig
	p   *packet
	seq uint16
	ts  uint32
}

func newStepper(r *rig, leg int) *stepper {
	s := &stepper{r: r, p: &packet{stream: r.legs[leg], from: r.peers[leg]}}
	s.p.n = copy(s.p.buf[:], rtpPacket(0, 0, 0, uint32(leg+1), false, make([]byte, FrameSamples)))
	return s
}

func (s *stepper) step() {
	s.seq++
	s.ts += FrameSamples
	// A relayed packet was re-stamped in place.
	putHeader(s.p.buf[:], 0, stamp{seq: s.seq, ts: s.ts}, uint32(s.p.stream.slot+1))
	s.p.stream.leg.packet(s.r.now, s.p)
}

func discardAll(r *rig) {
	r.board.keep = false
	for i := range r.legs {
		r.out(i).discard, r.rtcp(i).discard = true, true
		r.legs[i].leg.control.next = 1 << 62
	}
}

// TestNoAllocations is the budget of the hot path: nothing for a relayed packet, nothing for a tick.
func TestNoAllocations(t *testing.T) {
	r := newRig(t, 3)
	discardAll(r)
	r.board.relay[1] = 0
	a := newStepper(r, 0)
	if n := testing.AllocsPerRun(1000, func() { a.step(); r.now += frameTime }); n != 0 {
		t.Errorf("%v allocations for a relayed packet", n)
	}
	if got := r.out(1).n; got < 1000 {
		t.Fatalf("only %d packets were relayed", got)
	}

	m := newMixRig(t)
	if n := testing.AllocsPerRun(1000, m.tick); n != 0 {
		t.Errorf("%v allocations for a three-party tick", n)
	}
	if got := m.r.out(2).n; got < 1000 {
		t.Fatalf("only %d frames were mixed", got)
	}

	dropped := testing.AllocsPerRun(1000, func() {
		m.parties[0].p.from = netip.AddrPort{}
		m.parties[0].step()
	})
	if dropped != 0 {
		t.Errorf("%v allocations for a foreign packet", dropped)
	}
}

// TestNoAllocationsInPortable measures the real socket: reading, handing over, giving back and writing.
func TestNoAllocationsInPortable(t *testing.T) {
	s := newShard(time.Now())
	st := &Stream{shard: s}
	b, err := newBackend(BackendPortable, nil)
	if err != nil {
		t.Fatal(err)
	}
	sock, err := b.open(netip.MustParseAddrPort("127.0.0.1:0"), inlet{shard: s, stream: st})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	data := rtpPacket(0, 1, 1, 1, false, make([]byte, FrameSamples))
	round := func() {
		if err := sock.send(data, sock.local()); err != nil {
			t.Fatal(err)
		}
		p := <-s.queue
		st.waiting.Add(-1)
		s.pool.put(p)
	}
	for range 100 {
		round()
	}
	if n := testing.AllocsPerRun(500, round); n > poolSlack {
		t.Errorf("%v allocations for a packet sent and received", n)
	}
}

// mixRig is three parties on a board that mixes nothing: the cost of this room alone.
type mixRig struct {
	r       *rig
	parties [3]*stepper
}

func newMixRig(t testing.TB) *mixRig {
	m := &mixRig{r: newRig(t, 3)}
	discardAll(m.r)
	for i := range m.parties {
		m.r.board.wants[i] = true
		m.parties[i] = newStepper(m.r, i)
	}
	m.r.board.mix = func(_ int, dst []byte) int {
		binary.BigEndian.PutUint64(dst, uint64(m.r.board.ticks))
		return FrameSamples
	}
	return m
}

func (m *mixRig) tick() {
	for _, p := range m.parties {
		p.step()
	}
	m.r.advance(frameTime)
}

func BenchmarkRelayPacket(b *testing.B) {
	r := newRig(b, 2)
	discardAll(r)
	r.board.relay[1] = 0
	a := newStepper(r, 0)
	b.ReportAllocs()
	for b.Loop() {
		a.step()
		r.now += frameTime
	}
}

// BenchmarkTick3Party is one tick of a conference of three: three packets in, three frames out, without sockets and codecs.
func BenchmarkTick3Party(b *testing.B) {
	m := newMixRig(b)
	b.ReportAllocs()
	for b.Loop() {
		m.tick()
	}
}

func BenchmarkPortableSend(b *testing.B) {
	s := newShard(time.Now())
	p, err := newBackend(BackendPortable, nil)
	if err != nil {
		b.Fatal(err)
	}
	sock, err := p.open(netip.MustParseAddrPort("127.0.0.1:0"), inlet{shard: s, stream: &Stream{shard: s}})
	if err != nil {
		b.Fatal(err)
	}
	defer sock.close()
	data := rtpPacket(0, 1, 1, 1, false, make([]byte, FrameSamples))
	to := netip.MustParseAddrPort("127.0.0.1:9")
	b.ReportAllocs()
	for b.Loop() {
		_ = sock.send(data, to)
	}
}
