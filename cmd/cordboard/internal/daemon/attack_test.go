package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// The attacks of docs/sip.md and of the list of failures to design out, at the sockets of a running daemon. Each is bounded
// in packets and time, and after each the daemon still does its work.

// allocated is everything allocated so far, freed or not: a bomb shows in it even if a collection came in between.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// works makes a call and hears both ways.
func (w *world) works() {
	w.t.Helper()
	c, a := w.talk()
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.free()
}

func TestAttackMemoryBomb(t *testing.T) {
	w := newWorld(t, setup{})
	before := allocated()
	for _, addr := range []string{"127.9.9.9", "127.0.0.1"} { // a stranger, and a peer of the trunk
		n := w.nasty(addr, w.sip())
		for _, length := range []string{
			"Content-Length: 4294967295", "l: 4294967295", "Content-Length: 2147483647", "Content-Length: 0\r\nContent-Length: 4000000000",
			"l : 3000000000", "Content-Length: 99999999999999999999",
		} {
			for _, method := range []string{"INVITE", "REGISTER", "OPTIONS", "BYE"} {
				s := n.script(user(0))
				text := strings.Replace(s.request(method, "", ""), "Content-Length: 0", length, 1)
				for range 5 {
					n.send([]byte(text))
				}
			}
		}
	}
	w.works()
	if grown := allocated() - before; grown > 256<<20 {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
}

// 20,000 datagrams from 20,000 addresses: silence, and the memory of a table of fixed size, while a talk goes on.
func TestAttackFlood(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	w.hears(c, "agent", a, "customer")
	before, routines := held(), runtime.NumGoroutine()
	seen := func() (n uint64) {
		for _, k := range w.daemon.stack.EdgeStats().Dropped {
			n += k
		}
		return n
	}
	start := seen()
	// keepUp lets the daemon read what was sent, as long as it gets on: a busy host would drop most of the flood unread.
	keepUp := func(sent uint64) {
		for last, idle := seen(), 0; last-start < sent && idle < 20; idle++ {
			time.Sleep(time.Millisecond)
			if now := seen(); now != last {
				last, idle = now, 0
			}
		}
	}
	var some []*nasty
	for i := range 20000 {
		if i%200 == 0 {
			keepUp(uint64(i))
		}
		addr := netip.AddrFrom4([4]byte{127, byte(10 + i/(250*250)), byte(1 + i/250%250), byte(1 + i%250)})
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		w.must(err)
		n := &nasty{t: t, conn: conn, to: w.sip(), buf: make([]byte, 4096)}
		s := n.script(user(0))
		switch i % 6 {
		case 0:
			n.send([]byte(s.request("INVITE", "", sdpAt(n.local()))))
		case 1:
			n.send([]byte(s.request("OPTIONS", "", "")))
		case 2:
			n.send([]byte(s.request("INVITE", "", "")[:120]))
		case 3:
			n.send([]byte(fmt.Sprintf("\x80\x08%08d rubbish \x00\xff\xfe", i)))
		case 4:
			n.send([]byte(s.request("CANCEL", "", "")))
		case 5:
			n.send([]byte(reply(s.request("INVITE", "", ""), 200)))
		}
		if i%100 == 0 {
			some = append(some, n)
			continue
		}
		w.must(conn.Close())
	}
	w.until("the flood has been read", func() bool { return seen()-start > 10000 }) // the system may drop the rest
	for _, n := range some {
		n.silent("a stranger", time.Millisecond)
		w.must(n.conn.Close())
	}
	if k := w.daemon.stack.EdgeStats().Sources; k > 8192 {
		t.Errorf("%d sources are kept", k)
	}
	if grown := held() - before; grown > 16<<20 {
		t.Errorf("%d MiB are kept", grown>>20)
	}
	if more := runtime.NumGoroutine() - routines; more > 50 {
		t.Errorf("%d goroutines more", more)
	}
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
}

// A stranger hears nothing, whatever he sends, and ends no call even if he knows its ids.
func TestAttackStranger(t *testing.T) {
	w := newWorld(t, setup{})
	c, a := w.talk()
	n := w.nasty("127.9.9.9", w.sip())
	id := c.Dialog() // as the customer's PBX sees it
	for _, method := range []string{"INVITE", "OPTIONS", "CANCEL", "BYE", "ACK", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "UPDATE", "INFO", "PRACK", "FROB"} {
		s := n.script(user(0))
		body := ""
		if method == "INVITE" {
			body = sdpAt(n.local())
		}
		s.send(method, "", body)
		s.callID, s.tag, s.seq = id.CallID, id.LocalTag, 100
		s.to += ";tag=" + id.RemoteTag
		s.send(method, "", body)
	}
	n.silent("a stranger", 300*time.Millisecond)
	w.hears(c, "agent", a, "customer")
	w.phase(callcontrol.PhaseTalking, 1)
	c.Hangup()
	w.ended(c, a)
}

// injections are what a peer may put where text is expected. Those with a line end in them make other headers, or none that
// is valid: then the message is refused.
var injections = []string{
	"Eve\r\nX-Evil: 1", "Eve\nX-Evil: 1", "Eve\rX-Evil: 1", "Eve\x00X-Evil: 1", "Eve\x1b[31m", "Eve\xff\xfe", "Eve\xc0\x8a", "Eve\x7f",
	"Eve%0d%0aX-Evil:%201", "Eve%00", `Eve\` + "\r\n X-Evil: 1", `Eve\"; X-Evil: 1`, "Eve\u0085X-Evil: 1", "Eve\u2028X-Evil: 1", strings.Repeat("E", 4000),
	"Eve>;tag=1\r\nX-Evil: 1", "<sip:eve@evil>", "Eve=?utf-8?q?=0d=0aX-Evil:_1?=",
}

// Nothing of it reaches an event or a message of ours: the device of the agent is nasty too, and looks at each byte.
func TestAttackInjection(t *testing.T) {
	var device *nasty
	{
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		device = &nasty{t: t, conn: conn, buf: make([]byte, 1<<16)}
	}
	w := newWorld(t, setup{noPhone: true, trunk: "identity: pai", device: fmt.Sprintf(", contact: \"sip:eve@%s\"", device.local())[2:]})
	device.to = w.sip()
	offered := 0
	for _, evil := range injections {
		for _, where := range []string{"display", "user", "asserted", "remote", "diversion", "queue", "variable", "call_id", "contact"} {
			if w.inject(device, evil, where) {
				offered++
			}
		}
	}
	if offered < 20 {
		t.Errorf("only %d of the calls were offered: the test proves little", offered)
	}
	w.cleanEvents()
}

// inject calls with evil text in one place. It reports whether the call was offered to the device.
func (w *world) inject(device *nasty, evil, where string) bool {
	w.t.Helper()
	n := w.nasty("127.0.0.1", w.sip())
	defer n.conn.Close()
	s := n.script(user(0))
	more := ""
	switch where {
	case "display":
		s.from = `"` + evil + `" <sip:666@pbx.test>`
	case "user":
		s.from = "<sip:" + evil + "@pbx.test>"
	case "asserted":
		more = `P-Asserted-Identity: "` + evil + `" <sip:` + evil + "@pbx.test>\r\n"
	case "remote":
		more = `Remote-Party-ID: "` + evil + `" <sip:` + evil + "@pbx.test>;party=calling\r\n"
	case "diversion":
		more = `Diversion: "` + evil + `" <sip:` + evil + "@pbx.test>;reason=" + evil + "\r\n"
	case "queue":
		more = "X-Queue: " + evil + "\r\n"
	case "variable":
		more = "X-Ivr-Choice: " + evil + "\r\n"
	case "call_id":
		s.callID += evil
	case "contact":
		more = "Contact: <sip:" + evil + "@127.0.0.1>\r\n"
	}
	s.send("INVITE", more, sdpAt(n.local()))
	for {
		text := n.receive(5 * time.Second)
		w.clean(where, text)
		switch status := strings.TrimPrefix(text, "SIP/2.0 "); {
		case text == "": // silence is an answer to what cannot be parsed
			return false
		case strings.HasPrefix(status, "100"):
			continue
		case strings.HasPrefix(status, "180"):
			w.declined(device, where)
			return true
		default:
			s.to = field(text, "To")
			s.send("ACK", "", "")
			return false
		}
	}
}

// declined lets the device look at the INVITE it gets, and decline it, which ends the call.
func (w *world) declined(device *nasty, where string) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		text := device.receive(time.Until(end))
		w.clean(where, text)
		if strings.HasPrefix(text, "INVITE ") {
			device.send([]byte(reply(text, 603)))
			w.free()
			return
		}
	}
	w.t.Fatalf("%s: the device got no INVITE", where)
}

var evilHeader = regexp.MustCompile(`(?mi)^[ \t]*X-Evil`)

// clean checks a message of ours.
func (w *world) clean(where, text string) {
	w.t.Helper()
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	bare := strings.ReplaceAll(head, "\r\n", "")
	switch {
	case strings.HasPrefix(head, "SIP/2.0 4"), strings.HasPrefix(head, "SIP/2.0 1"), strings.HasPrefix(head, "SIP/2.0 6"):
		// An answer has Via, From, To and Call-ID of the request as they are (RFC 3261 §8.2.6.2).
		if evilHeader.MatchString(head) {
			w.t.Errorf("%s: sent\n%q", where, text)
		}
	case evilHeader.MatchString(head), !utf8.ValidString(head), strings.ContainsFunc(bare, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		w.t.Errorf("%s: sent\n%q", where, text)
	}
}

// cleanEvents reads all that was told.
func (w *world) cleanEvents() {
	w.t.Helper()
	last, sub := w.daemon.events.Last(), w.daemon.board.Subscribe(journal.Cursor{})
	for {
		e, err := sub.Next(w.ctx)
		w.must(err)
		b, err := json.Marshal(e.Event)
		w.must(err)
		if evil := regexp.MustCompile(`\\u00[01]|\\u007f|\\ufffd|\\u0085|\\[nrt]|\x7f|�|\x{85}`).FindString(string(b)); evil != "" {
			w.t.Errorf("%q in event %s", evil, b)
		}
		if e.Cursor.Seq >= last.Seq {
			return
		}
	}
}

func bombs() map[string]string {
	base := sdpAt(netip.MustParseAddrPort("127.0.0.1:40000"))
	types := "m=audio 40000 RTP/AVP"
	for i := range 70 {
		types += fmt.Sprintf(" %d", i)
	}
	return map[string]string{
		"bytes":      base + "a=x:" + strings.Repeat("y", 17<<10) + "\r\n",
		"lines":      base + strings.Repeat("a=x\r\n", 300),
		"media":      base + strings.Repeat("m=audio 40000 RTP/AVP 8\r\n", 9),
		"types":      strings.Replace(base, "m=audio 40000 RTP/AVP 8 101", types, 1),
		"no_codec":   strings.ReplaceAll(strings.Replace(base, "RTP/AVP 8 101", "RTP/AVP 18", 1), "a=rtpmap:8 PCMA/8000", "a=rtpmap:18 G729/8000"),
		"garbage":    "\x00\xff\xfe not sdp at all",
		"multicast":  strings.ReplaceAll(base, "127.0.0.1", "224.0.0.1"),
		"broadcast":  strings.ReplaceAll(base, "127.0.0.1", "255.255.255.255"),
		"no_address": strings.Replace(base, "c=IN IP4 127.0.0.1\r\n", "", 1),
		"port":       strings.Replace(base, "m=audio 40000", "m=audio 99999999999", 1),
		"srtp":       strings.Replace(base, "RTP/AVP", "RTP/SAVP", 1),
		"version":    strings.Replace(base, "v=0", "v="+strings.Repeat("9", 5000), 1),
	}
}

// A bad description is answered 488 and changes nothing: neither for a new call nor in a talk.
func TestAttackSDP(t *testing.T) {
	w := newWorld(t, setup{})
	for name, body := range bombs() {
		n := w.nasty("127.0.0.1", w.sip())
		if status, text := n.script(user(0)).invite("", body); status != 488 {
			t.Errorf("%s: INVITE was answered %d\n%s", name, status, text)
		}
	}
	n, media := w.nasty("127.0.0.1", w.sip()), w.nasty("127.0.0.1", w.sip())
	s := n.script(user(0))
	s.send("INVITE", "", sdpAt(media.local()))
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	if status, _ := s.final(); status != 200 {
		t.Fatalf("answered %d", status)
	}
	stream := newMediaStream(media, "customer")
	stream.run(w.legPort(false), nil)
	a := w.device()
	w.hears(a, "customer")
	for name, body := range bombs() {
		if status, text := s.invite("", body); status != 488 {
			t.Errorf("%s: re-INVITE was answered %d\n%s", name, status, text)
		}
		s.send("UPDATE", "", body)
		if status, _ := n.answer("UPDATE"); status != 488 {
			t.Errorf("%s: UPDATE was answered %d", name, status)
		}
	}
	w.phase(callcontrol.PhaseTalking, 1)
	w.hears(a, "customer")
	for media.receive(time.Microsecond) != "" { // what waits from before
	}
	if media.receive(time.Second) == "" {
		t.Error("nothing is sent to the peer any more")
	}
	s.send("BYE", "", "")
	n.answer("BYE")
	w.ended(a)
	w.whole(a)
}

// legPort is where the daemon takes the RTP of agent0's device, or of the other leg.
func (w *world) legPort(device bool) (at netip.AddrPort) {
	w.t.Helper()
	w.until("the leg has media", func() bool {
		for _, l := range w.daemon.desk(anna).all() {
			if _, stream, _ := l.current(); stream != nil && l.device == device {
				at = stream.Local()
			}
		}
		return at.IsValid()
	})
	return at
}

// Wrong passwords: the same words for a user who is there and one who is not, then silence for that source; the phone goes
// on, even one that registers anew from elsewhere.
func TestAttackRegister(t *testing.T) {
	w := newWorld(t, setup{})
	register := func(n *nasty, who, more string) string {
		s := n.script(who)
		s.target = "sip:" + w.sip().String()
		s.to, s.from = "<sip:"+who+"@"+w.sip().String()+">", "<sip:"+who+"@"+w.sip().String()+">"
		s.send("REGISTER", more+"Expires: 300\r\n", "")
		return n.receive(2 * time.Second)
	}
	// words is an answer without what differs from any to the next.
	words := func(text string) string {
		return regexp.MustCompile(`(?m)^(Via|From|To|Call-ID|CSeq|v|f|t|i): .*\r?$|nonce="[^"]*"`).ReplaceAllString(text, "")
	}
	var seen [][2]string
	for i, who := range []string{"phone" + user(0), "nobody"} {
		n := w.nasty(fmt.Sprintf("127.9.1.%d", 1+i), w.sip())
		silent := false
		var first [2]string
		for k := range 60 {
			challenge := register(n, who, "")
			if challenge == "" {
				silent = true
				break
			}
			denied := register(n, who, wrongDigest(field(challenge, "WWW-Authenticate"), who, "sip:"+w.sip().String()))
			if k == 0 {
				first = [2]string{words(challenge), words(denied)}
				if !strings.HasPrefix(denied, "SIP/2.0 403") {
					t.Errorf("%s: %s", who, denied)
				}
			} else if denied != "" && words(denied) != first[1] || words(challenge) != first[0] {
				t.Errorf("%s, try %d: %q, %q, before %q", who, k, words(challenge), words(denied), first)
			}
		}
		if !silent {
			t.Errorf("%s: the source is answered for ever", who)
		}
		seen = append(seen, first)
	}
	if seen[0] != seen[1] {
		t.Errorf("a user who is there: %q, who is not: %q", seen[0], seen[1])
	}
	// The phone's own address too: an attacker behind the same NAT.
	n := w.nasty("127.0.0.1", w.sip())
	for range 40 {
		challenge := register(n, "phone"+user(0), "")
		if challenge == "" {
			break
		}
		register(n, "phone"+user(0), wrongDigest(field(challenge, "WWW-Authenticate"), "phone"+user(0), "sip:"+w.sip().String()))
	}
	w.works()
	p, err := w.phones[0].Dial("2001")
	w.must(err)
	w.must(p.Wait(w.ctx, sim.StateTalking))
	p.Hangup()
	w.ended(p)
	w.free()
}

// rubbish is what no RTP or RTCP parser should be upset by.
func rubbish(m *mediaStream, i int) [][]byte {
	whole := func(change func(b []byte) []byte) []byte {
		b := m.packet()
		m.seq, m.ts = m.seq-1, m.ts-160 // it was not one of the stream
		return change(b)
	}
	all := [][]byte{
		{}, {0x80}, []byte("\x80\x08\x00\x01"), make([]byte, 1500), make([]byte, 9000),
		whole(func(b []byte) []byte { b[0] = 0x00; return b }),                                       // version 0
		whole(func(b []byte) []byte { b[0] = 0x8f; return b[:20] }),                                  // 15 CSRCs that are not there
		whole(func(b []byte) []byte { b[0] = 0x90; b[14], b[15] = 0xff, 0xff; return b[:40] }),       // an extension beyond the end
		whole(func(b []byte) []byte { b[0] = 0xa0; b[len(b)-1] = 0xff; return b }),                   // padding beyond the start
		whole(func(b []byte) []byte { b[0] = 0xa0; b[len(b)-1] = 0; return b }),                      // padding of nothing
		whole(func(b []byte) []byte { b[1] = 77; return b }),                                         // a type that was not agreed
		whole(func(b []byte) []byte { b[1] = 101; return b[:12] }),                                   // an event of nothing
		whole(func(b []byte) []byte { b[1] = 101; return b[:14] }),                                   // half an event
		whole(func(b []byte) []byte { b[1] = 101; copy(b[12:], "\xff\x8a\xff\xff"); return b[:16] }), // event 255
		whole(func(b []byte) []byte { b[1] = 101; copy(b[12:], "\x40\x0a\x00\x00"); return b[:16] }), // a flash
		whole(func(b []byte) []byte { b[1] = 200; return b[:28] }),                                   // RTCP at the RTP port
		[]byte("INVITE sip:1@1 SIP/2.0\r\n\r\n"), []byte("\x16\x03\x01\x02\x00\x01\x00"), []byte("\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"),
	}
	return all[i%len(all) : i%len(all)+1]
}

// rtcpRubbish goes to the port above.
var rtcpRubbish = [][]byte{
	{}, {0x80}, []byte("\x80\xc8\xff\xff"), []byte("\x9f\xc9\x00\x01abcd"), []byte("\x80\xc8\x00\x06nast"), []byte("\x81\xcb\x00\x01nope"),
	[]byte("\xa0\xc8\x00\x06nasttttttttttttttttttttt\xff"), make([]byte, 1500), []byte("\x81\xca\x00\x02nast\x01\xff\x00\x00"), []byte("\x80\xcc\x00\x02nastAAAA"),
}

// Packets of a stranger are not heard, and counted; rubbish of the peer itself does not disturb its talk.
func TestAttackMedia(t *testing.T) {
	t.Run("foreign", func(t *testing.T) {
		w := newWorld(t, setup{})
		c, a := w.talk()
		for _, addr := range []string{"127.9.9.9", "127.0.0.1"} { // elsewhere, and the peer's address with another port
			for _, device := range []bool{true, false} {
				n := w.nasty(addr, w.sip())
				at := w.legPort(device)
				s := newMediaStream(n, "other")
				s.run(at, func(i int) [][]byte { return rubbish(s, i) })
				r := w.nasty(addr, netip.AddrPortFrom(at.Addr(), at.Port()+1))
				for _, b := range rtcpRubbish {
					r.send(b)
				}
			}
		}
		w.until("the packets of strangers are counted", func() bool {
			for _, l := range w.daemon.desk(anna).all() {
				if _, stream, _ := l.current(); stream == nil || stream.Stats().ForeignDropped < 100 {
					return false
				}
			}
			return true
		})
		w.hears(c, "agent", a, "customer")
		w.do(callcontrol.Command{Kind: callcontrol.KindHold}) // and where it is mixed
		w.hears(c, "music", a, "")
		w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
		w.hears(c, "agent", a, "customer")
		c.Hangup()
		w.ended(c, a)
		w.whole(c, a)
	})
	t.Run("own_rubbish", func(t *testing.T) {
		w := newWorld(t, setup{})
		n, m := w.nasty("127.0.0.1", w.sip()), w.nasty("127.0.0.1", w.sip())
		s := n.script(user(0))
		s.send("INVITE", "", sdpAt(m.local(), fmt.Sprintf("a=rtcp:%d\r\n", n.local().Port())))
		w.phase(callcontrol.PhaseOffered, 1)
		w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
		if status, _ := s.final(); status != 200 {
			t.Fatalf("answered %d", status)
		}
		at := w.legPort(false)
		stream := newMediaStream(m, "customer")
		stream.run(at, func(i int) [][]byte { return rubbish(stream, i) })
		a := w.device()
		for _, b := range rtcpRubbish {
			_, _ = n.conn.WriteToUDPAddrPort(b, netip.AddrPortFrom(at.Addr(), at.Port()+1))
		}
		w.hears(a, "customer")
		w.do(callcontrol.Command{Kind: callcontrol.KindHold})
		w.hears(a, "")
		w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
		w.hears(a, "customer")
		if calls := w.snapshot().Calls; len(calls) != 1 {
			t.Errorf("%d calls", len(calls))
		}
		stream.end()
		s.send("BYE", "", "")
		n.answer("BYE")
		w.ended(a)
		// A hole where rubbish had the number of a packet stays one: what is relayed keeps its numbers.
		if wire := a.Sound.Wire(); wire.SSRCChanges+wire.TimestampErrors > 0 {
			t.Errorf("the phone received %+v", wire)
		}
	})
}

// A phone, a command and a peer's REFER dial nothing outside the list, and each try is told.
func TestAttackTollFraud(t *testing.T) {
	w := newWorld(t, setup{trunk: `refer_allowed: true, dial: {allow: ["20xx"], per_second: 50, max_calls: 20}`, plan: map[string]sim.Behaviour{"00900123": {}, "2001": {Source: voice("target")}}})
	numbers := []string{"00900123", "+900123", "2001;phone-context=evil", "20012", "200", "2001@evil.example", "%32001", "*2001", "2001%00"}
	tried := 0
	for _, number := range numbers {
		from := w.daemon.events.Last()
		p, err := w.phones[0].Dial(number)
		w.must(err)
		w.ended(p)
		if status, _, _ := p.Outcome(); status < 400 {
			t.Errorf("%s: status %d", number, status)
		}
		w.until("the refusal is told", func() bool { return w.refusals(from) > 0 })
		tried++
	}
	c, a := w.talk()
	for _, kind := range []callcontrol.Kind{callcontrol.KindConsult, callcontrol.KindBlind, callcontrol.KindDial} {
		for _, number := range []string{"00900123", "20012"} {
			from := w.daemon.events.Last()
			cmd := callcontrol.Command{Kind: kind, Agent: anna, Number: callcontrol.Number(number)}
			if kind != callcontrol.KindDial {
				cmd.Call = w.snapshot().Calls[0].ID
			}
			if _, err := w.try(cmd); err == nil {
				t.Errorf("%s %s was accepted", kind, number)
			}
			w.until("the refusal is told", func() bool { return w.refusals(from) > 0 })
		}
	}
	from := w.daemon.events.Last()
	c.Refer("00900123", "127.0.0.1")
	w.until("the refusal is told", func() bool { return w.refusals(from) > 0 })
	w.until("the target is called", func() bool {
		c.Refer("2001", "evil.example") // the host is not taken from the peer: the call goes through the trunk
		return w.pbx.Calls("2001") > 0
	})
	for _, number := range numbers {
		if n := w.pbx.Calls(number); n > 0 {
			t.Errorf("%s was called", number)
		}
	}
	a.Hangup()
	w.ended(c, a)
	w.free()
}

// refusals counts the audit events after from.
func (w *world) refusals(from journal.Cursor) (n int) {
	w.t.Helper()
	last, sub := w.daemon.events.Last(), w.daemon.board.Subscribe(from)
	for from.Seq < last.Seq {
		e, err := sub.Next(w.ctx)
		w.must(err)
		if e.Event.Kind == callcontrol.EventRefused {
			n++
		}
		from = e.Cursor
	}
	return n
}

// The control socket takes rubbish, and goes on serving.
func TestAttackControl(t *testing.T) {
	w := newWorld(t, setup{noPhone: true})
	path := filepath.Join(w.dir, "c.sock")
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	before := held()
	for i := range 300 {
		conn, err := net.Dial("unix", path)
		w.must(err)
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		// The other side may close at any time: errors of writing mean nothing here.
		switch i % 6 {
		case 0:
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		case 1:
			_, _ = conn.Write([]byte(strings.Repeat("\xff\x00garbage", 10000)))
		case 2:
			_, _ = conn.Write([]byte(preface + settings + "\xff\xff\xff\x00\x00\x00\x00\x00\x01")) // a frame of 16 MiB that never comes
		case 3:
			_, _ = conn.Write([]byte(preface + settings + strings.Repeat("\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08", 1000))) // resets
		case 4:
			_, _ = conn.Write([]byte(preface[:10])) // and nothing more
		case 5:
			w.must(conn.Close())
		}
	}
	client, err := control.Dial(path)
	w.must(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	s, err := client.Snapshot(ctx)
	w.must(err)
	if len(s.Agents) != 1 {
		t.Errorf("%d agents", len(s.Agents))
	}
	if grown := held() - before; grown > 32<<20 {
		t.Errorf("%d MiB are kept", grown>>20)
	}
	_, err = client.Do(ctx, callcontrol.Command{Kind: callcontrol.KindDial, Agent: anna, Number: "2001\r\nX-Evil: 1"})
	if err == nil {
		t.Error("a number with a line end was taken")
	}
}
