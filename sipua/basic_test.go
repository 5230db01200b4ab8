package sipua

import (
	"strings"
	"testing"
	"time"
)

func TestOutgoing(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	if !strings.HasPrefix(inv.start, "INVITE sip:2000@pbx.test ") {
		t.Errorf("request line %q", inv.start)
	}
	r.pbx.reply(inv, 100, "", "", "")
	r.pbx.reply(inv, 180, "pt", "", "")
	if got := want[Ringing](ev); got.Status != 180 {
		t.Errorf("ringing %d", got.Status)
	}
	r.pbx.reply(inv, 183, "pt", "", sdp(40000, "sendrecv"))
	if got := want[Early](ev); got.Media.Remote.Port() != 40000 || got.Media.Codec.Name != "PCMA" {
		t.Errorf("early %+v", got.Media)
	}
	r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv"))
	ack := r.pbx.request("ACK")
	if ack.tag("To") != "pt" || ack.cseq() != inv.cseq() {
		t.Errorf("ack %s", ack.text)
	}
	want[Answered](ev)
	if id := d.ID(); id.RemoteTag != "pt" {
		t.Errorf("id %+v", id)
	}
	r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv")) // our ACK was lost
	r.pbx.request("ACK")
	d.Hangup("bye")
	bye := r.pbx.request("BYE")
	if bye.cseq() <= inv.cseq() || !strings.Contains(bye.header("Reason"), "bye") {
		t.Errorf("bye %s", bye.text)
	}
	r.pbx.reply(bye, 200, "", "", "")
	if e := want[Ended](ev); e.Cause != CauseHangup || e.ByPeer {
		t.Errorf("ended %+v", e)
	}
}

func TestIncoming(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "X-Queue: Sales\r\nX-Ivr: 1\r\nP-Asserted-Identity: \"Olha\" <sip:+380441234567@pbx.test>\r\nDiversion: <sip:500@pbx.test>;reason=no-answer;counter=2\r\n", sdp(40000, "sendrecv"))
	r.pbx.response(100, "INVITE")
	c := r.incoming()
	in := c.in
	if in.Trunk != "pbx" || in.Line != "1001" || in.Caller.Number != "+380441234567" || in.Caller.Display != "Olha" || !in.OfferSDP {
		t.Errorf("incoming %+v", in)
	}
	if len(in.Headers) != 2 || in.Headers[0] != (Header{"X-Queue", "Sales"}) || in.Headers[1].Value != "1" {
		t.Errorf("headers %v", in.Headers)
	}
	if len(in.Diversion) != 1 || in.Diversion[0].Identity.Number != "500" || in.Diversion[0].Counter != 2 {
		t.Errorf("diversion %+v", in.Diversion)
	}
	c.d.Ring(nil)
	ring := r.pbx.response(180, "INVITE")
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	if ok.tag("To") == "" || ok.tag("To") != ring.tag("To") || !strings.Contains(ok.body, "m=audio 30000") {
		t.Errorf("200 %s", ok.text)
	}
	r.pbx.response(200, "INVITE") // resent: no ACK yet
	l.ack(ok, "")
	if a := want[Answered](c.ev); a.Media.Remote.Port() != 40000 {
		t.Errorf("answered %+v", a)
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	if e := want[Ended](c.ev); !e.ByPeer || e.Cause != CauseHangup {
		t.Errorf("ended %+v", e)
	}
}

func TestStrangersHearNothing(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Trunks[0].Server = URI{Host: "192.0.2.1"} })
	for _, m := range []string{"INVITE", "OPTIONS", "REGISTER", "BYE", "FOO", "CANCEL", "ACK"} {
		l := r.pbx.leg("1001")
		l.send(m, "", "")
	}
	r.pbx.silent(300*time.Millisecond, func(rawMsg) bool { return true })
}

func TestHangupBeforeAck(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	c.d.Hangup("")
	r.pbx.silent(150*time.Millisecond, func(m rawMsg) bool { return m.method() == "BYE" }) // RFC 3261 §15
	l.ack(ok, "")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](c.ev)
}

func TestNoAck(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	n := 0
	bye := r.pbx.next("BYE", func(m rawMsg) bool {
		if m.status() == 200 {
			n++
		}
		return m.method() == "BYE"
	})
	if n < 8 || n > 20 { // T1 100 ms doubling to T2 400 ms over 6.4 s
		t.Errorf("200 sent %d times", n)
	}
	r.pbx.reply(bye, 200, "", "", "")
	if e := want[Ended](c.ev); e.Cause != CauseAckTimeout {
		t.Errorf("ended %+v", e)
	}
}

func TestRejectAndBusy(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Reject(486, "Busy Here")
	l.ack(r.pbx.response(486, "INVITE"), "")
	if e := want[Ended](c.ev); e.Cause != CauseRejected {
		t.Errorf("ended %+v", e)
	}
	_, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 486, "pt", "Retry-After: 7\r\n", "")
	r.pbx.request("ACK")
	r.pbx.reply(inv, 486, "pt", "", "") // resent: ACK again, at once
	r.pbx.request("ACK")
	if e := want[Rejected](ev); e.Status != 486 || e.RetryAfter != 7*time.Second {
		t.Errorf("rejected %+v", e)
	}
}

// The Reason of a hang-up is what was asked for: to a phone, 200 on a CANCEL means that the call was taken elsewhere.
func TestReasonOfHangup(t *testing.T) {
	for reason, want := range map[string]string{
		"":                                 ``,
		"Call completed elsewhere":         `SIP;cause=200;text="Call completed elsewhere"`,
		`SIP;cause=480;text="no_answer"`:   `SIP;cause=480;text="no_answer"`,
		"SIP;cause=480;text=\"a\r\nb: c\"": ``,
	} {
		t.Run(want, func(t *testing.T) {
			r := newRig(t, nil)
			d, _ := r.invite(nil)
			inv := r.pbx.request("INVITE")
			r.pbx.reply(inv, 180, "pt", "", "")
			d.Hangup(reason)
			cancel := r.pbx.request("CANCEL")
			if got := cancel.header("Reason"); got != want {
				t.Errorf("%q: Reason is %q, want %q", reason, got, want)
			}
			r.pbx.reply(cancel, 200, "", "", "")
			r.pbx.reply(inv, 487, "pt", "", "")
			r.pbx.request("ACK")
		})
	}
}
