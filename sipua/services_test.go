package sipua

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

func TestAuthentication(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Lines[0].Password = digest.NewSecret("secret")
		c.Trunks[0].Realm = "pbx.test"
	})
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	challenge := "Proxy-Authenticate: Digest realm=\"pbx.test\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\nProxy-Authenticate: Digest realm=\"pbx.test\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n"
	r.pbx.reply(inv, 407, "x", challenge, "")
	r.pbx.request("ACK")
	second := r.pbx.request("INVITE")
	auth := second.header("Proxy-Authorization")
	if second.cseq() != inv.cseq()+1 || !strings.Contains(auth, "SHA-256") || strings.Contains(second.text, "secret") {
		t.Errorf("second INVITE %s", second.text)
	}
	if second.header("Call-ID") != inv.header("Call-ID") || second.tag("From") != inv.tag("From") || second.header("Via") == inv.header("Via") {
		t.Error("second INVITE is another call or the same transaction")
	}
	r.pbx.reply(second, 200, "pt", "", sdp(40000, "sendrecv"))
	if ack := r.pbx.request("ACK"); ack.header("Proxy-Authorization") == "" {
		t.Error("ACK without the credentials of the INVITE") // RFC 3261 §22.1
	}
	want[Answered](ev)
	d.Hangup("")
	bye := r.pbx.request("BYE")
	r.pbx.reply(bye, 407, "", challenge, "") // the nonce it was sent with is not stale: refused, no loop
	want[Ended](ev)

	_, ev = r.invite(nil)
	inv = r.pbx.request("INVITE")
	r.pbx.reply(inv, 401, "x", "WWW-Authenticate: Digest realm=\"evil.test\", nonce=\"n\", qop=\"auth\"\r\n", "")
	if e := want[Rejected](ev); e.Status != 401 {
		t.Errorf("rejected %+v", e)
	}
	r.pbx.silent(100*time.Millisecond, func(m rawMsg) bool { return m.method() == "INVITE" })
}

func TestPrackOutgoing(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	if !strings.Contains(inv.header("Supported"), "100rel") {
		t.Error("100rel not supported")
	}
	r.pbx.reply(inv, 183, "pt", "Require: 100rel\r\nRSeq: 7\r\n", sdp(40000, "sendrecv"))
	prack := r.pbx.request("PRACK")
	if prack.header("RAck") != fmt.Sprintf("7 %d INVITE", inv.cseq()) || prack.tag("To") != "pt" {
		t.Errorf("prack %s", prack.text)
	}
	r.pbx.reply(prack, 200, "", "", "")
	want[Early](ev)
	r.pbx.reply(inv, 180, "pt", "Require: 100rel\r\nRSeq: 9\r\n", "") // ahead of a lost one: not acknowledged
	r.pbx.reply(inv, 180, "pt", "Require: 100rel\r\nRSeq: 8\r\n", "")
	prack = r.pbx.request("PRACK")
	if !strings.HasPrefix(prack.header("RAck"), "8 ") {
		t.Errorf("rack %s", prack.header("RAck"))
	}
	r.pbx.reply(prack, 200, "", "", "")
	r.pbx.reply(inv, 200, "pt", "", "") // the answer came reliably before
	r.pbx.request("ACK")
	want[Answered](ev)
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

func TestPrackIncoming(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "Require: 100rel\r\n", sdp(40000, "sendrecv"))
	invSeq := l.cseq
	c := r.incoming()
	early := local(30000)
	c.d.Ring(&early)
	p := r.pbx.response(183, "INVITE")
	if p.header("RSeq") == "" || !strings.Contains(p.header("Require"), "100rel") || p.body == "" {
		t.Errorf("183 %s", p.text)
	}
	c.d.Answer(local(30000)) // waits for the PRACK: RFC 3262 §3
	r.pbx.response(183, "INVITE")
	r.pbx.silent(50*time.Millisecond, func(m rawMsg) bool { return m.status() == 200 })
	l.remote = p.tag("To")
	l.send("PRACK", "RAck: 1 1 INVITE\r\n", "")
	r.pbx.response(481, "PRACK")
	l.send("PRACK", fmt.Sprintf("RAck: %s %d INVITE\r\n", p.header("RSeq"), invSeq), "")
	r.pbx.response(200, "PRACK")
	ok := r.pbx.response(200, "INVITE")
	if ok.body != "" {
		t.Error("second answer in 200")
	}
	l.ack(ok, "")
	want[Answered](c.ev)
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")

	l = r.pbx.leg("1001")
	l.send("INVITE", "Require: 100rel\r\n", sdp(40000, "sendrecv"))
	c = r.incoming()
	c.d.Ring(nil)
	begin := time.Now()
	l.ack(r.pbx.response(504, "INVITE"), "") // no PRACK in 64*T1
	if d := time.Since(begin); d > 120*testT1 {
		t.Errorf("without PRACK for %v", d)
	}
	want[Ended](c.ev)
}

func TestReferOut(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	d.Refer(URI{User: "3000", Host: "pbx.test"}, &DialogID{CallID: "a@b", LocalTag: "lt", RemoteTag: "rt"})
	ref := r.pbx.request("REFER")
	if got := ref.header("Refer-To"); got != "<sip:3000@pbx.test?Replaces=a%40b%3Bto-tag%3Drt%3Bfrom-tag%3Dlt>" {
		t.Errorf("refer-to %s", got)
	}
	r.pbx.reply(ref, 202, "", "", "")
	if p := want[ReferProgress](ev); p.Status != 202 || p.Final {
		t.Errorf("progress %+v", p)
	}
	frag := "Event: refer\r\nSubscription-State: %s\r\nContent-Type: message/sipfrag\r\n"
	l.send("NOTIFY", fmt.Sprintf(frag, "active"), "SIP/2.0 180 Ringing\r\n")
	r.pbx.response(200, "NOTIFY")
	if p := want[ReferProgress](ev); p.Status != 180 || p.Final {
		t.Errorf("progress %+v", p)
	}
	l.send("NOTIFY", fmt.Sprintf(frag, "terminated;reason=noresource"), "SIP/2.0 200 OK\r\n")
	r.pbx.response(200, "NOTIFY")
	if p := want[ReferProgress](ev); p.Status != 200 || !p.Final {
		t.Errorf("progress %+v", p)
	}
	l.send("NOTIFY", fmt.Sprintf(frag, "active"), "SIP/2.0 200 OK\r\n")
	r.pbx.response(481, "NOTIFY")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](ev)
}

func TestReferIn(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Trunks[0].ReferAllowed = true })
	c, l := r.called("")
	l.send("REFER", "Refer-To: <sip:3000@pbx.test?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=evil>\r\n", "")
	ask := want[ReferRequested](c.ev)
	if ask.Target.User != "3000" || ask.Replaces == nil || *ask.Replaces != (DialogID{"x", "1", "2"}) {
		t.Errorf("asked %+v", ask)
	}
	ask.Accept()
	r.pbx.response(202, "REFER")
	n := r.pbx.request("NOTIFY")
	if !strings.HasPrefix(n.body, "SIP/2.0 100") || !strings.HasPrefix(n.header("Subscription-State"), "active") {
		t.Errorf("notify %s", n.text)
	}
	r.pbx.reply(n, 200, "", "", "")
	ask.Notify(200)
	n = r.pbx.request("NOTIFY")
	if !strings.HasPrefix(n.body, "SIP/2.0 200") || !strings.HasPrefix(n.header("Subscription-State"), "terminated") {
		t.Errorf("notify %s", n.text)
	}
	r.pbx.reply(n, 200, "", "", "")
	l.send("REFER", "Refer-To: <http://x>\r\n", "")
	r.pbx.response(400, "REFER")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}

func TestReferRefusedByDefault(t *testing.T) {
	r := newRig(t, nil)
	_, l := r.called("")
	l.send("REFER", "Refer-To: <sip:3000@pbx.test>\r\n", "")
	r.pbx.response(603, "REFER")
	out := r.pbx.leg("1001")
	out.send("REFER", "Refer-To: <sip:3000@pbx.test>\r\n", "")
	r.pbx.response(403, "REFER")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
}

func TestReplaces(t *testing.T) {
	r := newRig(t, nil)
	c, l := r.called("")
	id := c.d.ID()
	head := fmt.Sprintf("Replaces: %s;to-tag=%s;from-tag=%s", id.CallID, id.LocalTag, id.RemoteTag)
	for _, tc := range []struct {
		extra  string
		status int
	}{
		{head + "\r\n" + head + "\r\n", 400},
		{"Replaces: nonsense\r\n", 400},
		{"Replaces: nobody;to-tag=1;from-tag=2\r\n", 481},
		{head + "x\r\n", 481},
		{head + ";early-only\r\n", 486},
	} {
		n := r.pbx.leg("1001")
		n.send("INVITE", "Require: replaces\r\n"+tc.extra, sdp(41000, "sendrecv"))
		n.ack(r.pbx.response(tc.status, "INVITE"), "")
	}
	n := r.pbx.leg("1001")
	n.send("INVITE", head+"\r\n", sdp(41000, "sendrecv"))
	c2 := r.incoming()
	if c2.in.Replaces != c.d || c2.in.EarlyReplaces {
		t.Errorf("replaces %+v", c2.in)
	}
	c2.d.Answer(local(30002))
	n.ack(r.pbx.response(200, "INVITE"), "")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	if e := want[Ended](c.ev); e.Cause != CauseReplaced {
		t.Errorf("ended %+v", e)
	}
	late := r.pbx.leg("1001")
	late.send("INVITE", head+"\r\n", sdp(41000, "sendrecv"))
	late.ack(r.pbx.response(603, "INVITE"), "") // it has ended
	n.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	_ = l
}

func TestOutOfDialog(t *testing.T) {
	r := newRig(t, nil)
	for _, tc := range []struct {
		method, extra, body string
		status              int
	}{
		{"OPTIONS", "", "", 200},
		{"BYE", "", "", 481}, {"UPDATE", "", "", 481}, {"INFO", "", "", 481}, {"NOTIFY", "Event: message-summary\r\n", "", 481},
		{"SUBSCRIBE", "", "", 405}, {"MESSAGE", "", "", 405}, {"NEWMETHOD", "", "", 501},
		{"OPTIONS", "Require: nothingSupportsThis\r\n", "", 420},
		{"INVITE", "Content-Type: text/plain\r\n", "x", 415},
		{"INVITE", "Content-Encoding: gzip\r\n", "x", 415},
	} {
		l := r.pbx.leg("1001")
		l.send(tc.method, tc.extra, tc.body)
		if res := r.pbx.response(tc.status, tc.method); tc.method == "INVITE" {
			l.ack(res, "")
		}
	}
	l := r.pbx.leg("9999")
	l.send("INVITE", "", sdp(1, "sendrecv"))
	l.ack(r.pbx.response(404, "INVITE"), "")
	l = r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	l.raw("INVITE", l.cseq, "z9hG4bK-other-way", "", sdp(40000, "sendrecv")) // the same, by another path
	r.pbx.response(482, "INVITE")
	c.d.Reject(480, "")
	r.pbx.response(480, "INVITE")
	r.s.Drain()
	l = r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	if res := r.pbx.response(503, "INVITE"); res.header("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestBadParams(t *testing.T) {
	r := newRig(t, nil)
	for _, change := range []func(*InviteParams){
		func(p *InviteParams) { p.Trunk = "none" },
		func(p *InviteParams) { p.Line = "none" },
		func(p *InviteParams) { p.Phone = "x" },
		func(p *InviteParams) { p.Trunk, p.Phone = "", "nobody" },
		func(p *InviteParams) { p.To.User = "1\r\nEvil: 1" },
		func(p *InviteParams) { p.Headers = []Header{{"X-A", "1\r\nEvil: 1"}} },
		func(p *InviteParams) { p.Headers = []Header{{"Via", "1"}} },
		func(p *InviteParams) { p.Offer = nil },
	} {
		_, ev := r.invite(change)
		if e := want[Rejected](ev); e.Status != 0 || e.Reason == "" {
			t.Errorf("rejected %+v", e)
		}
	}
	r.pbx.silent(50*time.Millisecond, func(rawMsg) bool { return true })
}

// register registers a raw peer as a phone, with MD5 digest by hand.
func (p *rawPeer) register(user, password string) {
	p.t.Helper()
	uri := "sip:" + p.to.String()
	l := &leg{p: p, callID: "reg" + user, local: "rt", from: "<sip:" + user + "@cordboard>", to: "<sip:" + user + "@cordboard>", uri: uri}
	l.send("REGISTER", "Expires: 600\r\n", "")
	res := p.response(401, "REGISTER")
	l.send("REGISTER", "Expires: 600\r\n"+p.credentials(res, user, password, "REGISTER", uri), "")
	p.response(200, "REGISTER")
}

func (p *rawPeer) credentials(res rawMsg, user, password, method, uri string) string {
	for _, v := range res.headers("WWW-Authenticate") {
		_, params := splitParams("x;" + strings.ReplaceAll(strings.TrimPrefix(v, "Digest "), ",", ";"))
		if !strings.EqualFold(params["algorithm"], "MD5") && params["algorithm"] != "" {
			continue
		}
		sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
		response := sum(sum(user+":"+params["realm"]+":"+password) + ":" + params["nonce"] + ":00000001:cn:auth:" + sum(method+":"+uri))
		return fmt.Sprintf("Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"cn\"\r\n",
			user, params["realm"], params["nonce"], uri, response)
	}
	p.t.Fatalf("no MD5 challenge in %s", res.text)
	return ""
}

func TestPhone(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Trunks[0].Server = URI{Host: "192.0.2.1"}
		c.Phones = []Phone{{User: "anna", Password: digest.NewSecret("pw")}}
	})
	phone := r.pbx
	l := phone.leg("2000")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	phone.silent(100*time.Millisecond, func(rawMsg) bool { return true }) // not registered: a stranger
	phone.register("anna", "pw")
	for deadline := time.Now().Add(10 * time.Second); !r.s.phones.has(phone.addr().Addr()) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // the edge hears of it a moment later; a real phone would send again
	}
	l = phone.leg("2000")
	l.from = "<sip:anna@cordboard>"
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	res := phone.response(401, "INVITE")
	l.ack(res, "")
	l.remote = ""
	l.send("INVITE", phone.credentials(res, "anna", "pw", "INVITE", l.uri), sdp(40000, "sendrecv"))
	c := r.incoming()
	if c.in.Phone != "anna" || c.in.RequestURI.User != "2000" || c.in.Trunk != "" {
		t.Errorf("incoming %+v", c.in)
	}
	c.d.Reject(486, "")
	l.ack(phone.response(486, "INVITE"), "")
	d, ev := r.invite(func(p *InviteParams) {
		p.Trunk, p.Line, p.Phone, p.AutoAnswer = "", "", "anna", true
		p.From = Identity{Display: "Olha", Number: "+380"}
	})
	inv := phone.request("INVITE")
	if !strings.Contains(inv.header("Call-Info"), "answer-after=0") || !strings.Contains(inv.header("From"), `"Olha" <sip:+380@`) {
		t.Errorf("invite to phone %s", inv.text)
	}
	phone.reply(inv, 200, "ph", "", sdp(40000, "sendrecv"))
	phone.request("ACK")
	want[Answered](ev)
	d.Hangup("")
	phone.reply(phone.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

// A datagram that declares more than it holds is dropped before anything is allocated for it: whether gigabytes, or as much as
// sipgo's parser takes (64 KiB, v1.7.2).
func TestMemoryBomb(t *testing.T) {
	r := &rig{alone: true}
	r.start(t, nil)
	lengths := []string{"Content-Length: 4294967295", "l: 4294967295", "Content-Length: 0\r\nContent-Length: 64000", "Content-Length: 64000", "l : 64000"}
	const rounds, each = 20, 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range rounds {
		for j := range each {
			for k, length := range lengths {
				r.pbx.send(fmt.Sprintf("INVITE sip:1001@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKbomb%d.%d.%d\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: bomb\r\nCSeq: 1 INVITE\r\n%s\r\n\r\n",
					r.pbx.addr(), i, j, k, length))
			}
		}
		l := r.pbx.leg("1001")
		l.send("OPTIONS", "", "")
		r.pbx.response(200, "OPTIONS") // the socket lives, and has read all before
	}
	runtime.ReadMemStats(&after)
	grown := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes for each of %d bombs", grown/(rounds*each*5), rounds*each*5)
	if grown > rounds*each*64000 { // of one of the five alone
		t.Errorf("%d MiB were allocated", grown>>20)
	}
	if n := len(r.calls); n != 0 {
		t.Errorf("%d calls from bombs", n)
	}
}

// TestWireOrder sends each call's answers back to back: with one goroutine per message they come apart.
func TestWireOrder(t *testing.T) {
	r := newRig(t, nil)
	for i := range 100 {
		d, ev := r.invite(nil)
		inv := r.pbx.request("INVITE")
		r.pbx.reply(inv, 100, "", "", "")
		r.pbx.reply(inv, 180, "pt", "", "")
		r.pbx.reply(inv, 183, "pt", "", sdp(40000, "sendrecv"))
		r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv"))
		l := r.pbx.asLeg(inv, "pt")
		for range 5 {
			l.send("INFO", "Content-Type: application/dtmf\r\n", "5")
		}
		l.send("BYE", "", "")
		var got []string
		for len(got) < 9 {
			select {
			case e := <-ev.ch:
				got = append(got, fmt.Sprintf("%T", e)[len("sipua."):])
			case <-time.After(15 * time.Second):
				t.Fatalf("run %d: only %v", i, got)
			}
		}
		if s := strings.Join(got, " "); s != "Ringing Early Answered Info Info Info Info Info Ended" {
			t.Fatalf("run %d: %s", i, s)
		}
		d.Hangup("")
	}
}

func TestLargeInviteByTCP(t *testing.T) {
	r := newRig(t, nil)
	ln, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.pbx.addr().Addr(), r.pbx.addr().Port())))
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		defer close(got)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got <- string(buf[:n])
	}()
	big := func(p *InviteParams) { p.Headers = []Header{{"X-Pad", strings.Repeat("x", 900)}} }
	d, _ := r.invite(big)
	if text := <-got; !strings.Contains(text, "Via: SIP/2.0/TCP ") {
		t.Errorf("first by TCP: %q", text)
	}
	ln.Close()
	for range got {
	}
	d.Hangup("")
}

// Calls that have ended linger to answer what is resent, and leave the room of live ones free.
func TestEndedDialogsTakeNoRoom(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxDialogs = 1 })
	for range 4 {
		c, l := r.called("")
		l.send("BYE", "", "")
		r.pbx.response(200, "BYE")
		want[Ended](c.ev)
	}
	c, l := r.called("")
	if n := r.s.Dialogs(); n != 1 {
		t.Errorf("%d dialogs", n)
	}
	second := r.pbx.leg("1001")
	second.send("INVITE", "", sdp(40002, "sendrecv"))
	second.ack(r.pbx.response(503, "INVITE"), "")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}

// Whoever is refused for load is told when to try again.
func TestRejectedForLoad(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	r.incoming().d.Reject(503, "No Media Ports")
	res := r.pbx.response(503, "INVITE")
	l.ack(res, "")
	if res.header("Retry-After") != "10" {
		t.Errorf("Retry-After %q", res.header("Retry-After"))
	}
}
