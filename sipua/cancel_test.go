package sipua

import (
	"testing"
	"time"
)

func TestCancelWaitsForProvisional(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	d.Hangup("")
	r.pbx.silent(150*time.Millisecond, func(m rawMsg) bool { return m.method() == "CANCEL" || m.method() == "BYE" })
	r.pbx.reply(inv, 180, "pt", "", "")
	cancel := r.pbx.request("CANCEL")
	if cancel.header("Via") != inv.header("Via") || cancel.cseq() != inv.cseq() || cancel.tag("To") != "" {
		t.Errorf("cancel does not match the INVITE: %s", cancel.text)
	}
	r.pbx.reply(cancel, 200, "pt", "", "")
	r.pbx.reply(inv, 487, "pt", "", "")
	r.pbx.request("ACK")
	if e := want[Rejected](ev); e.Status != 487 {
		t.Errorf("rejected %+v", e)
	}
}

func TestCancelCrossesAnswer(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 180, "pt", "", "")
	want[Ringing](ev)
	d.Hangup("")
	r.pbx.request("CANCEL")
	r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "") // no leg is left behind at the peer
	if e := want[Rejected](ev); e.Status != 487 {
		t.Errorf("rejected %+v", e)
	}
	r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv")) // the ACK was lost
	r.pbx.request("ACK")
}

func TestCancelUnanswered(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 180, "pt", "", "")
	want[Ringing](ev)
	d.Hangup("")
	r.pbx.request("CANCEL") // nothing is ever answered: 64*T1
	if e := want[Rejected](ev); e.Status != 487 {
		t.Errorf("rejected %+v", e)
	}
}

func TestNoAnswerAtAll(t *testing.T) {
	r := newRig(t, nil)
	_, ev := r.invite(nil)
	if e := want[Rejected](ev); e.Status != 408 {
		t.Errorf("rejected %+v", e)
	}
}

func TestNoAnswerTimer(t *testing.T) {
	r := newRig(t, nil)
	_, ev := r.invite(func(p *InviteParams) { p.NoAnswer = 200 * time.Millisecond })
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 180, "pt", "", "")
	r.pbx.reply(r.pbx.request("CANCEL"), 200, "pt", "", "")
	r.pbx.reply(inv, 487, "pt", "", "")
	if e := want[Rejected](ev); e.Status != 408 {
		t.Errorf("rejected %+v", e)
	}
}

func TestPeerCancels(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Ring(nil)
	ring := r.pbx.response(180, "INVITE")
	l.raw("CANCEL", l.cseq, l.branch, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", "")
	if ok := r.pbx.response(200, "CANCEL"); ok.tag("To") != ring.tag("To") {
		t.Errorf("tag of 200 to CANCEL %q, want %q", ok.tag("To"), ring.tag("To"))
	}
	res := r.pbx.response(487, "INVITE")
	if res.tag("To") != ring.tag("To") {
		t.Error("487 has another tag")
	}
	l.ack(res, "")
	if e := want[Ended](c.ev); e.Cause != CauseCancelled || !e.ByPeer || e.Reason != "Call completed elsewhere" {
		t.Errorf("ended %+v", e)
	}
	c.d.Answer(local(30000)) // too late: nothing happens
	r.pbx.silent(150*time.Millisecond, func(m rawMsg) bool { return m.status() == 200 })
}

func TestCancelAfterAnswerHasNoEffect(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	l.raw("CANCEL", l.cseq, l.branch, "", "")
	r.pbx.response(200, "CANCEL")
	l.ack(ok, "")
	want[Answered](c.ev)
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}

func TestForks(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 183, "a", "", sdp(41000, "sendrecv"))
	if e := want[Early](ev); e.Media.Remote.Port() != 41000 {
		t.Errorf("early %+v", e)
	}
	r.pbx.reply(inv, 183, "b", "", sdp(42000, "sendrecv")) // the newest early media counts
	if e := want[Early](ev); e.Media.Remote.Port() != 42000 {
		t.Errorf("early %+v", e)
	}
	r.pbx.reply(inv, 200, "a", "", sdp(41000, "sendrecv"))
	if ack := r.pbx.request("ACK"); ack.tag("To") != "a" {
		t.Errorf("ack to %q", ack.tag("To"))
	}
	if e := want[Answered](ev); e.Media.Remote.Port() != 41000 {
		t.Errorf("answered %+v", e)
	}
	r.pbx.reply(inv, 200, "b", "", sdp(42000, "sendrecv")) // second answer: ACK, then BYE
	if ack := r.pbx.request("ACK"); ack.tag("To") != "b" {
		t.Errorf("ack to %q", ack.tag("To"))
	}
	bye := r.pbx.request("BYE")
	if bye.tag("To") != "b" {
		t.Errorf("bye to %q", bye.tag("To"))
	}
	r.pbx.reply(bye, 200, "", "", "")
	d.Hangup("")
	bye = r.pbx.request("BYE")
	if bye.tag("To") != "a" {
		t.Errorf("bye to %q", bye.tag("To"))
	}
	r.pbx.reply(bye, 200, "", "", "")
	want[Ended](ev)
}

func TestLateOfferOut(t *testing.T) {
	r := newRig(t, nil)
	l := local(30000)
	d, ev := r.invite(func(p *InviteParams) { p.Offer, p.Answer = nil, &l })
	inv := r.pbx.request("INVITE")
	if inv.body != "" {
		t.Errorf("late offer with body %q", inv.body)
	}
	r.pbx.reply(inv, 200, "pt", "", sdp(40000, "sendrecv"))
	if ack := r.pbx.request("ACK"); ack.body == "" || ack.header("Content-Type") != "application/sdp" {
		t.Errorf("no answer in ACK: %s", ack.text)
	}
	want[Answered](ev)
	d.Hangup("")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	want[Ended](ev)
}

func TestLateOfferIn(t *testing.T) {
	r := newRig(t, nil)
	for _, answer := range []string{sdp(40000, "sendrecv"), ""} {
		l := r.pbx.leg("1001")
		l.send("INVITE", "", "")
		c := r.incoming()
		if c.in.OfferSDP {
			t.Error("offer seen")
		}
		c.d.Answer(local(30000))
		ok := r.pbx.response(200, "INVITE")
		if ok.body == "" {
			t.Error("no offer in 200")
		}
		l.ack(ok, answer)
		if answer != "" {
			if a := want[Answered](c.ev); a.Media.Remote.Port() != 40000 {
				t.Errorf("answered %+v", a)
			}
			c.d.Hangup("")
		}
		r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
		want[Ended](c.ev)
	}
}

func TestUnusableAnswer(t *testing.T) {
	r := newRig(t, nil)
	_, ev := r.invite(nil)
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 200, "pt", "", "v=0\r\nnonsense\r\n")
	r.pbx.request("ACK")
	r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
	if e := want[Ended](ev); e.Cause != CauseNoMedia {
		t.Errorf("ended %+v", e)
	}
}
