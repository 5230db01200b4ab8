package sipua

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cordboard/sipua/offer"
)

func TestPeerHoldsAndRetrieves(t *testing.T) {
	r := newRig(t, nil)
	c, l := r.called("")
	for _, dir := range []struct {
		peer string
		ours offer.Direction
	}{{"sendonly", offer.RecvOnly}, {"inactive", offer.Inactive}, {"sendrecv", offer.SendRecv}} {
		l.send("INVITE", "", sdp(40000, dir.peer))
		ok := l.response(200, "INVITE")
		l.ack(ok, "")
		m := want[Media](c.ev)
		if m.Media.Direction != dir.ours || !m.ByPeer {
			t.Errorf("peer %s: ours %v", dir.peer, m.Media.Direction)
		}
		if !strings.Contains(ok.body, "a="+dir.ours.String()) {
			t.Errorf("answer to %s: %s", dir.peer, ok.body)
		}
	}
	l.send("UPDATE", "", sdp(40002, "sendrecv"))
	r.pbx.response(200, "UPDATE")
	if m := want[Media](c.ev); m.Media.Remote.Port() != 40002 {
		t.Errorf("media %+v", m)
	}
	l.send("INVITE", "", "v=0\r\nbad\r\n") // 488, and the old session stays
	l.ack(r.pbx.response(488, "INVITE"), "")
	l.send("INVITE", "Content-Type: text/plain\r\n", "hello")
	l.ack(r.pbx.response(415, "INVITE"), "")
	l.send("INVITE", "", "") // without an offer: ours in the 200
	ok := l.response(200, "INVITE")
	if ok.body == "" {
		t.Error("no offer in 200 to an empty re-INVITE")
	}
	l.ack(ok, sdp(40004, "sendrecv"))
	if m := want[Media](c.ev); m.Media.Remote.Port() != 40004 {
		t.Errorf("media %+v", m)
	}
	c.d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](c.ev)
}

func TestReofferAndRefusal(t *testing.T) {
	r := newRig(t, nil)
	d, ev, _, _ := r.answered(nil)
	hold := local(30000)
	hold.Direction = offer.SendOnly
	d.Reoffer(hold)
	inv := r.pbx.request("INVITE")
	if !strings.Contains(inv.body, "a=sendonly") || inv.tag("To") != "pt" {
		t.Errorf("re-INVITE %s", inv.text)
	}
	r.pbx.reply(inv, 200, "", "", sdp(40000, "recvonly"))
	ack := r.pbx.request("ACK")
	if m := want[Media](ev); m.Media.Direction != offer.SendOnly || m.ByPeer {
		t.Errorf("media %+v", m)
	}
	r.pbx.reply(inv, 200, "", "", sdp(40000, "recvonly")) // ACK lost
	if again := r.pbx.request("ACK"); again.cseq() != ack.cseq() {
		t.Error("another ACK")
	}
	d.Reoffer(local(30000))
	inv = r.pbx.request("INVITE")
	r.pbx.reply(inv, 488, "", "", "")
	r.pbx.request("ACK")
	if f := want[ReofferFailed](ev); f.Status != 488 {
		t.Errorf("failed %+v", f)
	}
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

// RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms.
func TestGlareWait(t *testing.T) {
	for _, c := range []struct {
		owner       bool
		least, most time.Duration
	}{{true, 2100 * time.Millisecond, 4 * time.Second}, {false, 0, 2 * time.Second}} {
		least, most := time.Hour, time.Duration(0)
		for range 20_000 { // to miss one of 200 values has a chance of 1e-43
			d := glareWait(c.owner)
			least, most = min(least, d), max(most, d)
			if d%(10*time.Millisecond) != 0 {
				t.Fatalf("wait of %v", d)
			}
		}
		if least != c.least || most != c.most {
			t.Errorf("owner %v waits %v to %v, want %v to %v", c.owner, least, most, c.least, c.most)
		}
	}
}

func TestGlare(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	hold := local(30000)
	hold.Direction = offer.SendOnly
	d.Reoffer(hold)
	inv := r.pbx.request("INVITE")
	l.send("INVITE", "", sdp(40000, "sendrecv")) // crosses ours
	l.ack(r.pbx.response(491, "INVITE"), "")
	d.Reoffer(local(30000)) // the wish is coalesced: what is sent later is the newest state
	d.Reoffer(hold)
	start := time.Now()
	r.pbx.reply(inv, 491, "", "", "")
	r.pbx.next("ACK", func(m rawMsg) bool { return m.method() == "ACK" && m.cseq() == inv.cseq() })
	again := r.pbx.request("INVITE")
	if wait := time.Since(start); wait < 2100*time.Millisecond { // how long at most: TestGlareWait
		t.Errorf("owner of the Call-ID waited %v", wait)
	}
	if !strings.Contains(again.body, "a=sendonly") {
		t.Errorf("not the newest state: %s", again.body)
	}
	r.pbx.reply(again, 200, "", "", sdp(40000, "recvonly"))
	r.pbx.request("ACK")
	want[Media](ev)
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

func TestCSeqOrder(t *testing.T) {
	r := newRig(t, nil)
	c, l := r.called("")
	l.send("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n")
	r.pbx.response(200, "INFO")
	if i := want[Info](c.ev); i.Digit != '5' || i.Duration != 160*time.Millisecond {
		t.Errorf("info %+v", i)
	}
	l.raw("INFO", l.cseq-1, "z9hG4bK-old", "", "")
	r.pbx.response(500, "INFO")
	l.send("INFO", "Content-Type: application/dtmf\r\n", "#")
	r.pbx.response(200, "INFO")
	if i := want[Info](c.ev); i.Digit != '#' {
		t.Errorf("info %+v", i)
	}
	l.send("FOO", "", "")
	r.pbx.response(501, "FOO")
	l.send("MESSAGE", "Content-Type: text/plain\r\n", "hi")
	if m := r.pbx.response(405, "MESSAGE"); m.header("Allow") == "" {
		t.Error("405 without Allow")
	}
	l.send("UPDATE", "Require: teleport\r\n", "")
	if m := r.pbx.response(420, "UPDATE"); m.header("Unsupported") != "teleport" {
		t.Errorf("420 %s", m.text)
	}
	l.send("SUBSCRIBE", "Event: x\r\n", "")
	r.pbx.response(405, "SUBSCRIBE")
	l.send("NOTIFY", "Event: presence\r\n", "")
	r.pbx.response(489, "NOTIFY")
	wrong := *l
	wrong.remote = "nobody"
	wrong.send("BYE", "", "")
	r.pbx.response(481, "BYE")
	c.d.Digit('1', 100*time.Millisecond)
	info := r.pbx.request("INFO")
	r.pbx.reply(info, 481, "", "", "") // the peer does not know us any more
	r.pbx.reply(r.pbx.request("BYE"), 481, "", "", "")
	if e := want[Ended](c.ev); e.Cause != CauseGone {
		t.Errorf("ended %+v", e)
	}
}

func TestSessionRefresh(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Trunks[0].SessionExpires = 2 * time.Hour })
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	if inv.header("Session-Expires") != "7200" || inv.header("Min-SE") != "90" {
		t.Errorf("session headers: %s", inv.text)
	}
	r.pbx.reply(inv, 422, "pt", "Min-SE: 9000\r\n", "")
	r.pbx.request("ACK")
	inv = r.pbx.next("second INVITE", func(m rawMsg) bool { return m.method() == "INVITE" && m.cseq() == inv.cseq()+1 })
	if inv.header("Min-SE") != "9000" || inv.header("Session-Expires") != "9000" {
		t.Errorf("after 422: %s", inv.text)
	}
	r.pbx.reply(inv, 200, "pt", "Allow: UPDATE\r\nSession-Expires: 2;refresher=uac\r\n", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	want[Answered](ev)
	up := r.pbx.request("UPDATE")
	if !strings.HasPrefix(up.header("Session-Expires"), "2;refresher=uac") || up.body != "" {
		t.Errorf("refresh %s", up.text)
	}
	r.pbx.reply(up, 200, "", "Session-Expires: 2;refresher=uac\r\n", "")
	up = r.pbx.next("second UPDATE", func(m rawMsg) bool { return m.method() == "UPDATE" && m.cseq() > up.cseq() })
	r.pbx.reply(up, 408, "", "", "")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	if e := want[Ended](ev); e.Cause != CauseGone {
		t.Errorf("ended %+v", e)
	}
	_ = d
}

func TestSessionExpires(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "Supported: timer\r\nSession-Expires: 30\r\n", sdp(40000, "sendrecv"))
	res := r.pbx.response(422, "INVITE")
	if res.header("Min-SE") != "90" {
		t.Errorf("422 %s", res.text)
	}
	l.ack(res, "")
	_, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 200, "pt", "Require: timer\r\nSession-Expires: 3;refresher=uas\r\n", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	want[Answered](ev)
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "") // the peer refreshes, and does not
	if e := want[Ended](ev); e.Cause != CauseSessionExpired {
		t.Errorf("ended %+v", e)
	}
}

// An UPDATE waits for the re-INVITE before it: if it came first, the re-INVITE would be refused.
func TestIdentityAfterReoffer(t *testing.T) {
	r := newRig(t, nil)
	d, ev, _, _ := r.answered(nil)
	d.Reoffer(local(30000))
	d.Identity(Identity{Number: "2000"})
	d.Identity(Identity{Number: "2001"}) // the newest counts
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 200, "", "", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	up := r.pbx.request("UPDATE")
	if up.cseq() <= inv.cseq() || !strings.Contains(up.text, "P-Asserted-Identity: <sip:2001@") {
		t.Errorf("after CSeq %d: %s", inv.cseq(), up.text)
	}
	r.pbx.reply(up, 200, "", "", "")
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

func TestIdentity(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	d.Identity(Identity{Display: `Ann "A"`, Number: "2001"})
	up := r.pbx.request("UPDATE")
	if got := up.header("P-Asserted-Identity"); got != `"Ann 'A'" <sip:2001@pbx.test>` {
		t.Errorf("identity %s", got)
	}
	r.pbx.reply(up, 200, "", "", "")
	l.send("UPDATE", "P-Asserted-Identity: \"Boss\" <sip:3000@pbx.test>\r\n", "")
	r.pbx.response(200, "UPDATE")
	if i := want[IdentityChanged](ev); i.Identity.Number != "3000" || i.Identity.Display != "Boss" {
		t.Errorf("identity %+v", i)
	}
	d.Identity(Identity{Number: "1\r\nX: y"}) // refused, not stripped
	r.pbx.silent(100*time.Millisecond, func(m rawMsg) bool { return m.method() == "UPDATE" })
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

func TestByeCrossesReinvite(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	d.Reoffer(local(30002))
	inv := r.pbx.request("INVITE")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	if e := want[Ended](ev); !e.ByPeer {
		t.Errorf("ended %+v", e)
	}
	r.pbx.reply(inv, 200, "", "", sdp(40000, "sendrecv")) // must still be acknowledged
	r.pbx.request("ACK")
	l.send("BYE", "", "") // again
	r.pbx.response(200, "BYE")
}

func TestRouteSet(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	rr := fmt.Sprintf("Record-Route: <sip:192.0.2.9;lr>, <sip:%s;lr;x=2>\r\n", r.pbx.addr())
	r.pbx.reply(inv, 200, "pt", rr, sdp(40000, "sendrecv"))
	ack := r.pbx.request("ACK")
	routes := ack.headers("Route")
	if len(routes) != 2 || !strings.Contains(routes[0], "x=2") || !strings.Contains(routes[1], "192.0.2.9") {
		t.Errorf("routes %q", routes)
	}
	want[Answered](ev)
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

// A 2xx to our re-INVITE that comes again is acknowledged again with the same ACK, and means nothing more.
func TestReofferAnsweredTwice(t *testing.T) {
	r := newRig(t, nil)
	d, ev, _, _ := r.answered(nil)
	for port := uint16(40010); port < 40050; port += 2 {
		d.Reoffer(local(port))
		inv := r.pbx.request("INVITE")
		r.pbx.reply(inv, 200, "", "", sdp(int(port)+1000, "sendrecv"))
		r.pbx.reply(inv, 200, "", "", sdp(int(port)+1000, "sendrecv"))
		first, second := r.pbx.request("ACK"), r.pbx.request("ACK")
		if first.text != second.text {
			t.Fatalf("two ACKs:\n%s\n%s", first.text, second.text)
		}
		if m := want[Media](ev); m.Media.Remote.Port() != port+1000 {
			t.Errorf("media %+v", m)
		}
	}
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}
