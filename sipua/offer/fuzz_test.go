package offer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzSDP feeds any bytes as an offer and as an answer. Whatever is accepted must have a true mirror as its answer;
// whatever is refused must be a typed error and leave the session as it was.
func FuzzSDP(f *testing.F) {
	files, err := filepath.Glob("testdata/peers/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("v=0\rc=IN IP4 0.0.0.0\nm=audio 1/2 RTP/AVP 0 0\ra=rtcp:1 IN IP6 ::\na= \na=:\n=\nm= = = ="))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := testSession()
		first := s.Offer(local())
		_, err := s.Accept(body)
		if err != nil && !errors.Is(err, ErrNotAcceptable) {
			t.Fatalf("untyped error %v", err)
		}
		if again := s.Offer(local()); err != nil && !bytes.Equal(first, again) {
			t.Fatalf("a refused answer changed the session:\n%s\n%s", first, again)
		}
		s = testSession()
		answer, n, err := s.Answer(local(), body)
		if err != nil {
			if !errors.Is(err, ErrNotAcceptable) || answer != nil || n != (Negotiated{}) {
				t.Fatalf("refused with %v, %q, %+v", err, answer, n)
			}
			return
		}
		checkAnswer(t, body, answer)
		if n.Remote.Port() == 0 || !n.Remote.IsValid() || n.Codec.PT > maxType || n.PTime < 10 || n.PTime > 200 {
			t.Fatalf("impossible outcome %+v", n)
		}
		// Our next offer keeps the lines and can be answered by another of us.
		o := s.Offer(local())
		reply, _, err := newSession("peer", 1).Answer(local(), o)
		if err != nil {
			t.Fatalf("next offer: %v\n%s", err, o)
		}
		if _, err := s.Accept(reply); err != nil {
			t.Fatalf("next answer: %v\n%s\n%s", err, o, reply)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	body, err := os.ReadFile("testdata/peers/asterisk.sdp")
	if err != nil {
		b.Fatal(err)
	}
	s, l := testSession(), local()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Answer(l, body); err != nil {
			b.Fatal(err)
		}
	}
}
