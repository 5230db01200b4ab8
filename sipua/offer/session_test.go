package offer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOfferGolden(t *testing.T) {
	six := local()
	six.Addr, six.EventPT, six.Direction = addr("2001:db8::7"), 0, SendOnly
	many := local()
	many.Codecs = []Codec{PCMU, {Name: "opus-mono", PT: 96, ClockRate: 48000, Fmtp: "useinbandfec=1"}, PCMU}
	many.PTime = 30
	for name, l := range map[string]Local{"offer.sdp": local(), "offer-ipv6-hold.sdp": six, "offer-many.sdp": many} {
		t.Run(name, func(t *testing.T) { golden(t, name, testSession().Offer(l)) })
	}
}

func TestVersionRisesOnlyOnChange(t *testing.T) {
	s, l := testSession(), local()
	first := s.Offer(l)
	if v := version(t, first); v != "1000" {
		t.Errorf("first version %s", v)
	}
	if again := s.Offer(l); string(again) != string(first) {
		t.Errorf("unchanged offer differs:\n%s\n%s", first, again)
	}
	l.Direction = SendOnly
	if v := version(t, s.Offer(l)); v != "1001" {
		t.Errorf("after hold: version %s, want 1001", v)
	}
	s.Rollback()
	l.Direction = SendRecv
	if v := version(t, s.Offer(l)); v != "1002" {
		t.Errorf("other content after a refused offer: version %s, want 1002", v)
	}
}

func TestAnswerVersion(t *testing.T) {
	s, l := testSession(), local()
	remote := lines("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0")
	a1, _, err := s.Answer(l, remote)
	if err != nil {
		t.Fatal(err)
	}
	a2, _, err := s.Answer(l, remote)
	if err != nil || string(a1) != string(a2) {
		t.Errorf("same offer, other answer (%v):\n%s\n%s", err, a1, a2)
	}
	hold := append(remote, "a=sendonly\r\n"...)
	a3, n, err := s.Answer(l, hold)
	if err != nil || version(t, a3) != "1001" || n.Direction != RecvOnly || !n.PeerHolds() {
		t.Errorf("hold: %v %+v\n%s", err, n, a3)
	}
}

func TestRefusedReofferLeavesSession(t *testing.T) {
	s, l := testSession(), local()
	remote := lines("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
	first, _, err := s.Answer(l, remote)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"v=0\r\nm=audio 4000 RTP/AVP 18\r\nc=IN IP4 192.0.2.1\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 0\r\nm=image 4002 udptl t38\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio x RTP/AVP 0\r\n",
	} {
		if _, _, err := s.Answer(l, []byte(bad)); !errors.Is(err, ErrNotAcceptable) || Status(err) != 488 {
			t.Fatalf("%q: %v", bad, err)
		}
	}
	again, _, err := s.Answer(l, remote)
	if err != nil || string(again) != string(first) {
		t.Errorf("session changed by refused offers (%v):\n%s\n%s", err, first, again)
	}
}

func TestReofferKeepsLinesAndTypes(t *testing.T) {
	s, l := testSession(), local()
	remote := lines("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0",
		"m=video 4010 RTP/AVP 31", "m=audio 4000 RTP/AVPF 0 96", "a=rtpmap:96 telephone-event/8000", "m=image 4020 udptl t38")
	if _, _, err := s.Answer(l, remote); err != nil {
		t.Fatal(err)
	}
	golden(t, "reoffer.sdp", s.Offer(l))
}

func TestOfferAvoidsTypeInUse(t *testing.T) {
	s, l := testSession(), local()
	// The peer's number for telephone-event is the one we would give to another codec.
	remote := lines("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 8 97", "a=rtpmap:97 telephone-event/8000")
	if _, _, err := s.Answer(l, remote); err != nil {
		t.Fatal(err)
	}
	l.Codecs = append(l.Codecs, Codec{Name: "L16", PT: 97, ClockRate: 8000})
	body := string(s.Offer(l))
	if !strings.Contains(body, "a=rtpmap:97 telephone-event/8000") || !strings.Contains(body, "a=rtpmap:96 L16/8000") {
		t.Errorf("numbers changed their meaning:\n%s", body)
	}
}

func TestAccept(t *testing.T) {
	s := testSession()
	if _, err := s.Accept(lines("v=0")); !errors.Is(err, ErrNoOffer) || Status(err) != 500 {
		t.Errorf("without an offer: %v", err)
	}
	s.Offer(local())
	early := lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8 97", "a=rtpmap:97 telephone-event/8000", "a=sendonly")
	got, err := s.Accept(early)
	want := Negotiated{
		Remote: port("192.0.2.9:5000"), RemoteRTCP: port("192.0.2.9:5001"), Codec: PCMA, RecvPT: 8,
		EventSendPT: 97, EventRecvPT: 101, Direction: RecvOnly, Peer: SendOnly, PTime: 20,
	}
	if d := cmp.Diff(want, got, byAddr); err != nil || d != "" {
		t.Errorf("early: %v\n%s", err, d)
	}
	final := lines("v=0", "c=IN IP4 192.0.2.10", "m=audio 5002 RTP/AVP 0", "a=ptime:30", "a=rtcp:7000 IN IP4 192.0.2.11")
	got, err = s.Accept(final)
	want = Negotiated{Remote: port("192.0.2.10:5002"), RemoteRTCP: port("192.0.2.11:7000"), Codec: PCMU, RecvPT: 0, Direction: SendRecv, Peer: SendRecv, PTime: 30}
	if d := cmp.Diff(want, got, byAddr); err != nil || d != "" {
		t.Errorf("final: %v\n%s", err, d)
	}
}

func TestAcceptRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"more lines":  {lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8", "m=video 5002 RTP/AVP 31"), ErrMediaMismatch},
		"no line":     {lines("v=0", "c=IN IP4 192.0.2.9"), ErrMediaMismatch},
		"other kind":  {lines("v=0", "c=IN IP4 192.0.2.9", "m=image 5000 udptl t38"), ErrMediaMismatch},
		"port 0":      {lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 0 RTP/AVP 8"), ErrNoAudio},
		"codec":       {lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 18"), ErrNoCodec},
		"only events": {lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), ErrNoCodec},
		"no address":  {lines("v=0", "m=audio 5000 RTP/AVP 8"), ErrNoAddress},
		"family":      {lines("v=0", "c=IN IP6 2001:db8::9", "m=audio 5000 RTP/AVP 8"), ErrAddressFamily},
		"secure":      {lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/SAVP 8"), ErrSecureMedia},
		"empty":       {nil, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSession()
			s.Offer(local())
			if _, err := s.Accept(c.body); !errors.Is(err, c.want) || !errors.Is(err, ErrNotAcceptable) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if _, err := s.Accept(lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8")); err != nil {
				t.Errorf("a good answer after it: %v", err)
			}
		})
	}
}

// An answer with fewer lines than the offer's is taken as long as the audio line is at its place.
func TestAcceptFewerLines(t *testing.T) {
	s := testSession()
	if _, _, err := s.Answer(local(), lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8", "m=video 5002 RTP/AVP 31")); err != nil {
		t.Fatal(err)
	}
	s.Offer(local())
	if _, err := s.Accept(lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8")); err != nil {
		t.Error(err)
	}
}

func TestClone(t *testing.T) {
	s, l := testSession(), local()
	s.Offer(l)
	fork := s.Clone()
	if _, _, err := fork.Answer(l, lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000")); err != nil {
		t.Fatal(err)
	}
	n, err := s.Accept(lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8 100", "a=rtpmap:100 telephone-event/8000"))
	if err != nil || n.EventRecvPT != 101 {
		t.Errorf("the fork changed its origin: %v %+v", err, n)
	}
}

func TestSessionUser(t *testing.T) {
	for in, want := range map[string]string{"anna": "anna", "": "-", "a b": "-", "a\r\nm=audio": "-", strings.Repeat("x", 65): "-", "ü": "-"} {
		if got := NewSession(in).user; got != want {
			t.Errorf("user %q: got %q, want %q", in, got, want)
		}
	}
}

// A number that the peer gave another meaning is not used for the old one any more.
func TestTypeWithNewMeaning(t *testing.T) {
	s, l := testSession(), local()
	l.EventPT, l.Codecs = 97, []Codec{PCMU, {Name: "L16", PT: 97, ClockRate: 8000}}
	s.Offer(l) // telephone-event has 97 or L16 has
	s.Rollback()
	l.EventPT = 0
	if _, _, err := s.Answer(l, lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 96", "a=rtpmap:96 L16/8000")); err != nil {
		t.Fatal(err)
	}
	l.EventPT = 96
	r, err := Parse(s.Offer(l))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint8]string{}
	for _, c := range r.Media[0].Codecs {
		if seen[c.PT] != "" {
			t.Errorf("%d is %s and %s", c.PT, seen[c.PT], c.Name)
		}
		seen[c.PT] = c.Name
	}
	if seen[96] != "L16" || len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}

func TestCheck(t *testing.T) {
	good := string(testSession().Offer(local()))
	if err := Check([]byte(good)); err != nil {
		t.Errorf("a good offer: %v", err)
	}
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"bytes":    {good + "a=x:" + strings.Repeat("y", MaxBody) + "\r\n", ErrTooLarge},
		"lines":    {good + strings.Repeat("a=x\r\n", MaxLines), ErrTooManyLines},
		"garbage":  {"\x00\xff", ErrMalformed},
		"no audio": {strings.Replace(good, "m=audio", "m=image", 1), ErrNoAudio},
	} {
		if err := Check([]byte(tc.body)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if err := Check([]byte(good), Codec{Name: "G729", PT: 18, ClockRate: 8000}); !errors.Is(err, ErrNoCodec) {
		t.Errorf("no codec in common: %v", err)
	}
}
