package sipua

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"cordboard/sipua/edge"
)

// panics counts the dialogs that failed by a panic, from their log line.
type panics struct{ n atomic.Int64 }

func (p *panics) Enabled(context.Context, slog.Level) bool { return true }
func (p *panics) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "dialog failed" {
		p.n.Add(1)
	}
	return nil
}
func (p *panics) WithAttrs([]slog.Attr) slog.Handler { return p }
func (p *panics) WithGroup(string) slog.Handler      { return p }

// FuzzEdgeToDialog sends bytes through the edge, the parser and the dialogs as a trunk would: nothing panics, and nothing
// the edge drops is parsed.
func FuzzEdgeToDialog(f *testing.F) {
	files, _ := filepath.Glob("testdata/sip-corpus/*/*")
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6002;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:1@x>\r\nCall-ID: f\r\nCSeq: 1 INVITE\r\nRequire: 100rel\r\nReplaces: a;to-tag=1;from-tag=2\r\nContact: <sip:a@127.0.0.1:6002>\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n"))
	n := newMemNet(1, 1, time.Millisecond)
	self, peer := netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")
	bad := &panics{}
	s, err := New(Config{Listen: []Listen{{Network: "udp", Addr: self}}, MaxDialogs: 500,
		Trunks: []Trunk{{Name: "t", Server: URI{Host: "127.0.0.1", Port: peer.Port()}, AnyUser: true, ReferAllowed: true, CapturePrefix: []string{"X-*"}}}},
		Deps{Log: slog.New(bad), listenPacket: n.listen, OnInvite: func(d *Dialog, _ Incoming) {
			d.Handle(func(DialogEvent) {})
			d.Ring(nil)
			d.Answer(local(30000))
			d.Hangup("")
		}})
	if err != nil {
		f.Fatal(err)
	}
	parser := newParser()
	f.Cleanup(func() {
		s.stopping.Store(true)
		s.mu.Lock()
		for _, d := range s.dialogs {
			d.box.put(wireClose{}, false)
		}
		s.closed = true
		s.mu.Unlock()
		s.wg.Wait()
		s.txns.close()
		s.closeSockets()
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := edge.Validate(raw, false)
		if v.Action != edge.Accept {
			return
		}
		s.datagram(s.sockets[0], parser, bytes.Clone(raw[:v.Size]), peer.String())
		if bad.n.Load() != 0 {
			t.Fatal("a dialog panicked")
		}
	})
}

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"sip:a@b", "sips:a%20b@[::1]:5061;transport=tls?x=y", "sip:b:70000", "tel:+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if err != nil || again != u {
			t.Fatalf("%q: %+v, again %+v %v", s, u, again, err)
		}
		if !cleanText(u.String()) {
			t.Fatalf("%q: unclean", s)
		}
	})
}

func FuzzParseParty(f *testing.F) {
	f.Add(`"A \"B\"" <sip:1@x;user=phone>;tag=1`)
	f.Add(`<tel:+1-2(3)>;reason="x";counter=3`)
	f.Fuzz(func(t *testing.T, s string) {
		id, _ := parseParty(s)
		if err := id.Validate(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		_ = diversions([]string{s}, true)
		_, _, _ = parseReferTo(s)
		_, _, _ = parseReplaces(s)
		_, _ = parseSipfrag([]byte(s))
		_, _, _ = parseDTMF("application/dtmf-relay", []byte(s))
	})
}
