package edge

import (
	"bytes"
	"io"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// FuzzEdge feeds any bytes as a datagram and as a stream. Nothing panics; what is accepted holds a complete header
// section and declares no more than the bytes that came; what a stream passes on is a row of accepted messages; answers are
// bounded and never go to a response or an ACK.
func FuzzEdge(f *testing.F) {
	for _, raw := range corpusFiles(f) {
		f.Add(raw, uint16(50))
	}
	for _, s := range []string{options(), ok200(), bomb(), register("+Contact: *"), "\r\n\r\n", stun(), options("+l: 0")} {
		f.Add([]byte(s), uint16(1))
		f.Add([]byte(s+s), uint16(7))
	}
	f.Fuzz(func(t *testing.T, raw []byte, cut uint16) {
		for _, stream := range []bool{false, true} {
			v := Validate(raw, stream)
			checkVerdict(t, raw, v)
		}
		filter := New(Config{Trusted: trustAll, MaxSources: 8})
		lead, v, _ := filter.datagram(raw, someone.Addr())
		if v.Action == Accept {
			checkVerdict(t, raw[lead:], v)
			_, _ = sip.ParseMessage(raw[lead : lead+v.Size])
		}
		conn := &fakeConn{in: pieces(string(raw), int(cut)+1)}
		passed, err := io.ReadAll(filter.Conn(conn))
		if err != nil {
			t.Fatal(err)
		}
		var dialled []byte
		for _, p := range pieces(string(raw), int(cut)+1) {
			out, err := filter.Dialled(ourEnd, someone, []byte(p), nil)
			if dialled = append(dialled, out...); err != nil {
				break
			}
		}
		if !bytes.HasPrefix(passed, dialled) {
			t.Fatalf("Dialled passed %q, Conn %q", dialled, passed)
		}
		for len(passed) > 0 {
			end := bytes.Index(passed, []byte("\r\n\r\n")) + 4
			if end < 4 {
				t.Fatalf("a stream passed %q", passed)
			}
			n, fault := declaredLength(passed[:end])
			if fault != ReasonNone || end+n > len(passed) {
				t.Fatalf("a stream passed %d of %d bytes: %v", len(passed)-end, n, fault)
			}
			if v := Validate(passed[:end+n], true); v.Action != Accept {
				t.Fatalf("a stream passed what is refused: %v", v.Reason)
			}
			passed = passed[end+n:]
		}
	})
}

func checkVerdict(t *testing.T, raw []byte, v Verdict) {
	t.Helper()
	switch v.Action {
	case Accept:
		end := bytes.Index(raw, []byte("\r\n\r\n")) + 4
		if end < 4 || v.Size < end || v.Size > len(raw) || v.Reason != ReasonNone || v.Status != 0 {
			t.Fatalf("accepted %+v of %q", v, raw)
		}
		if n, fault := declaredLength(raw[:end]); fault == ReasonNone && (n > len(raw)-end || v.Size != end+n) {
			t.Fatalf("accepted %+v, declared %d of %d", v, n, len(raw)-end)
		}
	case Answer:
		if v.Status < 400 || v.Reason == ReasonNone || bytes.HasPrefix(raw, []byte("ACK ")) {
			t.Fatalf("%+v for %q", v, raw)
		}
		if reply := respond(raw, v, someone); len(reply) > maxEcho+len(raw)+512 || reply != nil && !bytes.HasSuffix(reply, []byte("\r\n\r\n")) {
			t.Fatalf("answer of %d bytes to %d", len(reply), len(raw))
		}
	case Drop:
		if v.Status != 0 || v.Reason == ReasonNone {
			t.Fatalf("%+v", v)
		}
	default:
		t.Fatalf("no verdict: %+v", v)
	}
}
