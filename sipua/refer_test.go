package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// No request within the dialog goes out before the ACK of our 200 (RFC 3261 §13.3.1.4); a REFER asked for by then follows it.
func TestReferWaitsForAck(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	c.d.Refer(URI{User: "3000", Host: "pbx.test"}, nil)
	l.ack(ok, "")
	want[Answered](c.ev)
	ref := r.pbx.request("REFER")
	r.pbx.reply(ref, 202, "", "", "")
	if p := want[ReferProgress](c.ev); p.Status != 202 || p.Final {
		t.Errorf("progress %+v", p)
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}

// memPeer is the other end of a call of a stack in memory, by hand.
type memPeer struct {
	t    *testing.T
	conn net.PacketConn
	to   net.Addr
}

// next is the next request of a method with a text in it.
func (p *memPeer) next(method, with string) rawMsg {
	p.t.Helper()
	buf := make([]byte, 4096)
	for {
		n, from, err := p.conn.ReadFrom(buf)
		if err != nil {
			p.t.Fatal(err)
		}
		p.to = from
		text := string(buf[:n])
		start, _, _ := strings.Cut(text, "\r\n")
		if m := (rawMsg{text: text, start: start}); m.method() == method && strings.Contains(text, with) {
			return m
		}
	}
}

func (p *memPeer) reply(req rawMsg, status int, body string) {
	to := req.header("To")
	if req.tag("To") == "" {
		to += ";tag=x"
	}
	_, _ = p.conn.WriteTo(fmt.Appendf(nil, "SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:1@%v>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		status, req.header("Via"), req.header("From"), to, req.header("Call-ID"), req.header("CSeq"), p.conn.LocalAddr(), len(body), body), p.to)
}

func (p *memPeer) request(inv rawMsg, method string, cseq int, extra string) {
	_, _ = p.conn.WriteTo(fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\nFrom: %s;tag=x\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: 0\r\n\r\n",
		method, strings.Trim(inv.header("Contact"), "<>"), p.conn.LocalAddr(), cseq, inv.header("To"), inv.header("From"), inv.header("Call-ID"), cseq, method, extra), p.to)
}

// A BYE of ours does not overtake the NOTIFY that tells the peer how the call it asked for came out: the peer may end what it
// knows of the subscription with the dialog. It waits for the answer, for 4×T1 at most.
func TestByeFollowsFinalNotify(t *testing.T) {
	const bound = 4 * testT1
	for name, tc := range map[string]struct {
		answer   func(p *memPeer, inv, notify rawMsg)
		from, to time.Duration // when the BYE comes after the NOTIFY; to 0: never
	}{
		"answered":  {func(p *memPeer, _, n rawMsg) { time.Sleep(bound / 2); p.reply(n, 200, "") }, bound / 2, bound/2 + 25*time.Millisecond},
		"refused":   {func(p *memPeer, _, n rawMsg) { p.reply(n, 481, "") }, 0, 25 * time.Millisecond},
		"silence":   {func(*memPeer, rawMsg, rawMsg) {}, bound - 15*time.Millisecond, bound + 15*time.Millisecond},
		"peer_left": {func(p *memPeer, inv, _ rawMsg) { p.request(inv, "BYE", 12, "") }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet(1, 0, 10*time.Millisecond)
				addrA, addrB := netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")
				s, err := New(Config{
					Listen: []Listen{{Network: "udp", Addr: addrA}},
					Trunks: []Trunk{{Name: "other", Server: URI{Host: "127.0.0.1", Port: addrB.Port()}, ReferAllowed: true}},
				}, Deps{Log: logger(), listenPacket: n.listen})
				if err != nil {
					t.Fatal(err)
				}
				conn, _ := n.listen("udp", addrB)
				p := &memPeer{t: t, conn: conn}
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := s.Run(ctx); err != nil {
						t.Errorf("Run: %v", err)
					}
				})
				ev, l := newEvents(t), local(30000)
				d := s.Invite(InviteParams{To: URI{User: "1"}, Trunk: "other", Offer: &l}, ev.handle)
				inv := p.next("INVITE", "")
				p.reply(inv, 200, sdp(40000, "sendrecv"))
				p.next("ACK", "")
				want[Answered](ev)
				p.request(inv, "REFER", 11, "Refer-To: <sip:3000@pbx.test>\r\n")
				ask := want[ReferRequested](ev)
				ask.Accept()
				p.reply(p.next("NOTIFY", "SIP/2.0 100"), 200, "")
				time.Sleep(time.Second)
				ask.Notify(200)
				d.Hangup("")
				if e := want[Ended](ev); e.Cause != CauseHangup {
					t.Errorf("%+v", e)
				}
				notify := p.next("NOTIFY", "SIP/2.0 200")
				begin := time.Now()
				came := make(chan time.Duration, 1)
				wg.Go(func() {
					buf := make([]byte, 4096)
					for {
						size, _, err := conn.ReadFrom(buf)
						if err != nil {
							return
						}
						start, _, _ := strings.Cut(string(buf[:size]), "\r\n")
						if m := (rawMsg{text: string(buf[:size]), start: start}); m.method() == "BYE" {
							came <- time.Since(begin)
							p.reply(m, 200, "")
							return
						}
					}
				})
				tc.answer(p, inv, notify)
				time.Sleep(3 * 64 * testT1) // all is forgotten
				select {
				case after := <-came:
					if after < tc.from || after > tc.to {
						t.Errorf("the BYE came %v after the NOTIFY, want %v to %v", after, tc.from, tc.to)
					}
				default:
					if tc.to != 0 {
						t.Error("no BYE")
					}
				}
				_ = conn.Close()
				if n := kept(s); n != 0 {
					t.Errorf("%d dialogs kept", n)
				}
				cancel()
				wg.Wait()
			})
		})
	}
}
