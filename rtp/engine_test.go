package rtp

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a real socket or loop may take on a loaded machine.
const patience = 20 * time.Second

var loopback = netip.MustParseAddr("127.0.0.1")

// startEngine runs an engine on loopback until the test ends.
func startEngine(t *testing.T, cfg Config) *Engine {
	t.Helper()
	if !cfg.Bind.IsValid() {
		cfg.Bind = loopback
	}
	cfg.Shards = 2
	e, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("engine does not end")
		}
	})
	return e
}

// peer is the other end of a leg: real sockets.
type peer struct {
	t      *testing.T
	media  *net.UDPConn
	rtcp   *net.UDPConn
	stream *Stream
	events chan Event
}

func listen(t *testing.T, addr netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func localAddr(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// join opens a leg for a new peer.
func join(t *testing.T, e *Engine, group string, board Board, slot int, change func(*Params)) *peer {
	t.Helper()
	p := &peer{t: t, media: listen(t, netip.AddrPortFrom(loopback, 0)), rtcp: listen(t, netip.AddrPortFrom(loopback, 0)), events: make(chan Event, 100)}
	var err error
	p.stream, err = e.Open(OpenParams{Group: group, Board: board, Slot: slot, OnEvent: func(ev Event) { p.events <- ev }})
	if err != nil {
		t.Fatal(err)
	}
	params := Params{Remote: localAddr(p.media), RemoteRTCP: localAddr(p.rtcp), Codec: PCMU, PTime: frameTime, Send: true, Recv: true,
		EventSendPT: 101, EventRecvPT: 101}
	if change != nil {
		change(&params)
	}
	p.stream.Update(params)
	patch(t, e, group, func() {}) // what is sent from now on finds the parameters in force
	return p
}

func (p *peer) send(data []byte) {
	p.t.Helper()
	if _, err := p.media.WriteToUDPAddrPort(data, p.stream.Local()); err != nil {
		p.t.Fatal(err)
	}
}

// read gives the next RTP packet.
func (p *peer) read() pionrtp.Packet {
	p.t.Helper()
	buf := make([]byte, 2000)
	if err := p.media.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	n, from, err := p.media.ReadFromUDPAddrPort(buf)
	if err != nil {
		p.t.Fatal(err)
	}
	if from != p.stream.Local() {
		p.t.Errorf("packet from %v, want %v", from, p.stream.Local())
	}
	var out pionrtp.Packet
	if err := out.Unmarshal(buf[:n]); err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *peer) event(kind EventKind) Event {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-p.events:
			if e.Kind == kind {
				return e
			}
		case <-deadline:
			p.t.Fatalf("no event %v", kind)
		}
	}
}

// patch changes a board on its loop and waits.
func patch(t *testing.T, e *Engine, group string, f func()) {
	t.Helper()
	done := make(chan struct{})
	e.Do(group, f, func() { close(done) })
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("patch was never in force")
	}
}

func TestLoopbackRelay(t *testing.T) {
	e := startEngine(t, Config{})
	board := newTestBoard()
	board.relay[0], board.relay[1] = 1, 0
	a, b := join(t, e, "g", board, 0, nil), join(t, e, "g", board, 1, nil)
	ka, kb := &talker{ssrc: 1, seq: 65500}, &talker{ssrc: 2, ts: 5}
	var toA, toB []pionrtp.Packet
	const count = 20 // unpaced: more would run too far ahead of the clock
	for range count {
		pa, pb := ka.next(), kb.next()
		a.send(pa)
		b.send(pb)
		gotB, gotA := b.read(), a.read()
		if !bytes.Equal(gotB.Payload, pa[headerLen:]) || !bytes.Equal(gotA.Payload, pb[headerLen:]) {
			t.Fatal("payload changed on the way")
		}
		toA, toB = append(toA, gotA), append(toB, gotB)
	}
	for _, got := range [][]pionrtp.Packet{toA, toB} {
		if c := checkContinuity(got); c != (continuity{}) {
			t.Errorf("%+v", c)
		}
	}
	s := a.stream.Stats()
	if s.PacketsRelayed != count || s.PacketsReceived != count || s.Lost != 0 || s.MOS < 4 || s.QueueDropped != 0 {
		t.Errorf("%+v", s)
	}
	a.event(EventFirstPacket)
}

// TestLoopbackStory goes relay, mix, relay, silence, mix in real time. What depends on the machine's scheduling is left to the
// test with a synthetic clock; here one SSRC, +1 and whole frames forward must hold whatever the load, and the clock roughly.
func TestLoopbackStory(t *testing.T) {
	e := startEngine(t, Config{})
	board := newTestBoard()
	board.relay[1] = 0
	a, b := join(t, e, "g", board, 0, nil), join(t, e, "g", board, 1, nil)
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		k := &talker{ssrc: 1}
		beat := time.NewTicker(frameTime)
		defer beat.Stop()
		for {
			select {
			case <-stop:
				return
			case <-beat.C:
				a.send(k.next())
			}
		}
	})
	var got []pionrtp.Packet
	var first, last time.Time
	hear := func(n int, relayed bool) {
		t.Helper()
		for matched := 0; matched < n; {
			p := b.read()
			if got = append(got, p); len(got) == 1 {
				first = time.Now()
			}
			last = time.Now()
			if (p.Payload[0] == 0x55 && p.Payload[1] == 0x55) != relayed {
				matched++
			}
		}
	}
	hear(15, true)
	patch(t, e, "g", func() { board.relay[1], board.mix = -1, mixTone(0x55) })
	hear(15, false)
	patch(t, e, "g", func() { board.relay[1] = 0 })
	hear(15, true)
	patch(t, e, "g", func() { board.relay[1], board.mix = -1, nil })
	quiet := time.NewTimer(300 * time.Millisecond) // the silence is part of the story
	<-quiet.C
	patch(t, e, "g", func() { board.mix = mixTone(0x55) })
	hear(15, false)
	close(stop)
	talking.Wait()

	for i := 1; i < len(got); i++ {
		p, q := got[i-1], got[i]
		d := q.Timestamp - p.Timestamp
		if q.SSRC != p.SSRC || q.SequenceNumber != p.SequenceNumber+1 || d == 0 || d%FrameSamples != 0 || d > 20*8000 {
			t.Fatalf("packet %d: %v after %v", i, q.Header, p.Header)
		}
	}
	span := time.Duration(got[len(got)-1].Timestamp-got[0].Timestamp) * sampleTime
	if off := last.Sub(first) - span; off < -maxDesync || off > maxDesync {
		t.Errorf("timestamps cover %v in %v", span, last.Sub(first))
	}
}

func TestLoopbackDigits(t *testing.T) {
	e := startEngine(t, Config{})
	b := join(t, e, "g", newTestBoard(), 0, nil)
	mirror := join(t, e, "h", newTestBoard(), 0, nil)
	if err := b.stream.Digits(context.Background(), []Digit{{Code: '4', Duration: 60 * time.Millisecond, Gap: 40 * time.Millisecond}, {Code: ',', Duration: 60 * time.Millisecond}, {Code: '#'}}); err != nil {
		t.Fatal(err)
	}
	ends := map[uint32]int{}
	for whole := 0; whole < 2; {
		p := b.read()
		if p.PayloadType != 101 {
			continue
		}
		if p.Payload[1]&0x80 != 0 {
			if ends[p.Timestamp]++; ends[p.Timestamp] == 3 {
				whole++
			}
		}
		p.SSRC = 9
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		mirror.send(raw) // what one leg sends another must understand
	}
	if done := b.event(EventDigitsDone); done.Err != nil || done.Sent != 2 {
		t.Errorf("%+v", done)
	}
	if d := mirror.event(EventDigit); d.Code != '4' || d.Duration != 60*time.Millisecond {
		t.Errorf("%+v", d)
	}
	if d := mirror.event(EventDigit); d.Code != '#' || d.Duration != DefaultDigitDuration {
		t.Errorf("%+v", d)
	}
}

func TestLoopbackInjection(t *testing.T) {
	e := startEngine(t, Config{})
	board := newTestBoard()
	board.relay[1] = 0
	a, b := join(t, e, "g", board, 0, nil), join(t, e, "g", board, 1, nil)
	thief := listen(t, netip.AddrPortFrom(loopback, 0))
	for n := range 20 {
		evil := rtpPacket(0, uint16(n), uint32(n)*160, 666, false, bytes.Repeat([]byte{0xEE}, 160))
		if _, err := thief.WriteToUDPAddrPort(evil, a.stream.Local()); err != nil {
			t.Fatal(err)
		}
	}
	k := &talker{ssrc: 1}
	a.send(k.next())
	if p := b.read(); p.Payload[0] == 0xEE && p.Payload[1] == 0xEE {
		t.Error("the injected packet was relayed")
	}
	if s := a.stream.Stats(); s.ForeignDropped != 20 || s.PacketsReceived != 1 {
		t.Errorf("%+v", s)
	}
}

func TestLoopbackTimeoutAndBye(t *testing.T) {
	e := startEngine(t, Config{})
	a := join(t, e, "g", nil, 0, func(p *Params) { p.Timeout = 50 * time.Millisecond })
	a.event(EventTimeout)
	a.send((&talker{ssrc: 5}).next())
	a.event(EventTimeout)
	a.stream.Close()
	buf := make([]byte, 2000)
	if err := a.rtcp.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n, _, err := a.rtcp.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	c := compound(t, buf[:n])
	if bye, ok := c[len(c)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != a.stream.SSRC() {
		t.Errorf("%v", c)
	}
}

// TestLoopbackQuarantine closes a leg: its ports are unbound, and no new leg gets them.
func TestLoopbackQuarantine(t *testing.T) {
	base := freeRange(t)
	e := startEngine(t, Config{PortMin: base, PortMax: base + 3, Quarantine: time.Hour})
	a := join(t, e, "g", nil, 0, nil)
	old := a.stream.Local()
	a.stream.Close()
	c := listen(t, old)
	c.Close()
	b := join(t, e, "g", nil, 0, nil)
	if b.stream.Local() == old {
		t.Error("the port was dealt again at once")
	}
	if _, err := e.Open(OpenParams{Group: "g"}); err == nil {
		t.Error("a resting port was dealt")
	}
	if u := e.Usage(); u != (Usage{Total: 2, Used: 1, Resting: 1}) || u.Ratio() != 1 {
		t.Errorf("%+v", u)
	}
}

// freeRange finds four ports in a row, the first even, that are free now.
func freeRange(t *testing.T) uint16 {
	t.Helper()
	for range 100 {
		c := listen(t, netip.AddrPortFrom(loopback, 0))
		base := evenUp(localAddr(c).Port())
		c.Close()
		if base < 1024 || base > 65000 {
			continue
		}
		free := true
		for p := base; p < base+4 && free; p++ {
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, p)))
			if free = err == nil; free {
				c.Close()
			}
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

// TestLife opens and closes many legs from many goroutines while packets fly: nothing is left.
func TestLife(t *testing.T) {
	before := descriptors(t)
	e, err := New(Config{Bind: loopback, Shards: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	early, err := e.Open(OpenParams{Group: "early"}) // before Run, and never closed by us
	if err != nil {
		t.Fatal(err)
	}
	early.Stats()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	out, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for g := range 4 {
		work.Go(func() {
			group := string(rune('a' + g))
			board := newTestBoard()
			for i := range 25 {
				s, err := e.Open(OpenParams{Group: group, Board: board, Slot: i % 3, OnEvent: func(Event) {}})
				if err != nil {
					t.Error(err)
					return
				}
				s.Update(Params{Remote: localAddr(out), Codec: PCMA, SendPT: 8, RecvPT: 8, Send: true, Recv: true, EventSendPT: 101})
				e.Do(group, func() { board.mix = mixTone(1) }, nil)
				_ = s.Digits(ctx, []Digit{{Code: '1'}})
				_, _ = out.WriteToUDPAddrPort(rtpPacket(8, uint16(i), 1, 1, false, make([]byte, 160)), s.Local())
				s.Stats()
				if i%5 != 4 {
					s.Close()
				} else {
					e.Do(group, func() {}, nil)
					t.Cleanup(func() { s.Close() }) // after the engine has ended
				}
				if i%3 == 2 {
					board = newTestBoard()
				}
			}
		})
	}
	work.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	early.Close()
	early.Stats()
	early.Update(Params{})
	out.Close()
	if u := e.Stats(); u.Streams != 0 || u.Ports.Used != 0 || len(e.boards) != 0 {
		t.Errorf("left over: %+v, %d boards", u, len(e.boards))
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// descriptors counts the process's sockets.
func descriptors(t *testing.T) (n int) {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Logf("descriptors are not counted: %v", err)
		return 0
	}
	for _, d := range dir {
		if to, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil && len(to) > 6 && to[:6] == "socket" {
			n++
		}
	}
	return n
}

// TestSlowCallback blocks one stream's callback: the media of all goes on.
func TestSlowCallback(t *testing.T) {
	e := startEngine(t, Config{})
	board := newTestBoard()
	board.relay[1] = 0
	release := make(chan struct{})
	blocked, err := e.Open(OpenParams{Group: "g", OnEvent: func(Event) { <-release }})
	if err != nil {
		t.Fatal(err)
	}
	blocked.Update(Params{Timeout: time.Millisecond})
	a, b := join(t, e, "g", board, 0, nil), join(t, e, "g", board, 1, nil)
	k := &talker{ssrc: 1}
	for range 10 {
		a.send(k.next())
		b.read()
	}
	close(release)
}

// TestEventsAreBounded: digits from the wire fill the queue to its bound, a completion still gets through.
func TestEventsAreBounded(t *testing.T) {
	r := newRig(t, 1)
	a := &talker{ssrc: 1}
	for n := range maxWireEvent + 50 {
		r.receive(0, r.peers[0], a.event(101, 1, uint32(n)*1000, 400, true, true))
	}
	if err := r.legs[0].Digits(context.Background(), []Digit{{Code: '1'}}); err != nil {
		t.Fatal(err)
	}
	r.s.letters()
	r.advance(time.Second)
	dropped := r.legs[0].Stats().EventsDropped
	got := kinds(r.events())
	if got[EventDigitsDone] != 1 || got[EventDigit]+got[EventFirstPacket] != maxWireEvent || dropped != 51 {
		t.Errorf("%v, %d dropped", got, dropped)
	}
}

// TestLoopbackIPv6 is the relay over IPv6.
func TestLoopbackIPv6(t *testing.T) {
	six := netip.IPv6Loopback()
	probe, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(six, 0)))
	if err != nil {
		t.Skipf("the host has no IPv6 loopback: %v", err)
	}
	probe.Close()
	e := startEngine(t, Config{Bind: six})
	board := newTestBoard()
	board.relay[1] = 0
	on6 := func(c *net.UDPConn) func(*Params) {
		return func(p *Params) { p.Remote, p.RemoteRTCP = localAddr(c), netip.AddrPort{} }
	}
	ca, cb := listen(t, netip.AddrPortFrom(six, 0)), listen(t, netip.AddrPortFrom(six, 0))
	a, b := join(t, e, "g", board, 0, on6(ca)), join(t, e, "g", board, 1, on6(cb))
	a.media, b.media = ca, cb
	sent := (&talker{ssrc: 1}).next()
	a.send(sent)
	if got := b.read(); !bytes.Equal(got.Payload, sent[headerLen:]) {
		t.Error("payload changed on the way")
	}
}

// TestFloodIsBounded fills one stream's share of the queue, then the pool: the rest is dropped and counted, and the share of
// another stream is untouched.
func TestFloodIsBounded(t *testing.T) {
	s := newShard(time.Now())
	flooded, calm := &Stream{shard: s}, &Stream{shard: s}
	p := new(packet)
	for range 10 * streamQueue {
		p.n = 100
		p = inlet{shard: s, stream: flooded}.deliver(p)
	}
	if len(s.queue) != streamQueue || flooded.queueDropped.Load() != 9*streamQueue || s.dropped.Load() != 9*streamQueue {
		t.Errorf("%d queued, %d dropped", len(s.queue), flooded.queueDropped.Load())
	}
	p.n = 100
	if p = (inlet{shard: s, stream: calm}).deliver(p); calm.queueDropped.Load() != 0 {
		t.Error("a calm stream lost its packet to the flood")
	}
	p.n = maxDatagram
	if q := (inlet{shard: s, stream: calm}).deliver(p); q != p || calm.oversized.Load() != 1 {
		t.Error("an oversized datagram went through")
	}
	small := &shard{queue: make(chan *packet, 8), pool: newPool(2)}
	for range 8 {
		p.n = 100
		p = inlet{shard: small, stream: calm}.deliver(p)
	}
	if len(small.queue) != 2 || calm.queueDropped.Load() != 6 || calm.waiting.Load() != 3 {
		t.Errorf("%d queued of a pool of two, %d dropped, %d waiting", len(small.queue), calm.queueDropped.Load(), calm.waiting.Load())
	}
}
