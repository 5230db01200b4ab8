package rtp

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// compound parses and validates what was sent as RTCP (RFC 3550 §6.1).
func compound(t testing.TB, data []byte) rtcp.CompoundPacket {
	t.Helper()
	var c rtcp.CompoundPacket
	if err := c.Unmarshal(data); err != nil {
		t.Fatalf("%x: %v", data, err)
	}
	return c
}

func TestReports(t *testing.T) {
	r := newRig(t, 1)
	r.legs[0].leg.control.plan(0) // the rig's clock, not the real one
	r.board.mix = mixTone(1)
	a := &talker{ssrc: 77, seq: 65530}
	for n := range 3000 {
		data := a.next()
		if n%10 != 5 {
			r.receive(0, r.peers[0], data)
		}
		r.advance(frameTime)
	}
	sent := r.rtcp(0).sent
	if len(sent) < 8 || len(sent) > 24 {
		t.Fatalf("%d reports in 60 s", len(sent))
	}
	for _, p := range sent {
		if want := netip.AddrPortFrom(r.peers[0].Addr(), r.peers[0].Port()+1); p.to != want {
			t.Errorf("sent to %v", p.to)
		}
		c := compound(t, p.data)
		sr, ok := c[0].(*rtcp.SenderReport)
		if name, err := c.CNAME(); !ok || err != nil || name == "" || sr.SSRC != r.legs[0].SSRC() || len(sr.Reports) != 1 {
			t.Fatalf("report %v", c)
		}
		if b := sr.Reports[0]; b.SSRC != 77 || math.Abs(float64(b.FractionLost)/256-0.1) > 0.02 {
			t.Errorf("block %+v", b)
		}
	}
	last := compound(t, sent[len(sent)-1].data)[0].(*rtcp.SenderReport)
	media := r.out(0).packets(t)
	end := media[len(media)-1].Timestamp
	if d := int32(end - last.RTPTime); d < 0 || d > 8*8000 || last.PacketCount == 0 || last.OctetCount != last.PacketCount*FrameSamples {
		t.Errorf("last report %+v, stream ends at %d", last, end)
	}

	r.board.mix = nil
	r.advance(20 * time.Second) // silent for whole intervals: RR
	sent = r.rtcp(0).sent
	if _, ok := compound(t, sent[len(sent)-1].data)[0].(*rtcp.ReceiverReport); !ok {
		t.Error("a silent sender still sends SR")
	}
	r.legs[0].Close()
	sent = r.rtcp(0).sent
	c := compound(t, sent[len(sent)-1].data)
	if bye, ok := c[len(c)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != r.legs[0].SSRC() {
		t.Errorf("close sent %v", c)
	}
}

func TestNoReportsBeforeMedia(t *testing.T) {
	r := newRig(t, 1)
	r.advance(30 * time.Second)
	r.legs[0].Close()
	if n := len(r.rtcp(0).sent); n != 0 {
		t.Errorf("%d reports of a stream that never was", n)
	}
}

// TestRoundTrip lets a peer report on us 150 ms after our report, of which it held 100 ms.
func TestRoundTrip(t *testing.T) {
	r := newRig(t, 1)
	from := netip.AddrPortFrom(r.peers[0].Addr(), r.peers[0].Port()+1)
	r.receive(0, r.peers[0], (&talker{ssrc: 77}).next())
	own := r.legs[0].SSRC()
	report := func(lsr uint32, blockSSRC uint32) []byte {
		b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{
			SSRC: blockSSRC, FractionLost: 64, Jitter: 80, LastSenderReport: lsr, Delay: 65536 / 10}}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	lsr := uint32(r.s.ntp(r.now) >> 16)
	r.now += 150 * time.Millisecond
	r.receiveRTCP(0, from, report(lsr, own+1)) // about someone else
	if s := r.legs[0].Stats(); s.RTT != 0 || s.RemoteLoss != 0 {
		t.Errorf("took a block about another stream: %+v", s)
	}
	r.receiveRTCP(0, netip.MustParseAddrPort("203.0.113.5:4001"), report(lsr, own)) // from someone else
	if s := r.legs[0].Stats(); s.RTT != 0 || s.ForeignDropped != 1 {
		t.Errorf("took a stranger's report: %+v", s)
	}
	r.receiveRTCP(0, from, report(lsr, own))
	s := r.legs[0].Stats()
	if s.RTT < 49*time.Millisecond || s.RTT > 51*time.Millisecond || s.RemoteLoss != 0.25 || s.RemoteJitter != 10*time.Millisecond {
		t.Errorf("RTT %v, loss %v, jitter %v", s.RTT, s.RemoteLoss, s.RemoteJitter)
	}
	r.receiveRTCP(0, from, report(lsr+1000*65536, own)) // nonsense: a report from the future
	if got := r.legs[0].Stats().RTT; got != s.RTT {
		t.Errorf("RTT %v from nonsense", got)
	}
}

// TestLastSenderReport checks LSR and DLSR of our block after the peer's SR.
func TestLastSenderReport(t *testing.T) {
	var c control
	r := reception{}
	r.arrive(0, 77, 1, 1, 160, true)
	sr, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 77, NTPTime: 0x1122334455667788}})
	if err != nil {
		t.Fatal(err)
	}
	if ok, bye := c.take(time.Second, 0, 5, &r, sr); !ok || bye {
		t.Fatal("sender report refused")
	}
	b, err := c.report(1500*time.Millisecond, 0, sending{ssrc: 5, cname: "x"}, &r, false)
	if err != nil {
		t.Fatal(err)
	}
	block := compound(t, b)[0].(*rtcp.ReceiverReport).Reports[0]
	if block.LastSenderReport != 0x33445566 || block.Delay != 32768 || block.LastSequenceNumber != 1 {
		t.Errorf("%+v", block)
	}
}

func TestByeIsToldOnce(t *testing.T) {
	r := newRig(t, 1)
	from := netip.AddrPortFrom(r.peers[0].Addr(), r.peers[0].Port()+1)
	r.receive(0, r.peers[0], (&talker{ssrc: 77}).next())
	for _, ssrc := range []uint32{1, 77, 77} {
		b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: ssrc}, &rtcp.Goodbye{Sources: []uint32{ssrc}}})
		if err != nil {
			t.Fatal(err)
		}
		r.receiveRTCP(0, from, b)
	}
	if got := kinds(r.events()); got[EventBye] != 1 {
		t.Errorf("events %v", got)
	}
}

func TestNTPTime(t *testing.T) {
	if got := ntpTime(time.Unix(0, 500_000_000)); got != 2208988800<<32|1<<31 {
		t.Errorf("%x", got)
	}
}

// FuzzControl takes arbitrary RTCP: no panic, and no figure out of its range.
func FuzzControl(f *testing.F) {
	seed, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{SSRC: 5, LastSenderReport: 1}}},
		rtcp.NewCNAMESourceDescription(77, "x"), &rtcp.Goodbye{Sources: []uint32{77}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 0})
	f.Add([]byte{0x80, 200, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var c control
		var r reception
		r.arrive(0, 77, 1, 1, 160, true)
		c.take(time.Second, 1<<40, 5, &r, data)
		if c.rtt < 0 || c.rtt > maxRTT || c.remoteLoss < 0 || c.remoteLoss > 1 {
			t.Fatalf("RTT %v, loss %v", c.rtt, c.remoteLoss)
		}
		if _, err := c.report(2*time.Second, 1<<40, sending{ssrc: 5, cname: "x"}, &r, true); err != nil {
			t.Fatal(err)
		}
	})
}
