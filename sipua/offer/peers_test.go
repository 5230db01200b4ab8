package offer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/sdp/v3"
)

// peers are offers as they come from real equipment, with what we make of them. The answers are golden files beside
// them.
var peers = map[string]struct {
	local func(*Local) // nil: local() as it is
	want  Negotiated
	err   error
}{
	"asterisk.sdp":      {want: both("192.0.2.10:14562", PCMU, 101)},
	"freeswitch.sdp":    {want: both("192.0.2.20:23456", PCMA, 101)},
	"rtpengine.sdp":     {want: both("192.0.2.30:30128", PCMA, 96)},
	"yealink.sdp":       {want: both("192.0.2.50:11788", PCMU, 101)},
	"baresip.sdp":       {want: both("192.0.2.60:29410", PCMU, 101)},
	"sipp.sdp":          {want: both("127.0.0.1:6000", PCMU, 0)},
	"audio-and-t38.sdp": {want: both("192.0.2.70:6480", PCMA, 96)},
	"bundle-plain.sdp":  {want: both("192.0.2.80:40000", PCMU, 126)},
	"yealink-optional-srtp.sdp": {
		local: func(l *Local) { l.Prefer = "pcma" },
		want:  both("192.0.2.50:11790", PCMA, 101),
	},
	"cisco-cucm.sdp": {want: Negotiated{
		Remote: port("192.0.2.41:17236"), RemoteRTCP: port("192.0.2.41:17237"), Codec: PCMU, RecvPT: 0,
		EventSendPT: 101, EventRecvPT: 101, Direction: RecvOnly, Peer: SendOnly, PTime: 20,
	}},
	"cisco-gateway-2543-hold.sdp": {want: Negotiated{
		Remote: port("0.0.0.0:18064"), RemoteRTCP: port("0.0.0.0:18065"), Codec: PCMA, RecvPT: 8,
		EventSendPT: 101, EventRecvPT: 101, Direction: RecvOnly, Peer: SendOnly, PTime: 20,
	}},
	"grandstream-inactive.sdp": {want: Negotiated{
		Remote: port("192.0.2.55:5004"), RemoteRTCP: port("192.0.2.55:5005"), Codec: PCMU, RecvPT: 0,
		EventSendPT: 101, EventRecvPT: 101, Direction: Inactive, Peer: Inactive, PTime: 20,
	}},
	"carrier-30ms.sdp": {
		local: func(l *Local) { l.Direction = SendOnly },
		want: Negotiated{
			Remote: port("192.0.2.91:35218"), RemoteRTCP: port("192.0.2.91:35219"), Codec: PCMA, RecvPT: 8,
			EventSendPT: 101, EventRecvPT: 101, Direction: SendOnly, Peer: SendRecv, PTime: 30,
		},
	},
	"rfc4475-sdp01.sdp":   {want: both("192.0.2.5:49217", PCMU, 0)},
	"rfc5118-mult-ip.sdp": {want: both("192.0.2.1:22334", PCMU, 0)},
	"rfc5118-mapped.sdp":  {want: both("192.0.2.2:6000", PCMA, 0)},
	"ipv6.sdp": {
		local: func(l *Local) { l.Addr = addr("2001:db8::7") },
		want:  both("[2001:db8::20]:6000", PCMA, 100),
	},
	"sloppy-lf.sdp": {want: both("192.0.2.99:4000", PCMA, 96)},
	"sloppy-order.sdp": {want: Negotiated{
		Remote: port("192.0.2.98:4002"), RemoteRTCP: port("192.0.2.98:4003"), Codec: PCMU,
		Direction: RecvOnly, Peer: SendOnly, PTime: 20,
	}},
	"t38-only.sdp": {err: ErrNoAudio},
	"webrtc.sdp":   {err: ErrSecureMedia},
}

// both is a plain two-way outcome; event 0 means none.
func both(remote string, c Codec, event uint8) Negotiated {
	p := port(remote)
	rtcp := p.Port() + 1
	return Negotiated{
		Remote: p, RemoteRTCP: portFrom(p, rtcp), Codec: c, RecvPT: c.PT,
		EventSendPT: event, EventRecvPT: event, Direction: SendRecv, Peer: SendRecv, PTime: 20,
	}
}

func TestPeers(t *testing.T) {
	files, err := filepath.Glob("testdata/peers/*.sdp")
	if err != nil || len(files) != len(peers) {
		t.Fatalf("%d files for %d cases (%v)", len(files), len(peers), err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			c, ok := peers[name]
			if !ok {
				t.Fatal("no case for this file")
			}
			l := local()
			if c.local != nil {
				c.local(&l)
			}
			answer, got, err := testSession().Answer(l, body)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if d := cmp.Diff(c.want, got, byAddr); d != "" {
				t.Errorf("negotiated (-want +got):\n%s", d)
			}
			if c.err == nil {
				golden(t, filepath.Join("peers", strings.TrimSuffix(name, ".sdp")+".answer"), answer)
				checkAnswer(t, body, answer)
			}
		})
	}
}

// checkAnswer asserts what holds for every answer: it mirrors the offer line by line with at most one live line, and
// pion/sdp reads it as it is wherever it knows all the media and protocols in it.
func checkAnswer(t *testing.T, offer, answer []byte) {
	t.Helper()
	o, err := Parse(offer)
	if err != nil {
		t.Fatalf("answered an offer that does not parse: %v", err)
	}
	a, err := Parse(answer)
	if err != nil {
		t.Fatalf("our answer does not parse: %v\n%s", err, answer)
	}
	if len(a.Media) != len(o.Media) {
		t.Fatalf("%d media lines answer %d\n%s", len(a.Media), len(o.Media), answer)
	}
	live, known := 0, true
	for i, m := range a.Media {
		if m.Kind != o.Media[i].Kind || m.Proto != o.Media[i].Proto || len(m.Formats) == 0 {
			t.Errorf("line %d: %v does not mirror %v", i, m, o.Media[i])
		}
		if m.Port != 0 {
			live++
		}
		known = known && pionKnows(m)
	}
	if live > 1 {
		t.Errorf("%d live lines\n%s", live, answer)
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(answer); known && err != nil {
		t.Errorf("pion/sdp: %v\n%s", err, answer)
	}
}

func pionKnows(m Media) bool {
	for p := range strings.SplitSeq(m.Proto, "/") {
		if !strings.Contains(" UDP RTP AVP SAVP SAVPF TLS DTLS SCTP AVPF TCP MSRP BFCP UDT IX MRCPv2 FEC ", " "+p+" ") {
			return false
		}
	}
	return strings.Contains(" audio video text application message ", " "+m.Kind+" ")
}
