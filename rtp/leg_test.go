package rtp

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"
)

func TestRelayIsBitExact(t *testing.T) {
	r := newRig(t, 3)
	r.board.relay[1], r.board.relay[2] = 0, 0
	r.update(1, func(p *Params) { p.SendPT = 8 })
	payload := []byte{0, 255, 1, 2, 3, 127, 128}
	in := pionrtp.Packet{Header: pionrtp.Header{Version: 2, Marker: true, SequenceNumber: 7, Timestamp: 99, SSRC: 5, CSRC: []uint32{1, 2, 3}}, Payload: payload}
	in.Padding, in.Header.PaddingSize = true, 4
	if err := in.SetExtensionWithProfile(1, []byte{9, 9, 9}, pionrtp.ExtensionProfileOneByte); err != nil {
		t.Fatal(err)
	}
	raw, err := in.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.receive(0, r.peers[0], raw)
	for i, pt := range map[int]uint8{1: 8, 2: 0} {
		out := r.out(i).packets(t)
		if len(out) != 1 || r.out(i).sent[0].to != r.peers[i] {
			t.Fatalf("leg %d: sent %d packets", i, len(out))
		}
		p := out[0]
		if !bytes.Equal(p.Payload, payload) || p.PayloadType != pt || !p.Marker || p.SSRC != r.legs[i].SSRC() {
			t.Errorf("leg %d: %v", i, p)
		}
		if p.Padding || p.Extension || len(p.CSRC) > 0 {
			t.Errorf("leg %d: one leg's header leaks into another: %v", i, p)
		}
	}
	if len(r.out(0).sent) != 0 {
		t.Error("the talker hears itself")
	}
}

// TestStoryOfALeg drives one leg through relay, mix, digits, another relay and silence: one stream, no error.
func TestStoryOfALeg(t *testing.T) {
	r := newRig(t, 3)
	a := &talker{ssrc: 1, seq: 65530, ts: 0xFFFFF000}
	b := &talker{ssrc: 2, seq: 10, ts: 500}
	run := func(d time.Duration) {
		for end := r.now + d; r.now < end; {
			r.advance(3 * time.Millisecond)
			r.receive(0, r.peers[0], a.next())
			r.advance(8 * time.Millisecond)
			r.receive(1, r.peers[1], b.next())
			r.advance(9 * time.Millisecond)
		}
	}
	r.board.relay[2] = 0
	run(time.Second)
	r.board.relay[2], r.board.mix = -1, mixTone(0x55)
	run(time.Second)
	r.board.relay[2] = 1
	run(time.Second)
	if err := r.legs[2].Digits(context.Background(), []Digit{{Code: '4'}, {Code: '2'}, {Code: '#'}}); err != nil {
		t.Fatal(err)
	}
	r.s.letters()
	run(2 * time.Second)
	r.board.relay[2] = 0
	run(time.Second)
	r.board.relay[2] = -1
	run(time.Second)
	before := len(r.out(2).sent)
	r.board.relay[2] = -1
	r.board.mix = nil // silence
	run(time.Second)
	if len(r.out(2).sent) > before+1 {
		t.Error("sends while nothing is heard")
	}
	packets := r.out(2).packets(t)
	var audio []pionrtp.Packet
	for _, p := range packets {
		if p.PayloadType != 98 {
			audio = append(audio, p)
		}
	}
	if c := checkContinuity(audio); c.ssrcChanges+c.tsErrors > 0 {
		t.Errorf("audio of the stream: %+v", c)
	}
	if c := checkContinuity(packets); c.seqGaps > 0 {
		t.Errorf("%d sequence gaps", c.seqGaps)
	}
	length := time.Duration(audio[len(audio)-1].Timestamp-audio[0].Timestamp) * sampleTime
	if length < 6900*time.Millisecond || length > 7100*time.Millisecond {
		t.Errorf("stream of 7 s covers %v", length)
	}

	r.board.mix = mixTone(0x55)
	run(100 * time.Millisecond)
	resumed := r.out(2).packets(t)[len(packets):]
	gap := resumed[0].Timestamp - audio[len(audio)-1].Timestamp
	if !resumed[0].Marker || gap%160 != 0 || gap < 7840 || gap > 8320 || resumed[0].SequenceNumber != packets[len(packets)-1].SequenceNumber+1 {
		t.Errorf("after a second of silence: marker %v, timestamp +%d", resumed[0].Marker, gap)
	}
	done := r.events()
	if n := kinds(done)[EventDigitsDone]; n != 1 {
		t.Errorf("%d completions of digits", n)
	}
}

func kinds(events []Event) map[EventKind]int {
	n := map[EventKind]int{}
	for _, e := range events {
		n[e.Kind]++
	}
	return n
}

// TestDigitsRelayed maps the payload type, keeps start and duration, and leaves no hole where the hearer takes no events.
func TestDigitsRelayed(t *testing.T) {
	r := newRig(t, 3)
	r.board.relay[1], r.board.relay[2] = 0, 0
	r.update(2, func(p *Params) { p.EventSendPT = 0 })
	a := &talker{ssrc: 1, seq: 100, ts: 1000}
	step := func(data []byte) {
		r.advance(frameTime)
		r.receive(0, r.peers[0], data)
	}
	step(a.next())
	step(a.next())
	start := a.ts + FrameSamples
	for i := range 5 {
		step(a.event(101, 7, start, uint16(i+1)*160, i == 4, i == 0))
	}
	step(a.event(101, 7, start, 800, true, false))
	step(a.event(101, 7, start, 800, true, false))
	a.ts = start + 7*160
	step(a.next())

	with := r.out(1).packets(t)
	if c := checkContinuity(with); len(with) != 10 || c.seqGaps != 0 {
		t.Fatalf("%d packets, %+v", len(with), c)
	}
	base := with[2].Timestamp
	for i, p := range with[2:9] {
		if p.PayloadType != 97 || p.Timestamp != base || p.Marker != (i == 0) || p.Payload[0] != 7 || (p.Payload[1]&0x80 != 0) != (i >= 4) {
			t.Errorf("event packet %d: %v", i, p)
		}
	}
	if d := with[9].Timestamp - with[1].Timestamp; d != a.ts-(start-160) {
		t.Errorf("audio goes on %d after the audio before the digit", d)
	}
	without := r.out(2).packets(t)
	if c := checkContinuity(without); len(without) != 3 || c.seqGaps != 0 {
		t.Errorf("hearer without events: %d packets, %+v", len(without), c)
	}
	var digits []Event
	for _, e := range r.events() {
		if e.Kind == EventDigit {
			digits = append(digits, e)
		}
	}
	if len(digits) != 1 || digits[0].Code != '7' || digits[0].Duration != 100*time.Millisecond {
		t.Errorf("reported: %+v", digits)
	}
}

func TestStuckDigit(t *testing.T) {
	r := newRig(t, 1)
	a := &talker{ssrc: 1}
	r.receive(0, r.peers[0], a.event(101, 12, 100, 400, false, true))
	r.advance(360 * time.Millisecond)
	if n := kinds(r.events())[EventDigit]; n != 0 {
		t.Error("told before 375 ms")
	}
	r.advance(40 * time.Millisecond)
	got := r.events()
	if len(got) != 1 || got[0].Code != 'A' || got[0].Duration != 50*time.Millisecond {
		t.Errorf("told %+v", got)
	}
}

func TestDigitsErrors(t *testing.T) {
	r := newRig(t, 1)
	ctx := context.Background()
	one := []Digit{{Code: '1'}}
	r.update(0, func(p *Params) { p.EventSendPT = 0 })
	if err := r.legs[0].Digits(ctx, one); !errors.Is(err, ErrNoTelephoneEvent) {
		t.Errorf("without events: %v", err)
	}
	r.update(0, func(p *Params) { p.Send = false })
	if err := r.legs[0].Digits(ctx, one); !errors.Is(err, ErrNotSending) {
		t.Errorf("receive only: %v", err)
	}
	r.update(0, func(*Params) {})
	if err := r.legs[0].Digits(ctx, nil); !errors.Is(err, ErrBadDigit) {
		t.Errorf("no digits: %v", err)
	}
	if err := r.legs[0].Digits(ctx, []Digit{{Code: '1'}, {Code: 'x'}}); !errors.Is(err, ErrBadDigit) {
		t.Errorf("bad digit: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.legs[0].Digits(cancelled, one); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	many := make([]Digit, MaxDigitsQueued)
	for i := range many {
		many[i].Code = '1'
	}
	if err := r.legs[0].Digits(ctx, many); err != nil {
		t.Error(err)
	}
	if err := r.legs[0].Digits(ctx, one); !errors.Is(err, ErrTooManyDigits) {
		t.Errorf("queue full: %v", err)
	}
	r.update(0, func(p *Params) { p.EventSendPT = 0 }) // renegotiated away
	done := r.events()
	if len(done) != 1 || done[0].Kind != EventDigitsDone || !errors.Is(done[0].Err, ErrNoTelephoneEvent) || done[0].Sent != 0 {
		t.Errorf("cut short: %+v", done)
	}
	r.update(0, func(*Params) {})
	if err := r.legs[0].Digits(ctx, one); err != nil {
		t.Errorf("the queue is not free again: %v", err)
	}
	r.legs[0].Close()
	done = r.events()
	if len(done) != 1 || !errors.Is(done[0].Err, ErrClosed) {
		t.Errorf("at close: %+v", done)
	}
	if err := r.legs[0].Digits(ctx, one); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// TestForeignSource injects RTP from elsewhere: it is heard by nobody, reported nowhere, and counted.
func TestForeignSource(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	thief := netip.MustParseAddrPort("203.0.113.9:4000")
	evil := &talker{ssrc: 66}
	for range 20 {
		r.receive(0, thief, evil.next())
		r.receive(0, thief, evil.event(101, 1, 5, 800, true, true))
		r.receive(0, netip.AddrPortFrom(r.peers[0].Addr(), 4001), evil.next())
	}
	if len(r.out(1).sent) != 0 || len(r.events()) != 0 {
		t.Fatal("a stranger's packets were heard")
	}
	a := &talker{ssrc: 1}
	r.receive(0, r.peers[0], a.next())
	s := r.legs[0].Stats()
	if s.ForeignDropped != 60 || s.PacketsReceived != 1 || len(r.out(1).sent) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestLearntSourceIsAnswered(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	r.board.mix = mixTone(1)
	r.update(0, func(p *Params) { p.Learn = true })
	nat := netip.MustParseAddrPort("203.0.113.9:61000")
	r.advance(frameTime)
	if to := r.out(0).sent[0].to; to != r.peers[0] {
		t.Errorf("sends to %v before anything came", to)
	}
	a := &talker{ssrc: 1}
	for range 4 {
		r.receive(0, nat, a.next())
		r.advance(frameTime)
	}
	if to := r.out(0).sent[len(r.out(0).sent)-1].to; to != nat {
		t.Errorf("sends to %v, learnt %v", to, nat)
	}
	got := kinds(r.events())
	if got[EventSourceLocked] != 1 || got[EventFirstPacket] != 1 {
		t.Errorf("events %v", got)
	}
	r.update(0, func(p *Params) { p.Learn, p.Timeout = true, time.Minute }) // nothing of the address changed
	r.receive(0, r.peers[0], a.next())
	if s := r.legs[0].Stats(); s.ForeignDropped != 3 {
		t.Errorf("unlocked without renegotiation: %+v", s)
	}
	r.update(0, func(p *Params) { p.Remote = netip.AddrPortFrom(p.Remote.Addr(), 4444) })
	r.receive(0, nat, a.next())
	if s := r.legs[0].Stats(); s.ForeignDropped != 4 {
		t.Errorf("still locked after renegotiation: %+v", s)
	}
}

func TestTimeout(t *testing.T) {
	r := newRig(t, 1)
	r.update(0, func(p *Params) { p.Timeout = time.Second })
	r.advance(980 * time.Millisecond)
	if len(r.events()) != 0 {
		t.Error("too early")
	}
	r.advance(3 * time.Second)
	if got := kinds(r.events()); got[EventTimeout] != 1 {
		t.Errorf("silence told %d times", got[EventTimeout])
	}
	a := &talker{ssrc: 1}
	for range 100 {
		r.receive(0, r.peers[0], a.next())
		r.advance(frameTime)
	}
	if got := kinds(r.events()); got[EventTimeout] != 0 {
		t.Error("told while packets came")
	}
	r.advance(2 * time.Second)
	if got := kinds(r.events()); got[EventTimeout] != 1 {
		t.Error("a second silence was not told")
	}
	r.update(0, func(p *Params) { p.Timeout = 0 })
	r.advance(time.Minute)
	if got := kinds(r.events()); got[EventTimeout] != 0 {
		t.Error("told while switched off")
	}
}

// TestNeverSendsNowhere leaves out the remote, or forbids sending.
func TestNeverSendsNowhere(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"no remote":    func(p *Params) { p.Remote = netip.AddrPort{} },
		"unspecified":  func(p *Params) { p.Remote = netip.MustParseAddrPort("0.0.0.0:4000") },
		"port 0":       func(p *Params) { p.Remote = netip.AddrPortFrom(p.Remote.Addr(), 0) },
		"receive only": func(p *Params) { p.Send = false },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 2)
			r.update(1, change)
			r.board.mix = mixTone(1)
			r.advance(frameTime * 5)
			r.board.relay[1] = 0
			a := &talker{ssrc: 1}
			r.receive(0, r.peers[0], a.next())
			if n := len(r.out(1).sent); n != 0 {
				t.Errorf("%d packets sent", n)
			}
		})
	}
}

func TestNotReceiving(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	a := &talker{ssrc: 1}
	for range 3 {
		r.receive(0, r.peers[0], a.next())
		r.advance(frameTime)
	}
	r.update(0, func(p *Params) { p.Recv = false })
	for range 10 {
		r.receive(0, r.peers[0], a.next())
		r.advance(frameTime)
	}
	r.update(0, func(*Params) {})
	r.receive(0, r.peers[0], a.next())
	out := r.out(1).packets(t)
	if len(out) != 4 || checkContinuity(out).seqGaps != 0 || out[3].Timestamp-out[2].Timestamp != 11*160 {
		t.Errorf("%d packets, %+v", len(out), checkContinuity(out))
	}
	if s := r.legs[0].Stats(); s.PacketsReceived != 14 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// TestMixPath brings packets through the jitter buffer to the board, and shows loss.
func TestMixPath(t *testing.T) {
	r := newRig(t, 2)
	r.board.wants[0] = true
	a := &talker{ssrc: 1}
	for n := range 100 {
		data := a.next()
		if n != 50 {
			r.receive(0, r.peers[0], data)
		}
		r.advance(frameTime)
	}
	frames := r.board.frames[0]
	if len(frames) != 100 || r.board.ticks != 100 || len(r.board.frames[1]) != 0 {
		t.Fatalf("%d frames in %d ticks", len(frames), r.board.ticks)
	}
	lost := 0
	for i, f := range frames[5:] {
		if f == nil {
			lost++
		} else if len(f) != FrameSamples || f[1] != f[0]+1 {
			t.Fatalf("frame %d: %v", i, f[:4])
		}
	}
	s := r.legs[0].Stats()
	if lost != 1 || s.Lost != 1 || s.SequenceGaps != 1 || s.BufferDelay != frameTime || s.MOS < 4 || s.MOS > 4.4 {
		t.Errorf("%d lost frames, %+v", lost, s)
	}
}

// TestBadPackets: nothing of it is heard, all of it is counted.
func TestBadPackets(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	good := rtpPacket(0, 1, 1, 1, false, make([]byte, 160))
	for _, data := range [][]byte{
		{}, {0x80}, good[:11],
		append([]byte{0x40}, good[1:]...),              // version 1
		append([]byte{0x8F}, good[1:20]...),            // 15 CSRCs that are not there
		append([]byte{0x90}, good[1:13]...),            // extension that is not there
		append(append([]byte{0xA0}, good[1:]...), 0),   // padding of 0
		append(append([]byte{0xA0}, good[1:]...), 255), // padding longer than the payload
	} {
		r.receive(0, r.peers[0], data)
	}
	r.receive(0, r.peers[0], rtpPacket(18, 1, 1, 1, false, make([]byte, 20)))   // G.729
	r.receive(0, r.peers[0], rtpPacket(101, 1, 1, 1, false, []byte{1, 2}))      // short event
	r.receiveRTCP(0, netip.AddrPortFrom(r.peers[0].Addr(), 4001), []byte{1, 2}) // short RTCP
	s := r.legs[0].Stats()
	if s.Malformed != 10 || s.UnknownPT != 1 || len(r.out(1).sent) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestSSRCCollision(t *testing.T) {
	r := newRig(t, 2)
	r.board.relay[1] = 0
	r.board.mix = mixTone(1)
	r.advance(frameTime * 2)
	old := r.legs[0].SSRC()
	echo := &talker{ssrc: old}
	r.receive(0, r.peers[0], echo.next())
	fresh := r.legs[0].SSRC()
	if fresh == old {
		t.Fatal("the SSRC stayed")
	}
	r.advance(frameTime)
	out := r.out(0).packets(t)
	last, before := out[len(out)-1], out[len(out)-2]
	if last.SSRC != fresh || !last.Marker || last.SequenceNumber != before.SequenceNumber+1 || last.Timestamp != before.Timestamp+160 {
		t.Errorf("%v after %v", last.Header, before.Header)
	}
	echo.ssrc = fresh // an echo test sends back what we send: no second change, and it is heard
	r.receive(0, r.peers[0], echo.next())
	if r.legs[0].SSRC() != fresh || len(r.out(1).sent) != 2 {
		t.Error("an echo changed the SSRC again, or was not heard")
	}
	if got := kinds(r.events()); got[EventSSRCCollision] != 1 {
		t.Errorf("events %v", got)
	}
}

// FuzzMedia sends arbitrary datagrams to a leg with every path open. No panic; whatever is relayed is a valid packet.
func FuzzMedia(f *testing.F) {
	f.Add(rtpPacket(0, 1, 1, 1, true, make([]byte, 160)))
	f.Add(rtpPacket(101, 1, 1, 1, true, []byte{1, 0x8a, 3, 32}))
	f.Add([]byte{0x9F, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x10, 1, 2, 3})
	r := newRig(f, 2)
	r.board.relay[1], r.board.wants[0], r.board.keep = 0, true, false
	r.out(1).onSend = func(b []byte, _ netip.AddrPort) {
		var p pionrtp.Packet
		if err := p.Unmarshal(b); err != nil || p.SSRC != r.legs[1].SSRC() || p.PayloadType != 0 && p.PayloadType != 97 {
			f.Errorf("relayed %x: %v", b, err)
		}
	}
	r.out(1).discard = true
	f.Fuzz(func(_ *testing.T, data []byte) {
		if len(data) >= maxDatagram {
			return
		}
		r.receive(0, r.peers[0], data)
		r.receiveRTCP(0, netip.AddrPortFrom(r.peers[0].Addr(), 4001), data)
		r.advance(frameTime)
		r.e.events.take()
	})
}
